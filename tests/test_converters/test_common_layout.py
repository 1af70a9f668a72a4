"""From and to the common layout of action segmentation."""

import re
from functools import partial

import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg.converters import common_layout
from mmskelseg.registry import DATASETS
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from tests.errors import raises_naming
from tests.small_data import ROOT, small_annotations
from tests.test_converters import releases
from tests.test_converters.faults import check_refused, remove, save, text

TOOL = 'tools/dataset_converters/common_layout.py'
TOY = 'configs/skelseg/toy_joint_limb.py'


@pytest.fixture
def layout(tmp_path):
    return releases.common_layout(tmp_path)


def files_below(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def test_import_keeps_labels_splits_and_features(layout, tmp_path, run_tool):
    """Features become (T, D); splits are folds, and the wanted one is the main."""
    out = tmp_path / 'out'
    done = run_tool(
        TOOL, 'import', layout, out, '--fps', '15', '--split', '2',
        '--background', 'background',
    )  # fmt: skip
    data = load_annotations(out / 'annotations.pkl')
    assert data['split'] == {
        'train': ['b', 'c'],
        'test': ['a'],
        'split1/train': ['a', 'b'],
        'split1/test': ['c'],
        'split2/train': ['b', 'c'],
        'split2/test': ['a'],
    }
    assert data['metainfo']['classes'] == ['take', 'pour', 'background']
    assert data['metainfo']['background'] == 'background'
    video = data['annotations'][1]
    np.testing.assert_array_equal(video['label'], [1] * 5 + [2] * 5 + [0] * 4)
    assert video['fps'] == 15
    features = np.load(out / 'features/rgb/b.npy')
    assert features.dtype == np.float32
    source = np.load(layout / 'features/b.npy')
    np.testing.assert_allclose(features, source.T, rtol=1e-6)
    assert done.stdout.startswith('3 videos, 42 frames at 15 fps, 3 classes, ')
    assert f'4 features per frame in {out}/features/rgb\n' in done.stdout


def test_import_keeps_every_nth_frame_only_when_told(layout, tmp_path, call_tool):
    call_tool(
        TOOL, 'import', layout, tmp_path / 'out', '--fps', '30', '--sample', '2',
        '--modality', 'i3d',
    )  # fmt: skip
    video = load_annotations(tmp_path / 'out/annotations.pkl')['annotations'][1]
    assert (video['total_frames'], video['fps']) == (7, 15)
    np.testing.assert_array_equal(video['label'], [1, 1, 1, 2, 2, 0, 0])
    np.testing.assert_allclose(
        np.load(tmp_path / 'out/features/i3d/b.npy'),
        np.load(layout / 'features/b.npy').T[::2],
        rtol=1e-6,
    )


def test_import_takes_frames_first_and_cuts_when_told(layout, tmp_path, call_tool):
    """A (T, D) array one frame longer than its labels, by two options."""
    for video in 'abc':
        path = layout / f'features/{video}.npy'
        np.save(path, np.pad(np.load(path).T, ((0, 1), (0, 0))))
    call_tool(
        TOOL, 'import', layout, tmp_path / 'out', '--fps', '15', '--frames-first',
        '--cut', '1',
    )  # fmt: skip
    assert np.load(tmp_path / 'out/features/rgb/c.npy').shape == (16, 4)


def test_import_of_an_export_is_the_same_again(layout, tmp_path, call_tool):
    """Labels and splits go to the layout and back; splits keep their order."""
    call_tool(TOOL, 'import', layout, tmp_path / 'data', '--fps', '15')
    call_tool(TOOL, 'export', tmp_path / 'data/annotations.pkl', tmp_path / 'again')
    again = files_below(tmp_path / 'again')
    first = files_below(layout)
    for name in ['mapping.txt', *(f'groundTruth/{video}.txt' for video in 'abc')]:
        assert again[name] == first[name]
    # The main split comes first, and it is a fold as well.
    for number, source in ((1, 1), (2, 1), (3, 2)):
        for part in ('train', 'test'):
            bundle = again[f'splits/{part}.split{number}.bundle']
            assert bundle == first[f'splits/{part}.split{source}.bundle']


@pytest.fixture
def documented(layout, tmp_path, call_tool):
    """The config of the document, on the imported data."""
    call_tool(TOOL, 'import', layout, tmp_path / 'data', '--fps', '15')
    text = (ROOT / 'docs/datasets/common_layout.md').read_text()
    config = re.findall(r'```python\n(.*?)```', text, re.S)[0]
    config = config.replace("'../_base_", f"'{ROOT}/configs/_base_")
    config = config.replace('data/gtea', str(tmp_path / 'data'))
    assert config.count('=11') == 2
    path = tmp_path / 'mine.py'
    path.write_text(config.replace('=2048', '=4').replace('=11', '=3'))
    return path


@pytest.mark.slow
def test_imported_features_train(documented, tmp_path, run_tool):
    """The config of the document trains and tests on them."""
    run_tool(
        'tools/train.py', documented, '--work-dir', tmp_path / 'work', '--cfg-options',
        'train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
        'train_dataloader.num_workers=0', 'val_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'val_dataloader.persistent_workers=False',
    )  # fmt: skip
    assert (tmp_path / 'work/epoch_1.pth').is_file()


def test_loading_names_the_file_that_a_folder_lacks(documented, tmp_path):
    lacking = tmp_path / 'data' / 'features/rgb/c.npy'
    lacking.unlink()
    dataset = DATASETS.build(Config.fromfile(documented).test_dataloader.dataset)
    with raises_naming(FileNotFoundError, lacking, TOOL):
        dataset[0]


@pytest.fixture
def config(small_data, tmp_path):
    """The toy config on the small data."""
    path = tmp_path / 'small.py'
    path.write_text(
        f"_base_ = '{ROOT / TOY}'\n"
        f"test_dataloader = dict(dataset=dict(ann_file='{small_data}'))\n"
    )
    return path


def test_export_of_a_config_writes_what_its_model_gets(config, tmp_path, run_tool):
    """Features (D, T) of every video in a split, equal to the data set's."""
    done = run_tool(TOOL, 'export', config, tmp_path / 'out')
    dataset = Config.fromfile(config).test_dataloader.dataset
    for split, videos in (('train', 2), ('test', 1)):
        items = DATASETS.build({**dataset, 'split': split})
        assert len(items) == videos
        for i in range(videos):
            name = items.get_data_info(i)['frame_dir']
            features = np.load(tmp_path / f'out/features/{name}.npy')
            np.testing.assert_array_equal(features, items[i]['inputs']['heatmap'])
    label = (tmp_path / 'out/groundTruth/video_0.txt').read_text()
    assert label.startswith('class_0\n' * 12 + 'class_1\n')
    assert 'features of 3 videos, 196 per frame' in done.stdout


def test_export_makes_a_class_of_frames_without_a_label(tmp_path, call_tool):
    """And a name with spaces becomes one word, as readers of the layout need it."""
    data = small_annotations()
    data['annotations'][0]['label'][:2] = -1
    data['metainfo']['classes'][0] = 'walk  far'
    save_annotations(data, tmp_path / 'a.pkl')
    call_tool(
        TOOL, 'export', tmp_path / 'a.pkl', tmp_path / 'out', '--unlabelled', 'none'
    )
    mapping = (tmp_path / 'out/mapping.txt').read_text()
    assert mapping == '0 walk_far\n1 class_1\n2 class_2\n3 none\n'
    label = (tmp_path / 'out/groundTruth/video_0.txt').read_text()
    assert label.startswith('none\nnone\nwalk_far\n')


NAN = np.ones((4, 14))
NAN[2, 5] = np.nan
FEATURES = 'features/b.npy'
FAULTS = [
    (remove('mapping.txt'), 'mapping.txt'),
    (remove(FEATURES), f'/{FEATURES}: missing'),
    (
        save(FEATURES, np.ones((4, 13))),
        f'/{FEATURES} | 13 frames | b.txt has 14 labels | --frames-first',
    ),
    (save(FEATURES, np.ones((5, 14))), f'/{FEATURES} | 5 features | 4'),
    (save(FEATURES, NAN), f'/{FEATURES} | frame 5 is NaN | first of 1'),
    (save(FEATURES, np.ones((4, 14, 1))), f'/{FEATURES} | (4, 14, 1)'),
    (
        text('groundTruth/b.txt', 'take\nstir\n'),
        "/groundTruth/b.txt | line 2 | 'stir' | first of 1",
    ),
    (text('mapping.txt', '0 take\n0 pour\n'), '/mapping.txt | 0, 0'),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_files_names_file_and_place(change, named, layout, tmp_path):
    """What was there before stays."""
    convert = partial(common_layout.ImportCommonLayout, fps=15)
    out = tmp_path / 'out'
    convert(source=layout, out=out).run(PrintedEvents())
    (out / 'annotations.pkl').unlink()
    before = files_below(out)
    check_refused(convert, layout, out, change, named)
    assert files_below(out) == before


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--fps', '15', '--split', '4'], 'splits there are 1, 2.'),
        (['--fps', '15', '--background', 'SIL'], "background is 'SIL', expected"),
    ],
)
def test_fault_in_an_argument_of_the_import_is_told(
    arguments, message, layout, tmp_path, call_tool
):
    done = call_tool(TOOL, 'import', layout, tmp_path / 'out', *arguments, code=1)
    assert message in done.stderr


