"""A whole fit on small data, in two processes."""

import json
import multiprocessing
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import mmskelseg
from mmskelseg.apis import SkelSegInferencer
from mmskelseg.automl import fit as fit_module
from mmskelseg.automl.held_out import predictions_of
from mmskelseg.automl.job import Fit
from mmskelseg.commands.export import main as export
from mmskelseg.commands.fit import main
from mmskelseg.commands.share import main as share
from mmskelseg.commands.suggest import main as suggest
from mmskelseg.commands.test import main as score
from mmskelseg_behaviour.functional.calibration import (
    Scored,
    fit_temperature,
    reliability,
    tempered,
)
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs import processes
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.structures.segments import segment_table
from mmskelseg_runtime.commands.explain import main as explain
from mmskelseg_runtime.commands.live import main as live
from mmskelseg_runtime.commands.segment import main as segment
from mmskelseg_runtime.segmenting.model_files import ModelFile
from tests.clips import write_video
from tests.errors import raises_naming
from tests.small_data import ROOT, small_annotations
from tests.small_fits import small_fits
from tests.tool_server import IS_POSSIBLE, preloaded_context

pytestmark = pytest.mark.slow

# Two configs, whatever their speed.
WORDS = ['--minutes', '600', '--compare', '2']


@contextmanager
def quick_fits():
    """Make fits small, in processes that find everything imported."""
    with small_fits() as patch:
        if IS_POSSIBLE:
            patch.setattr(processes, 'get_context', lambda _: preloaded_context())
        yield


@pytest.fixture
def small():
    with quick_fits():
        yield


@pytest.fixture
def measured(monkeypatch):
    """Find a machine as fast as assumed, and return what was measured on it."""
    calls = []

    def paces(folder, submit, processes, events, todo):
        calls.append(todo)
        return {one.kind: 1.0 for one in todo}

    monkeypatch.setattr(fit_module, 'paces', paces)
    return calls


@pytest.fixture
def fit(tmp_path, measured):
    """Save annotations, and fit a model to them; return its folder."""

    def run(data, *words):
        save_annotations(data, tmp_path / 'a.pkl')
        folder = tmp_path / 'model'
        assert main([str(tmp_path / 'a.pkl'), '--out', str(folder), *words]) is None
        return folder

    return run


@pytest.fixture
def said_before(fit, capsys):
    """Return what is said of annotations before the time is found to be too short."""

    def run(data):
        with raises_naming(SystemExit, '--minutes 0.001 | too short'):
            fit(data, '--minutes', '.001')
        return capsys.readouterr().out

    return run


@pytest.fixture(scope='module')
def fitted(tmp_path_factory):
    """The folder of a fit on four persons, with two videos each, and a test video."""
    folder = tmp_path_factory.mktemp('fit')
    data = small_annotations([60, 45] * 4 + [50])
    for i, video in enumerate(data['annotations']):
        video['person'] = f'person {i // 2}'
        video['filename'] = 'walk.mp4'
    # A video without labels can be neither held out nor tested.
    data['annotations'][1]['label'][:] = -1
    # Bob calls six of 60 and of 45 frames otherwise than ann.
    for video in data['annotations'][2:4]:
        bob = video['label'].copy()
        bob[:6] = (bob[:6] + 1) % 3
        video['observers'] = {'ann': video['label'], 'bob': bob}
    save_annotations(data, folder / 'annotations.pkl')
    out = folder / 'model'
    job = Fit(
        ann_file=folder / 'annotations.pkl',
        out=out,
        minutes=600.0,
        compare=2,
        processes=2,
    )
    with quick_fits():
        found = job.start(PrintedEvents())
    assert found.folder == out
    assert {*found.scores} == {'test', 'held_out'}
    return out


def with_tiers(data):
    """Give the classes of small annotations to a tier, and add another one."""
    for video in data['annotations']:
        hand = np.arange(video['total_frames']) // 9 % 2
        video['label'] = np.stack([video['label'], hand])
    del data['metainfo']['classes']
    tiers = {'posture': ['stand', 'sit', 'lie'], 'hand': ['rest', 'wave']}
    data['metainfo'] |= {'tiers': tiers, 'background': {'hand': 'rest'}}


def report_of(folder):
    return json.loads((folder / 'report.json').read_text('utf-8'))


