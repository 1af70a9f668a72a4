"""The web page without a browser, and without gradio."""

import json
import os
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch

from mmskelseg.apis.web_page import (
    PageSegmenter,
    find_checkpoints,
    player_html,
    segmenting,
)
from mmskelseg.apis.web_page.page import file_url, run_on_page
from mmskelseg.runtime.labels.writing import EXPORTS
from mmskelseg.runtime.segmenting.exports import write_exports
from tests.errors import raises_naming
from tests.small_data import save_poses, small_annotations


@pytest.fixture
def poses(tmp_path):
    """The skeletons of a video of 3 s."""
    video = small_annotations((30,))['annotations'][0]
    return save_poses(tmp_path / 'take.npz', video)


@pytest.fixture
def segmenter(small_config, checkpoint, tmp_path, monkeypatch):
    """A page with one model, which writes its video by OpenCV alone."""

    def by_opencv(*args, codec, **options):
        assert codec == 'avc1'
        return write_exports(*args, **options)

    monkeypatch.setattr(segmenting, 'write_exports', by_opencv)
    path = checkpoint(small_config)
    return PageSegmenter(path, tmp_path / 'results', device='cpu')


def run(segmenter, video=None, poses=None, checkpoint='model.pth', **options):
    values = {'person': 'track', 'fps': None, 'min_score': 0.0} | options
    told = []
    html = run_on_page(
        segmenter, lambda *step: told.append(step), video, poses, checkpoint,
        *values.values(),
    )  # fmt: skip
    return html, told


def prediction(segments, seconds=4.0, fps=10.0):
    """Return a prediction of two classes whose segments are (start, end, class)."""
    names = ['walk', '<b>lift</b>']
    score = np.full((2, round(seconds * fps)), 0.5)
    score[0, :20] = 1
    return {
        'frame_dir': 'take',
        'fps': fps,
        'total_frames': round(seconds * fps),
        'classes': names,
        'notes': (),
        'pred_score': score,
        'segments': [
            {'start': s, 'end': e, 'label_id': k, 'label': names[k], 'score': 0.75}
            for s, e, k in segments
        ],
    }


def html_of(tmp_path, *segments):
    file = tmp_path / 'overlay.mp4'
    file.write_bytes(bytes(1500))
    return player_html([prediction(segments)], [file], lambda path: f'at/{path.name}')


