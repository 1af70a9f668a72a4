"""Tiers and individuals, from an annotation file to files of labelling tools."""

import json

import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg.runtime import OnnxSegmenter
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs import main
from mmskelseg_io.labels import read_segments
from mmskelseg_io.labels.segments import segments_to_tiers
from mmskelseg_io.structures.tiers import tiers_of
from tests.small_data import small_annotations

TIERS = {
    'posture': ['stand', 'sit', 'lie'],
    'left hand': ['rest', 'wave'],
    'sniff': ['no sniff', 'sniff'],
}
SHORT = [
    'train_cfg.max_epochs=2', 'train_cfg.val_interval=2',
    'default_hooks.checkpoint.interval=2', 'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
]  # fmt: skip


def herd():
    """Return three recordings of two individuals, with labels of three tiers each."""
    first, second = small_annotations(), small_annotations(seed=1)
    for video, other in zip(first['annotations'], second['annotations'], strict=True):
        for key in ('keypoint', 'keypoint_score'):
            video[key] = np.concatenate([video[key], other[key]])
        frames = np.arange(video['total_frames'])
        rows = [video['label'], frames // 9 % 2, frames // 20 % 2]
        video['label'] = np.stack([np.stack(rows), np.stack(rows)[:, ::-1]])
        video['label'][0, 1, :5] = -1
        video['individuals'] = ['adult', 'young']
    # The young one comes later.
    first['annotations'][0]['keypoint_score'][1, :20] = 0
    del first['metainfo']['classes']
    first['metainfo'] |= {'tiers': TIERS, 'background': {'sniff': 'no sniff'}}
    return first


def use_one_network(config):
    with config.open('a') as file:
        file.write("model['members'] = 1\n")


@pytest.fixture
def ann_file(tmp_path):
    save_annotations(herd(), tmp_path / 'annotations.pkl')
    return tmp_path / 'annotations.pkl'


def test_each_individual_is_a_video_with_its_own_labels(ann_file):
    data = load_annotations(ann_file)
    names = [video['frame_dir'] for video in data['annotations']]
    assert names[:3] == ['video_0_adult', 'video_0_young', 'video_1_adult']
    assert data['split']['test'] == ['video_2_adult', 'video_2_young']
    adult, young = data['annotations'][:2]
    assert adult['label'].tolist() == herd()['annotations'][0]['label'][0].tolist()
    assert (young['label'][:, :20] == -1).all()
    assert (young['label'][:, 20:] >= 0).all()
    assert (young['person'], young['video'], young['individual']) == (
        'young', 'video_0', 1,
    )  # fmt: skip


@pytest.mark.slow
def test_tiers_and_individuals_train_segment_and_come_back(call_tool, ann_file):
    """Exported models give the same labels; files of tools read back to them."""
    folder = ann_file.parent
    config, work_dir = folder / 'my.py', folder / 'work'
    call_tool('tools/make_config.py', ann_file, config)
    use_one_network(config)
    options = ['--work-dir', work_dir, '--cfg-options', *SHORT]
    call_tool('tools/train.py', config, *options)
    report = json.loads((work_dir / 'metrics.json').read_text())
    for key in ('f1@50', 'edit', 'mAP'):
        each = [report[f'seg/{tier}/{key}'] for tier in TIERS]
        assert report[f'seg/{key}'] == pytest.approx(np.mean(each))
    assert set(report['per_video']) == {'video_2_adult', 'video_2_young'}
    assert len(report['per_class']) == len(report['confusion']) == 7
    trained = work_dir / 'epoch_2.pth'
    main(['export', *map(str, (config, trained, folder / 'model.onnx'))])
    formats = ['csv', 'elan', 'boris', 'json', 'timeline', 'overlay']
    more = ['--split', 'test', '--out', folder / 'out', '--formats', *formats]
    call_tool('demo/demo.py', ann_file, config, trained, *more)
    segment = OnnxSegmenter(folder / 'model.onnx', show_progress=False)
    found = segment(str(ann_file), split='test')['predictions']
    for one in found:
        name, label = one['frame_dir'], one['pred_label']
        assert label.shape == (3, one['total_frames'])
        stem = folder / 'out' / f'{name}_segments'
        stated = json.loads(stem.with_suffix('.json').read_text())
        assert [s['label_id'] for s in stated['segments']] == [
            s['label_id'] for s in one['segments']
        ]
        for kind in ('csv', 'eaf', 'boris'):
            (video,) = read_segments(stem.with_suffix(f'.{kind}'), subject='each')
            assert {s.individual for s in video.segments} == {one['person']}
            frames = len(label[0]), one['fps'], tiers_of(one)
            read = segments_to_tiers(video.segments, *frames, missing='unlabelled')
            np.testing.assert_array_equal(read, label)


@pytest.mark.parametrize(('flags', 'step'), [
    ([], 'MinDuration'), (['--streaming', 0.5], 'CausalMinDuration'),
])  # fmt: skip
def test_tiers_get_a_minimum_duration_alone(call_tool, ann_file, tmp_path, flags, step):
    call_tool('tools/make_config.py', ann_file, tmp_path / 'my.py', *flags)
    model = Config.fromfile(tmp_path / 'my.py').model
    assert model.tiers == [3, 2, 2]
    assert [each.type for each in model.postprocess] == [step]


def test_browse_has_a_row_for_each_tier(ann_file, capsys):
    main(['browse', str(ann_file), '--first', '1'])
    shown = capsys.readouterr().out
    assert '7 classes in 3 tiers' in shown
    assert 'left hand: wave' in shown
    page = (ann_file.parent / 'browse' / 'index.html').read_text()
    assert ', left hand</span>' in page


@pytest.mark.slow
def test_scores_of_several_seeds_are_means_over_tiers(call_tool, ann_file, quick_runs):
    """Those of their ensemble, too, which a dump of each can be averaged to."""
    config, runs = ann_file.parent / 'my.py', ann_file.parent / 'runs'
    call_tool('tools/make_config.py', ann_file, config, '--epochs', 1)
    use_one_network(config)
    options = ['--seeds', 0, 1, '--work-dir', runs]
    done = call_tool('tools/cross_validate.py', config, *options)
    first = json.loads((runs / 'default/seed_0/metrics.json').read_text())
    assert f'Acc {first["seg/acc"]:.1f}, ' in done.stdout
    summary = json.loads((runs / 'cross_validation.json').read_text())
    scores = summary['ensemble']['over_folds']['scores']
    each = [scores[f'{tier}/raw_acc']['mean'] for tier in TIERS]
    assert scores['raw_acc']['mean'] == pytest.approx(np.mean(each))
    dumps = [runs / f'default/seed_{seed}/predictions.pkl' for seed in (0, 1)]
    work_dir = ann_file.parent / 'both'
    call_tool('tools/ensemble.py', *dumps, '--work-dir', work_dir)
    both = json.loads((work_dir / 'metrics.json').read_text())
    for tier in TIERS:
        assert f'seg/{tier}/f1@10' in both