def test_folder_has_a_model_and_a_report(fitted):
    names = {path.name for path in fitted.iterdir()}
    assert names >= {
        'annotations.pkl', 'config.py', 'fit.json', 'model.onnx', 'model.safetensors',
        'report.html', 'report.json', 'runs', 'test',
    }  # fmt: skip


def test_only_what_is_labelled_counts(fitted):
    """Seven of eight training videos have labels, 37.5 s in all."""
    train = report_of(fitted)['data']['train']
    assert train == {'videos': 7, 'minutes': pytest.approx(37.5 / 60)}
    page = (fitted / 'report.html').read_text('utf-8')
    assert 'Trained on 7 videos (38 s of labels)' in ' '.join(page.split())
    data = load_annotations(fitted / 'annotations.pkl')
    assert 'video_1' not in {video['frame_dir'] for video in data['annotations']}


def test_persons_are_held_out_whole(fitted):
    data = load_annotations(fitted / 'annotations.pkl')
    assert data['annotations'][0]['filename'] == str(fitted.parent / 'walk.mp4')
    person = {v['frame_dir']: v['person'] for v in data['annotations']}
    for i in (1, 2):
        train, held = (data['split'][f'fold{i}/{part}'] for part in ('train', 'test'))
        assert not {person[n] for n in train} & {person[n] for n in held}
        assert set(train + held) == set(data['split']['train'])


def test_scores_are_those_of_the_test(fitted):
    metrics = json.loads((fitted / 'test' / 'metrics.json').read_text('utf-8'))
    scores = report_of(fitted)['scores']['test']
    for name, value in scores.items():
        assert value == pytest.approx(metrics[f'seg/{name}'], abs=1e-9)


def test_each_training_has_its_own_curves(fitted):
    """Even though a process runs several; how many depends on the machine's speed."""
    logs = [*fitted.glob('runs/*/*/seed_0/*/*.log')]
    assert len(logs) > 4
    for log in logs:
        assert any(log.parent.glob('vis_data/events.out.*')), log


def test_report_says_how_long_bouts_last_at_least(fitted):
    """At most 5 % of the training segments are shorter."""
    data = load_annotations(fitted / 'annotations.pkl')
    train = [v for v in data['annotations'] if v['frame_dir'] in data['split']['train']]
    tables = np.concatenate([segment_table(np.asarray(v['label'])) for v in train])
    shortest = int(np.percentile(tables[:, 1] - tables[:, 0], 5))
    expected = {'tier': '', 'seconds': shortest / train[0]['fps']}
    assert report_of(fitted)['shortest_bouts'] == [expected]


def test_model_is_shown_beside_people(fitted):
    """On the two recordings that both have labelled, when they were held out."""
    report = report_of(fitted)
    (pair,) = report['observers']['pairs']
    assert (pair['observers'], pair['persons']) == (['ann', 'bob'], 1)
    assert pair['recordings'] == ['video_2', 'video_3']
    people, model, _ = pair['agreement']
    assert people['acc'] == pytest.approx(100 * 93 / 105)
    own = [v for v in report['videos'] if v['video'] in pair['recordings']]
    frames = {'video_2': 60, 'video_3': 45}
    right = sum(v['acc'] * frames[v['video']] for v in own)
    assert model['acc'] == pytest.approx(right / 105)
    page = ' '.join((fitted / 'report.html').read_text('utf-8').split())
    said = f'(ann and bob) agree to a kappa of {people["kappa"]:.2f}, the model and ann'
    assert said in page


def without_temperature(folder):
    """Return what the final model says of the test video without its temperature."""
    final = folder / 'runs/final'
    segment = SkelSegInferencer(
        str(final / 'config.py'), str(next(final.glob('*/seed_0'))), show_progress=False
    )
    found = segment([str(folder / 'annotations.pkl')], split='test')['predictions']
    return found[0]['pred_score']


