"""Predictions within seconds, while a model is trained."""

from time import monotonic
from types import SimpleNamespace

import numpy as np
import pytest

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_studio import predicting, preview
from mmskelseg_studio.preview import Preview, predict, train
from mmskelseg_studio.results import Predictions
from tests.conftest import studio_of, wait_for
from tests.small_data import small_annotations
from tests.small_jobs import Act


def test_linear_model_finds_what_a_joint_shows():
    """In a recording that it has not seen."""
    data = small_annotations((300, 300, 200))
    videos, meta = data['annotations'], data['metainfo']
    models = train(videos[:2], meta)
    (found,) = predict(models, videos[2:], meta, monotonic() + 60)
    assert np.mean(found['pred_label'] == videos[2]['label']) > 0.9
    np.testing.assert_allclose(found['pred_score'].sum(axis=0), 1, rtol=1e-5)
    ends = [(one['start_frame'], one['end_frame']) for one in found['segments']]
    assert (ends[0][0], ends[-1][1]) == (0, 200)


def test_linear_model_minimises_its_loss():
    """Gradient steps of a second implementation lower it by little more."""
    data = small_annotations((60, 60))
    (model,) = train(data['annotations'], data['metainfo']).values()
    rows = [preview._Windows(v, data['metainfo']) for v in data['annotations']]
    raw = np.concatenate([row.of(np.arange(60)) for row in rows])
    values = (raw - model.mean) / model.deviation
    label = np.concatenate([video['label'] for video in data['annotations']])
    weights = np.zeros_like(model.weights, np.float64)

    def losses(weights):
        logits = values @ weights[:-1] + weights[-1]
        score = np.exp(logits - logits.max(axis=1, keepdims=True))
        score /= score.sum(axis=1, keepdims=True)
        penalty = preview._PENALTY / 2 * (weights[:-1] ** 2).sum()
        return score, penalty - np.log(score[np.arange(120), label]).mean()

    for _ in range(3000):
        score, _ = losses(weights)
        error = (score - np.eye(score.shape[1])[label]) / 120
        slope = np.vstack([values.T @ error, error.sum(axis=0)])
        slope[:-1] += preview._PENALTY * weights[:-1]
        weights -= 0.02 * slope
    assert losses(model.weights)[1] < 1.05 * losses(weights)[1]


def test_windows_are_means_of_what_is_there():
    """At the ends, of fewer frames; beyond them, of the first or last one."""
    data = small_annotations((60,))
    video, meta = data['annotations'][0], data['metainfo']
    windows = preview._Windows(video, meta)
    flat = np.diff(windows._sums, axis=0)
    found = windows.of(np.array([0, 30])).reshape(2, 9, -1)
    # At 10 frames a second: 20 to 10 frames before, and those up to the next one.
    np.testing.assert_allclose(found[1, 0], flat[10:20].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found[1, 4], flat[29:31].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found[0, 0], flat[0], rtol=1e-4)


def test_tier_without_labels_has_no_preview():
    data = small_annotations((60, 60))
    meta = data['metainfo']
    meta['tiers'] = {'a': meta['classes'], 'b': ['x', 'y']}
    meta['classes'] = [f'{t}: {c}' for t, names in meta['tiers'].items() for c in names]
    for video in data['annotations']:
        video['label'] = np.stack([video['label'], np.full(60, -1)])
    models = train(data['annotations'], meta)
    found = next(predict(models, data['annotations'], meta, monotonic() + 60))
    assert {one['tier'] for one in found['segments']} == {'a'}


def test_time_left_is_that_of_the_frames_left(monkeypatch):
    """A quarter of the frames took 2 s, so the others take 6 s."""
    times, found = iter([10.0, 12.0, 18.0]), []
    monkeypatch.setattr(predicting, 'monotonic', lambda: next(times))
    events = SimpleNamespace(progress=lambda *given: found.append(given))
    names = [{'frame_dir': 'a'}, {'frame_dir': 'b'}]
    assert list(predicting.timed(names, [100, 300], events)) == names
    assert found == [('Predicted a', 1, 2, 6.0), ('Predicted b', 2, 2, 0.0)]


def test_recordings_for_which_there_is_no_time_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(preview, '_LONGEST', 0.0)
    save_annotations(small_annotations(), tmp_path / 'annotations.pkl')
    found = Preview(ann_file=tmp_path / 'annotations.pkl').run(PrintedEvents())
    assert found.recordings == {}


def test_machine_of_other_cores_goes_on_with_a_training(folder, monkeypatch):
    """It trains as many at a time as there are, with the same plan."""
    places = []
    fit = lambda **given: places.append(given['out']) or Act(code='1 / 0')  # noqa: E731
    monkeypatch.setattr('mmskelseg_studio.studio.Fit', fit)
    studio = studio_of(folder)
    for cores in (2, 2, 4):
        monkeypatch.setattr('os.cpu_count', lambda n=cores: n)
        studio.train(1)
        studio.job.stop()
    assert places[0] == places[1] == places[2]


@pytest.mark.usefixtures('quick_runs')
def test_preview_is_shown_until_the_model_is_trained(folder, monkeypatch):
    """The training is replaced by one that is stopped, and a failing preview."""
    room = 'mmskelseg_studio.studio'
    wait = Act(code='import time; time.sleep(60)')
    monkeypatch.setattr(f'{room}.Fit', lambda **_: wait)
    studio = studio_of(folder)
    studio.train(1)
    wait_for(lambda: studio.preview is not None)
    news = studio.progress()
    assert (news['preview'], news['model'], news['version']) == (True, None, 2)
    (row,) = studio.recording(2)['predictions']
    assert (row[0][0], row[-1][1]) == (0, 50)
    studio.job.stop()
    assert studio.progress()['preview']
    # The preview itself is no obstacle for the training.
    monkeypatch.setattr(f'{room}.Preview', lambda **_: Act(code='1 / 0'))
    fault = 'from mmskelseg_io.messages.errors import UserError\n'
    fail = Act(code=fault + "raise UserError('The training has failed.')")
    monkeypatch.setattr(f'{room}.Fit', lambda **_: fail)
    studio.train(1)
    wait_for(lambda: studio.job.state != 'running')
    assert studio.job.error == 'The training has failed.'
    assert not studio.progress()['preview']


@pytest.mark.usefixtures('quick_runs')
def test_first_model_is_shown_while_the_training_goes_on(folder, monkeypatch):
    """The training says where it is."""
    code = """
import time
from pathlib import Path
events.note('A config: chosen')
events.note('A first model: ' + str(Path({out!r}, 'runs/first/first/seed_0')))
time.sleep(60)
"""
    found = Predictions({'video_2': [[[0, 50, 1, 0.9]]]}, [])

    def predict(model, ann_file):
        names = 'from mmskelseg_studio.results import Predictions\n'
        if model.endswith('seed_0'):
            return Act(code=f'{names}result = {found!r}')
        # That of the whole training is not begun.
        return SimpleNamespace(ann_file=ann_file)

    room = 'mmskelseg_studio.studio'
    act = lambda out, **_: Act(code=code.format(out=str(out)))  # noqa: E731
    monkeypatch.setattr(f'{room}.Fit', act)
    monkeypatch.setattr(f'{room}.Predict', predict)
    studio = studio_of(folder)
    studio.train(1)
    wait_for(lambda: studio.progress()['first'])
    assert studio.progress()['preview']
    assert studio.recording(2)['predictions'] == [[(0, 50, 1, 0.9)]]
    studio.close()