def test_checkpoints_are_listed_by_training_and_the_latest_first(tmp_path):
    for name in ('b/epoch_9.pth', 'b/epoch_10.pth', 'a/seed_0/best_mAP.pth', 'a/x.py'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    names = ['a/seed_0/best_mAP', 'b/epoch_10', 'b/epoch_9']
    assert list(find_checkpoints(tmp_path)) == names
    one = tmp_path / 'b' / 'epoch_9.pth'
    assert find_checkpoints(one) == {'epoch_9.pth': one}


def test_page_offers_trainings_and_then_what_comes_with_the_package(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    segmenter = PageSegmenter(None, tmp_path / 'results', device='cpu')
    assert segmenter.choices() == ['precog (comes with mmskelseg)']
    assert segmenter.newest() == 'precog (comes with mmskelseg)'
    trained = tmp_path / 'work_dirs' / 'mine' / 'epoch_3.pth'
    trained.parent.mkdir(parents=True)
    trained.touch()
    os.utime(trained, (0, 0))
    assert segmenter.choices()[0] == segmenter.newest() == 'mine/epoch_3'
    assert len(segmenter.choices()) == 2


@pytest.mark.usefixtures('segmenter')
def test_page_segments_with_the_model_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    segmenter = PageSegmenter(None, tmp_path / 'results', device='cpu')
    np.savez(tmp_path / 'take.npz', keypoint=np.ones((40, 12, 2)), fps=30,
             skeleton='body12')  # fmt: skip
    html = run_on_page(
        segmenter, lambda *_: None, None, tmp_path / 'take.npz', segmenter.newest(),
        'track', None, 0,
    )  # fmt: skip
    assert 'right_punch' in html


def test_missing_checkpoints_are_told(tmp_path):
    with raises_naming(FileNotFoundError, tmp_path / 'gone', 'tools/train.py'):
        find_checkpoints(tmp_path / 'gone')
    with raises_naming(ValueError, tmp_path, 'tools/train.py'):
        PageSegmenter(tmp_path, tmp_path)


def test_keypoints_become_a_page_with_all_files(segmenter, poses):
    html, told = run(segmenter, poses=poses)
    links = re.findall(r'<a href="gradio_api/file=([^"]+)" download="([^"]+)"', html)
    names = [EXPORTS[name].file for name in EXPORTS if name != 'gif']
    assert [name for _, name in links] == names
    for path, name in links:
        assert Path(path).name == name
        assert Path(path).stat().st_size > 0
        assert Path(path).is_relative_to(segmenter.results)
    assert {what for what, _, _ in told} == {
        'Loading the model', 'Making features', 'Drawing the overlay',
    }  # fmt: skip
    assert ('Making features', 30, 30) in told


def test_each_person_has_a_timeline_and_files(segmenter, poses):
    arrays = dict(np.load(poses))
    far = arrays['keypoint'] + [300, 0]
    both = np.concatenate([arrays['keypoint'], far])
    score = np.repeat(arrays['keypoint_score'], 2, axis=0)
    people = np.array(['ann', '<b>'])
    np.savez(
        poses, **{**arrays, 'keypoint': both, 'keypoint_score': score}, people=people
    )
    html, _ = run(segmenter, poses=poses, person='each')
    assert re.findall('<section class="person"><h3>([^/]+)</h3>', html) == [
        'ann', '&lt;b&gt;',
    ]  # fmt: skip
    data = json.loads(unescape(re.search('data-player="([^"]+)"', html)[1]))
    assert [person['name'] for person in data['people']] == ['ann', '<b>']
    assert html.count('<video') == 1
    assert ' of 2 people in 0:03.0' in html
    names = [EXPORTS[name].file for name in EXPORTS if name != 'gif']
    links = re.findall('download="([^"]+)"', html)
    assert [unescape(link) for link in links] == [
        'timeline.png', 'overlay.mp4',
        *[f'{person}_{name}' for person in ('ann', '%3Cb%3E')
          for name in names if name not in ('timeline.png', 'overlay.mp4')],
    ]  # fmt: skip


def test_old_results_are_deleted(segmenter, poses, monkeypatch):
    monkeypatch.setattr(segmenting, '_KEPT', 2)
    monkeypatch.setattr(segmenting, 'write_exports', lambda *args, **options: [])
    for _ in range(3):
        segmenter.run(None, poses, 'model.pth', listener=lambda *step: None)
    assert len(list(segmenter.results.iterdir())) == 2


@pytest.mark.parametrize(
    ('video', 'poses', 'message'),
    [
        (None, None, 'Drop a video, a file of keypoints, or both.'),
        ('take.txt', None, 'take.txt: not a video, judging by its name'),
        (None, 'take.mp4', 'take.mp4: a video; drop it in the field above.'),
        (None, 'data.pkl', 'data.pkl: not a file of keypoints, judging by its name'),
        ('take.mp4', None, 'take.mp4: cannot be read as a video'),
        (None, 'take.json', 'take.json: not in a known format'),
    ],
)
def test_bad_input_is_told_by_its_name_alone(
    segmenter, tmp_path, video, poses, message
):
    files = []
    for name in (video, poses):
        files.append(name and tmp_path / name)
        if name:
            files[-1].write_text('{}')
    html, _ = run(segmenter, *files)
    assert f'<div class="message error" role="alert">{message}' in html
    assert str(tmp_path) not in html


def test_page_averages_an_ensemble(
    small_config, checkpoint, tmp_path, poses, monkeypatch
):
    """Only for one checkpoint, not for a folder."""
    monkeypatch.setattr(segmenting, 'write_exports', lambda *args, **options: [])
    files = [checkpoint(small_config, name=f'{i}.pth', seed=i) for i in (0, 1)]
    places = tmp_path / 'results', {'device': 'cpu'}

    def score(first, *others):
        page = PageSegmenter(first, places[0], ensemble=others, **places[1])
        result = page.run(None, poses, first.name, listener=lambda *step: None)
        return result.predictions[0]['pred_score']

    mean = (score(files[0]) + score(files[1])) / 2
    np.testing.assert_allclose(score(*files), mean, atol=1e-6)
    with raises_naming(ValueError, tmp_path, 'ensemble'):
        PageSegmenter(tmp_path, places[0], ensemble=files)
    with raises_naming(FileNotFoundError, 'no.pth'):
        PageSegmenter(files[0], places[0], ensemble=['no.pth'])


def test_choice_that_is_not_offered_is_told(segmenter, poses):
    html, _ = run(segmenter, poses=poses, checkpoint='../../other')
    assert '../../other: not among the checkpoints of' in html


def test_checkpoint_without_a_config_needs_one(segmenter, poses):
    state = torch.load(segmenter.checkpoints)
    del state['meta']['cfg']
    torch.save(state, segmenter.checkpoints)
    html, _ = run(segmenter, poses=poses)
    assert (
        'model.pth: contains no config; name the one with which the model was' in html
    )


def test_unforeseen_errors_show_no_traceback(segmenter, poses, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise KeyError('secret')

    monkeypatch.setattr(segmenting, 'write_exports', fail)
    html, _ = run(segmenter, poses=poses)
    assert 'unexpected error' in html
    assert 'secret' not in html
    assert "KeyError: 'secret'" in capsys.readouterr().err


def test_timeline_has_segments_where_they_are(tmp_path):
    html = html_of(tmp_path, (0, 1, 0), (1, 3, 1))
    assert 'left:0.000%;width:25.000%;' in html
    assert 'left:25.000%;width:50.000%;' in html
    data = json.loads(unescape(re.search('data-player="([^"]+)"', html)[1]))
    (person,) = data['people']
    assert person['segments'] == [[0, 1, 0, 0.75], [1, 3, 1, 0.75]]
    assert (data['seconds'], data['fps']) == (4, 10)
    # Of the last second nothing is known.
    assert 'unlabelled</span>' in html
    assert 'unlabelled</span>' not in html_of(tmp_path, (0, 4, 0))


def test_each_tier_has_a_timeline_in_its_colours(tmp_path):
    """Classes of a tier are numbered after those of the tiers before it."""
    made = prediction([])
    made |= {
        'tiers': {'posture': ['walk', 'sit'], 'gaze': ['up', 'down']},
        'classes': ['posture: walk', 'posture: sit', 'gaze: up', 'gaze: down'],
        'pred_label': np.zeros((2, 40), np.int64),
        'pred_score': np.full((4, 40), 0.5),
        'segments': [
            {'start': 0.0, 'end': 4.0, 'label': name, 'label_id': 0, 'score': 0.5,
             'tier': tier}
            for tier, name in (('posture', 'walk'), ('gaze', 'up'))
        ],
    }  # fmt: skip
    file = tmp_path / 'overlay.mp4'
    file.touch()
    html = player_html([made], [file], lambda path: path.name)
    assert re.findall('<h3>(.*?)</h3>', html)[:2] == ['posture', 'gaze']
    assert re.findall(r'<b>(\d+)</b><span>(\w+)</span>', html) == [
        ('0', 'walk'), ('2', 'up'),
    ]  # fmt: skip


def test_names_of_classes_are_no_markup(tmp_path):
    html = html_of(tmp_path, (0, 4, 1))
    assert '<b>lift</b>' not in html
    assert '&lt;b&gt;lift&lt;/b&gt;' in html


def test_addresses_of_files_are_quoted():
    assert file_url(Path('/a b/ü#.csv')) == 'gradio_api/file=/a%20b/%C3%BC%23.csv'