def test_probabilities_are_calibrated(fitted):
    """Those of the exported model and of the test, by all held-out videos."""
    report = report_of(fitted)
    calibration = report['calibration']
    temperature = calibration['temperature']
    assert f'temperature={temperature!r}' in (fitted / 'config.py').read_text()
    (name,) = (row['name'] for row in report['candidates'] if row.get('chosen'))
    longest = fitted / 'runs' / f'{name}_{report["plan"]["length"]:g}'
    held_out = [
        Scored(video.scores, video.gt)
        for fold in longest.glob('fold*/seed_0/predictions.pkl')
        for video in predictions_of(fold).values()
    ]
    assert temperature == pytest.approx(fit_temperature(held_out))
    assert temperature != 1
    ((video, tested),) = predictions_of(fitted / 'test' / 'predictions.pkl').items()
    raw = without_temperature(fitted)
    np.testing.assert_allclose(tested.scores, tempered(raw, temperature), atol=1e-5)
    before = reliability([Scored(raw, tested.gt, video)])
    assert calibration['test_before']['ece'] == pytest.approx(before.error, abs=1e-4)
    out = fitted.parent / 'out'
    words = [str(fitted / 'annotations.pkl'), str(fitted), '--split', 'test']
    segment([*words, '--out', str(out), '--formats', 'json'])
    segments = json.loads(next(out.glob('*segments.json')).read_text())['segments']
    label = tested.pred
    cuts = np.flatnonzero(np.diff(label)) + 1
    assert len(segments) == len(cuts) + 1
    first = tested.scores[label[0], : cuts[0] if cuts.size else None].mean()
    assert segments[0]['score'] == pytest.approx(first, abs=1e-3)


@pytest.mark.usefixtures('small')
def test_tiers_are_fitted_together(fit, tmp_path):
    """With one temperature; a video may have labels in one of them only."""
    data = small_annotations([40, 45, 40, 50])
    with_tiers(data)
    data['annotations'][0]['label'][1] = -1
    folder = fit(data, '--minutes', '5', '--compare', '1')
    report = report_of(folder)
    metrics = json.loads((folder / 'test' / 'metrics.json').read_text('utf-8'))
    for name, value in report['scores']['test'].items():
        assert value == pytest.approx(metrics[f'seg/{name}'], abs=1e-9)
    assert {'posture/f1@10', 'hand/mAP'} <= set(report['scores']['held_out'])
    assert [row['name'] for row in report['classes']][2:] == [
        'posture: lie',
        'hand: wave',
    ]
    assert 'video_3, hand' in (folder / 'report.html').read_text('utf-8')
    raw = without_temperature(folder)
    (tested,) = predictions_of(folder / 'test' / 'predictions.pkl').values()
    temperature = report['calibration']['temperature']
    assert not np.allclose(raw, tested.scores, atol=3e-3)
    for rows in (slice(3), slice(3, 5)):
        expected = tempered(raw[rows], temperature)
        np.testing.assert_allclose(tested.scores[rows], expected, atol=1e-5)
    words = [str(tmp_path / 'a.pkl'), str(folder), '--split', 'test']
    segment([*words, '--formats', 'json', '--out', str(tmp_path / 'out')])
    found = json.loads(next((tmp_path / 'out').glob('*segments.json')).read_text())
    hand = [one for one in found['segments'] if one['tier'] == 'hand']
    assert len(hand) == 1 + np.count_nonzero(np.diff(tested.pred[1]))


def test_choice_says_what_was_compared(fitted):
    rows = report_of(fitted)['candidates']
    compared = [row for row in rows if 'options' in row]
    shares = '--recipe pose2d --observers shares'
    assert [row['options'] for row in compared] == ['--recipe pose2d', shares]
    assert [row['chosen'] for row in compared].count(True) == 1
    assert all(row['short'] is not None for row in compared)