def test_fault_ends_the_export_with_one_sentence(small_data, tmp_path, call_tool):
    """Nothing is left behind, and a folder that is there is not touched."""
    data = small_annotations()
    data['annotations'][1]['label'][7] = -1
    save_annotations(data, tmp_path / 'a/a.pkl')
    out = tmp_path / 'new/out'
    done = call_tool(TOOL, 'export', tmp_path / 'a/a.pkl', out, code=1)
    assert done.stderr.startswith(
        'error: video video_1: frame 7 has no label, the first of 1,'
    )
    assert list(out.parent.iterdir()) == []
    done = call_tool(TOOL, 'export', small_data, tmp_path / 'a', code=1)
    assert f'{tmp_path}/a: exists already; name a new folder' in done.stderr
    done = call_tool(TOOL, 'export', tmp_path / 'none.pkl', out, code=1)
    assert done.stderr.startswith(f'error: {tmp_path}/none.pkl: there is no such file')
    done = call_tool(TOOL, 'export', tmp_path / 'none.py', out, code=1)
    assert done.stderr.endswith('none.py: there is no such file.\n')


def test_export_names_modalities_and_classes_that_cannot_be(
    config, tmp_path, call_tool
):
    out = tmp_path / 'out'
    done = call_tool(TOOL, 'export', config, out, '--modality', 'rgb', code=1)
    assert 'the config has the modalities heatmap, not rgb' in done.stderr
    data = small_annotations()
    data['metainfo']['classes'] = ['a b', 'a_b', 'c']
    save_annotations(data, tmp_path / 'a.pkl')
    done = call_tool(TOOL, 'export', tmp_path / 'a.pkl', out, code=1)
    assert 'two classes are called a_b when spaces' in done.stderr
    assert not out.exists()