@pytest.fixture
def moved(fitted, tmp_path, monkeypatch):
    """The same folder under a name with quotes; its place is the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'it\'s "mine"'
    fitted.rename(folder)
    yield folder
    folder.rename(fitted)


def without_paths(report):
    """Return a report but for what names folders."""
    return {k: v for k, v in report.items() if k not in ('next', 'data', 'checkpoint')}


def test_same_command_repeats_nothing_that_is_done(
    moved, fitted, capsys, measured, small, monkeypatch
):
    """A run that was lost is repeated, with the same digits.

    Even where the folder was moved to, and with another number of cores.
    """
    before = report_of(moved)
    file = next((moved / 'runs').glob('*/fold1/seed_0')) / 'metrics.json'
    scores = json.loads(file.read_text())
    file.unlink()
    shutil.copy(fitted.parent / 'annotations.pkl', '.')
    # A process that has to import everything.
    monkeypatch.setattr(processes, 'get_context', multiprocessing.get_context)
    model = mmskelseg.fit('annotations.pkl', moved, minutes=600, compare=2, processes=1)
    text = capsys.readouterr().out
    assert 'Two observers (ann and bob) agree to a kappa of' in text
    # The final training is looked at again, and has nothing left to do.
    assert len(re.findall(r', (fold\d|final): ', text)) == 2
    assert not measured
    assert without_paths(json.loads(file.read_text())) == without_paths(scores)
    assert without_paths(report_of(moved)) == without_paths(before)
    assert model.report == report_of(moved)
    (found,) = model.segment('annotations.pkl', split='test')['predictions']
    assert found['segments']


def test_folder_can_be_moved_and_opened_from_anywhere(
    moved, fitted, tmp_path, call_tool
):
    """Neither it nor the clone is named in its configs."""
    for path in (moved / 'config.py', *moved.glob('runs/*/config.py')):
        text = path.read_text()
        assert not any(str(f) in text for f in (ROOT, fitted, fitted.parent))
    segment = SkelSegInferencer(moved, show_progress=False)
    ann_file = str(moved / 'annotations.pkl')
    (found,) = segment(ann_file, split='test')['predictions']
    config, model = moved / 'config.py', moved / 'model.safetensors'
    call_tool('tools/test.py', config, moved, '--work-dir', 'again')
    metrics = json.loads((tmp_path / 'again/metrics.json').read_text())
    before = json.loads((moved / 'test/metrics.json').read_text())
    assert metrics['per_video'] == before['per_video']
    again = SkelSegInferencer(config, model, show_progress=False)
    (same,) = again(ann_file, split='test')['predictions']
    np.testing.assert_array_equal(same['pred_label'], found['pred_label'])
    few = ['--cfg-options', 'train_cfg.max_epochs=1']
    call_tool('tools/train.py', config, '--work-dir', 'trained', *few)
    assert (tmp_path / 'trained/epoch_1.pth').is_file()


def test_folder_is_a_model_for_every_command(fitted, tmp_path, monkeypatch):
    """By its name alone; `test` writes elsewhere."""
    monkeypatch.chdir(tmp_path)
    before = (fitted / 'test/metrics.json').read_text()
    data, model = str(fitted / 'annotations.pkl'), str(fitted)
    assert score([model]) is None
    (folder,) = Path('work_dirs').iterdir()
    scores = json.loads((folder / 'metrics.json').read_text())
    assert scores['per_video'] == json.loads(before)['per_video']
    assert suggest([data, model, '--out', 'next', '--ignore-labels']) is None
    assert Path('next/suggestions.csv').is_file()
    assert export([model, 'again.onnx']) is None
    assert ModelFile.open('again.onnx').metadata['kind'] == 'segmentor'
    test = [data, model, '--split', 'test', '--out']
    assert explain([*test, 'why', '--no-times']) is None
    assert segment([*test, 'out', '--formats', 'csv']) is None
    assert share([model, 'shared', '--licence', 'mit']) is None
    assert segment([data, 'shared', '--split', 'test', '--out', 'same']) is None
    for source in (model, 'shared'):
        assert share([source, '--page', 'model.html']) is None
        assert 'page/model.js' in Path('model.html').read_text('utf-8')
    with raises_naming(SystemExit, fitted, 'make-config --streaming'):
        live([str(write_video(tmp_path / 'a.mp4', range(9))), model, '--events'])
    assert (fitted / 'test/metrics.json').read_text() == before


@pytest.mark.parametrize(
    ('words', 'named'),
    [
        (['--minutes', '5'], 'minutes was 600.0 | 5.0'),
        ([*WORDS, '--seed', '3'], 'seed was 0 | 3'),
    ],
)
def test_other_settings_need_another_folder(fitted, words, named):
    ann_file = fitted.parent / 'annotations.pkl'
    with raises_naming(SystemExit, fitted, named):
        main([str(ann_file), '--out', str(fitted), *words])


def test_plan_given_back_gives_the_same_digits(fitted, tmp_path, measured, small):
    out = tmp_path / 'again'
    plan = fitted / 'plan.json'
    words = [str(fitted.parent / 'annotations.pkl'), '--plan', str(plan)]
    assert main([*words, '--out', str(out)]) is None
    assert not measured
    before, after = report_of(fitted), report_of(out)
    assert after['plan'] == before['plan'] == json.loads(plan.read_text('utf-8'))
    assert without_paths(after) == without_paths(before)


def test_other_plan_needs_another_folder(fitted, tmp_path):
    plan = json.loads((fitted / 'plan.json').read_text('utf-8'))
    file = tmp_path / 'plan.json'
    file.write_text(json.dumps(plan | {'length': 0.3}))
    words = [str(fitted.parent / 'annotations.pkl'), '--out', str(fitted), *WORDS]
    with raises_naming(SystemExit, fitted / 'plan.json', file):
        main([*words, '--plan', str(file)])


@pytest.mark.parametrize(('words', 'times'), [([], 1), (['--executor', 'local'], 0)])
def test_nothing_is_measured_for_a_cluster(fit, measured, words, times):
    with raises_naming(SystemExit, 'too short'):
        fit(small_annotations([60, 45, 50, 40]), '--minutes', '.001', *words)
    assert len(measured) == times


def test_fit_that_trained_nothing_may_get_more_time(fit):
    """Nothing is kept of what was too short, so the same folder will do."""
    data = small_annotations([60, 45, 50, 40])
    for minutes in ('.001', '.002'):
        with raises_naming(SystemExit, minutes, 'too short'):
            fit(data, '--minutes', minutes)


def test_an_hour_later_speed_is_measured_again_in_the_same_folder(tmp_path):
    save_annotations(small_annotations([60, 45, 50, 40]), tmp_path / 'a.pkl')
    folder = tmp_path / 'model'
    words = [str(tmp_path / 'a.pkl'), '--out', str(folder), '--compare', '2']
    with small_fits():
        for _ in range(2):
            with raises_naming(SystemExit, 'too short'):
                main([*words, '--minutes', '.001'])
            (paces,) = folder.rglob('paces.json')
            os.utime(paces, (0, 0))


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        (lambda v: v['label'].fill(1), "'class_1'"),
        (lambda v: v['keypoint'].fill(0), 'a.pkl: no video | keypoint'),
    ],
)
def test_data_that_cannot_work_is_refused_at_once(fit, tmp_path, change, named):
    data = small_annotations([60, 45, 50, 40])
    for video in data['annotations']:
        change(video)
    with raises_naming(SystemExit, f'{tmp_path}/a.pkl: ', named):
        fit(data)
    assert not (tmp_path / 'model').exists()


def test_videos_of_other_rates_are_read_at_that_of_most(said_before, tmp_path):
    data = small_annotations([60, 45, 50, 40])
    data['annotations'][1]['fps'] = 20.0
    assert 'at 10 frames per second, the rate of most: 1 of 4' in said_before(data)
    read = load_annotations(tmp_path / 'model' / 'annotations.pkl')['annotations']
    assert [(v['fps'], len(v['label'])) for v in read] == [
        (10.0, 60), (10.0, 23), (10.0, 50), (10.0, 40)
    ]  # fmt: skip


def test_second_observer_of_other_recordings_is_refused_at_once(fit, tmp_path):
    table = tmp_path / 'bob.csv'
    table.write_text('video,start,end,label\nx,0,1,class_0\ny,0,1,class_0\n')
    with raises_naming(SystemExit, f'{tmp_path}/a.pkl: video_0, | {table}: x, y'):
        fit(small_annotations(), '--second-observer', str(table))
    assert not (tmp_path / 'model').exists()


def test_no_tier_with_two_classes_is_refused(fit):
    data = small_annotations()
    with_tiers(data)
    for video in data['annotations']:
        video['label'][:] = [[2], [0]]
    with raises_naming(SystemExit, "only the classes 'posture: lie', 'hand: rest';"):
        fit(data)


@pytest.mark.parametrize(('label', 'named'), [(1, "only 'hand: wave'"), (-1, 'none')])
def test_what_limits_the_model_is_said_of_each_tier(said_before, label, named):
    data = small_annotations([60, 45, 50, 40])
    with_tiers(data)
    first, *others, _ = data['annotations']
    for video in data['annotations']:
        video['label'][1] = label
    for video in others:
        video['label'][0, video['label'][0] == 2] = 0
    first['label'][0, 30:] = -1
    text = said_before(data)
    assert f"of the tier 'hand', the training videos show {named}, so" in text
    assert "only 'video_0' shows 'posture: lie', so" in text
    # The video ends with labels, if any tier has them.
    assert ("labels of 'video_0' end" in text) == (label == -1)


def test_what_limits_the_model_is_said(said_before):
    data = small_annotations([60, 45, 50, 40, 40])
    first, *_, another, _ = data['annotations']
    another['label'][:] = -1
    for video in data['annotations'][1:]:
        video['label'][video['label'] == 2] = 0
    first['label'][30:] = -1
    del data['split']['test']
    text = said_before(data)
    assert "only 'video_0' shows 'class_2', so" in text
    assert "labels of 'video_0' end 3.0 s before" in text
    assert '1 training video has no label' in text
    assert 'there are no test videos' in text


def test_who_is_held_out_is_said(said_before):
    data = small_annotations([60, 45, 50, 40, 60, 45, 50])
    names = ['s1_P1', 's1_P2', 's2_P3', 's2_P4', 's3_P5', 's3_P6', 's4_P7']
    for video, name in zip(data['annotations'], names, strict=True):
        video['frame_dir'] = name
    data['split'] = {'train': names[:-1], 'test': names[-1:]}
    text = said_before(data)
    assert "held out    in 3 folds of 3 persons: 's1'; 's3'; 's2'; names of" in text


def test_one_of_two_bodies_is_said_to_be_read(said_before):
    data = small_annotations([60, 45, 50, 40])
    for video in data['annotations']:
        for key in ('keypoint', 'keypoint_score'):
            video[key] = np.concatenate([video[key]] * 2)
    assert '4 of 4 videos show several individuals' in said_before(data)


def test_test_videos_alone_are_refused(fit, tmp_path):
    data = small_annotations()
    data['split'] = {'test': [video['frame_dir'] for video in data['annotations']]}
    with raises_naming(SystemExit, f"{tmp_path}/a.pkl: | 'test' | 'train'"):
        fit(data)


def test_test_videos_are_no_training_videos_where_none_are_stated(said_before):
    data = small_annotations([60, 45, 50, 40])
    del data['split']['train']
    assert 'training and test videos show' not in said_before(data)


@pytest.mark.parametrize('who', ['ann', 'bob'])
def test_persons_in_training_and_test_are_said(said_before, who):
    data = small_annotations([60, 45, 50, 40])
    persons = ['ann', 'cat', 'dan', who]
    for video, person in zip(data['annotations'], persons, strict=True):
        video['person'] = person
    shown = "training and test videos show 'ann', so" in said_before(data)
    assert shown == (who == 'ann')


@pytest.mark.usefixtures('small')
def test_clips_are_joined_for_the_scores(fit, tmp_path, capsys):
    """They show one action each, and an object; who shows them is held out."""
    data = small_annotations([30] * 12)
    data['metainfo']['objects'] = {'cup': ['middle']}
    seen = np.ones((30, 1), np.float32)
    door = {'name': 'door', 'shape': 'line', 'points': [[0.0, 0.0], [20.0, 0.0]]}
    for i, video in enumerate(data['annotations']):
        points = np.full((30, 1, 2), 50 + i, np.float32)
        cup = {'name': 'cup 1', 'kind': 'cup', 'points': points, 'score': seen}
        video |= {'objects': [cup], 'places': [door]}
        video |= {'label': np.full(30, i % 3), 'person': f'person {i // 4}'}
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] = {'fold1/train': names[:8], 'fold1/test': names[8:]}
    folder = fit(data, '--minutes', '600', '--compare', '1')
    said = capsys.readouterr().out
    assert 'nobody knows' in said
    assert 'Held-out clips, joined: ' in said
    assert 'places are left out' in said
    report = report_of(folder)
    assert report['next'][0].endswith(f'{folder} --objects OBJECTS')
    (cup,) = load_annotations(folder / 'annotations.pkl')['annotations'][-1]['objects']
    assert cup['score'].all()
    assert report['data']['persons'] == 3
    assert {row['person'] for row in report['videos']} == {
        f'person {i}' for i in range(3)
    }
    assert 'real recordings, nobody knows' in (folder / 'report.html').read_text(
        'utf-8'
    )
