"""Poses of videos as a data set, by a pretended estimator."""

from typing import ClassVar

import numpy as np
import pytest

from mmskelseg.registry import INFERENCERS
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.messages.dependencies import Dependency, DependencyError
from mmskelseg_io.objects import read_objects
from mmskelseg_runtime.estimators import estimator
from mmskelseg_runtime.estimators.detecting import Boxes, ObjectDetector, build_detector
from tests.errors import assert_names, raises_naming
from tests.walkers import Walkers

TOOL = 'tools/extract_poses.py'


@pytest.fixture
def filmed(clip, tmp_path):
    """Write clips of these names into a folder, which is returned."""

    def film(*names, folder='videos', frames=10):
        for name in names:
            clip(f'{folder}/{name}.mp4', frames)
        return tmp_path / folder

    return film


@pytest.fixture
def extract(call_tool, monkeypatch, tmp_path):
    """Run the tool with the pretended estimator; what it estimates is in ``seen``."""
    seen = []

    class Seeing(Walkers):
        def estimate(self, video, *, progress=True):
            if video.stem == extract.stop_at:
                raise ValueError(f'{video}: stopped.')
            seen.append(video.stem)
            return super().estimate(video, progress=progress)

    monkeypatch.setitem(estimator.NAMES, 'walkers', ('Walkers', None))
    monkeypatch.setitem(INFERENCERS._module_dict, 'Walkers', Seeing)

    def extract(*videos, options=(), code=0, estimator='walkers'):
        seen.clear()
        options = ('--pose-estimator', estimator, *options)
        done = call_tool(TOOL, *videos, tmp_path / 'out', *options, code=code)
        return done.stdout + done.stderr

    extract.stop_at = None
    extract.seen = seen
    return extract


def test_videos_become_a_data_set_without_labels(extract, filmed, tmp_path):
    folder = filmed('b', 'a')
    for name in ('notes.txt', '._a.mp4'):
        (folder / name).touch()
    output = extract(folder)
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['split'] == {'test': ['a', 'b']}
    video = data['annotations'][0]
    assert video['filename'] == '../videos/a.mp4'
    assert (video['fps'], video['img_shape'], video['total_frames']) == (
        10, (96, 128), 10
    )  # fmt: skip
    assert (video['label'] == -1).all()
    np.testing.assert_array_equal(video['keypoint'][0, :, 0], [[15, 25]] * 10)
    np.testing.assert_array_equal(video['person_box'][0], [[10, 10, 20, 40]] * 10)
    np.testing.assert_allclose(video['person_score'][0], 0.9)
    meta = data['metainfo']
    assert (meta['skeleton'], meta['classes']) == ('coco17', ['unlabelled'])
    assert meta['pose_estimator'] == {'type': 'Seeing', 'people': 2}
    note = 'of up to 2 people only one, the longest of 2 tracks linked by overlap'
    assert meta['notes'] == [note]
    assert note in output
    assert 'videos: 2, frames: 20' in output


def test_person_and_classes_are_options(extract, filmed, tmp_path):
    folder = filmed('a')
    extract(folder)
    output = extract(
        folder, options=['--person', 'largest', '--classes', 'walk', 'sit']
    )
    assert extract.seen == []
    assert 'of up to 2 people only one, the largest in each frame' in output
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['metainfo']['classes'] == ['walk', 'sit']
    assert data['metainfo']['person'] == 'largest'
    assert data['annotations'][0]['keypoint'][0, 9, 0].tolist() == [80, 50]


def test_run_that_was_stopped_goes_on(extract, filmed, tmp_path):
    """The result equals that of an uninterrupted run."""
    folder = filmed('a', 'b', 'c')
    extract.stop_at = 'b'
    with raises_naming(ValueError, folder / 'b.mp4'):
        extract(folder)
    assert [path.name for path in (tmp_path / 'out').rglob('[!.]*.*')] == ['a.npz']
    extract.stop_at = None
    output = extract(folder)
    assert extract.seen == ['b', 'c']
    assert f'[1/3] a: done, in {tmp_path}/out/poses/a.npz\n[2/3] b: ' in output
    resumed = (tmp_path / 'out/annotations.pkl').read_bytes()
    (tmp_path / 'out/poses/a.npz').unlink()
    extract(folder)
    assert extract.seen == ['a']
    assert (tmp_path / 'out/annotations.pkl').read_bytes() == resumed


def test_poses_of_other_settings_are_refused(extract, filmed):
    folder = filmed('a')
    extract(folder)
    error = extract(folder, options=['--pose-options', 'people=1'], code=1)
    assert (
        "out/poses/a.npz: made by {'type': 'Seeing', 'people': 2} from a video" in error
    )
    assert '; delete it to estimate this again, or choose' in error
    filmed('a', frames=20)
    assert 'delete it to estimate this again' in extract(folder, code=1)


def test_input_that_cannot_be_used_is_told_in_a_sentence(extract, filmed, tmp_path):
    """Before poses are estimated."""
    folder = filmed('a')

    def fault(sentence, *videos, **more):
        output = extract(*videos, code=1, **more)
        (line,) = [line for line in output.splitlines() if line.startswith('error: ')]
        assert sentence in line
        assert extract.seen == []
        assert not (tmp_path / 'out').exists()

    fault('gone.mp4: there is no such file', folder, tmp_path / 'gone.mp4')
    (tmp_path / 'text.mp4').write_text('no video\n' * 100)
    fault('text.mp4: cannot be read as a video; play it', folder, tmp_path / 'text.mp4')
    (tmp_path / 'empty').mkdir()
    fault('empty: no video file (.mp4, .mov, ', tmp_path / 'empty')
    again = filmed('a', folder='again')
    fault('again/a.mp4 have the same name; rename one, or ', folder, again)
    fault("no pose estimator 'openpose'; choose", folder, estimator='openpose')
    speed = ['--pose-options', 'speed=3']
    fault('Seeing has no option speed; choose from people.', folder, options=speed)


def test_forgotten_folder_is_told(run_tool, filmed):
    video = filmed('a') / 'a.mp4'
    done = run_tool(TOOL, video, video, code=1)
    assert done.stderr == (
        f'error: {video}: a file, but the last argument, OUT, must be a folder.\n'
    )


class Shelf(ObjectDetector):
    """A detector that pretends: a cup moves right, a pen is there from frame 4 on."""

    classes = ('pen', 'cup')
    seen: ClassVar = []

    def __init__(self, model, box_score=0.3):
        self.model, self.box_score = model, box_score

    def detections(self, images):
        self.seen.append(self.model)
        for frame, _ in enumerate(images):
            boxes = np.array(
                [[10 + frame, 10, 30 + frame, 40], [60, 10, 70, 20]], float
            )
            count = 1 if frame < 4 else 2
            labels, scores = np.array([1, 0]), np.array([0.9, 0.5])
            yield Boxes(labels[:count], scores[:count], boxes[:count])


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setitem(INFERENCERS._module_dict, 'MMDetector', Shelf)
    Shelf.seen.clear()
    return Shelf.seen


def test_objects_are_detected_beside_poses(shelf, extract, filmed, tmp_path):
    folder = filmed('a')
    extract(folder, options=('--objects', 'shelf-tiny'))
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert list(data['metainfo']['objects']) == ['cup', 'pen']
    cup, pen = data['annotations'][0]['objects']
    assert (cup['name'], pen['name']) == ('cup 1', 'pen 1')
    np.testing.assert_array_equal(cup['points'][:, 0, 0], 10 + np.arange(10))
    np.testing.assert_array_equal(pen['score'][:, 0] > 0, np.arange(10) >= 4)
    (video,) = read_objects(tmp_path / 'out/objects/a.json')
    assert (video.name, len(video.found)) == ('a', 16)


def test_objects_are_detected_once_for_the_same_settings(
    shelf, extract, filmed, tmp_path
):
    folder = filmed('a')
    extract(folder, options=('--objects', 'shelf'))
    extract(folder, options=('--objects', 'shelf', '--object-kinds', 'pen=tool'))
    assert shelf == ['shelf']
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert list(data['metainfo']['objects']) == ['tool']
    error = extract(
        folder, options=('--objects', 'shelf', '--object-options', 'box_score=0.5'),
        code=1,
    )  # fmt: skip
    assert_names(error, 'objects/a.json', "'box_score': 0.5")


def test_a_missing_detector_is_told_in_a_sentence(extract, filmed, monkeypatch):
    folder = filmed('a')
    monkeypatch.setattr(Dependency, 'found', lambda self: ('', ''))
    error = extract(folder, options=('--objects', 'rtmdet-s'), code=1)
    assert_names(error, 'MMDetector', 'mmdet>=3', 'docs/pose_estimation.md')


@pytest.mark.usefixtures('alone')
def test_runtime_alone_has_no_detector():
    with raises_naming(DependencyError, 'MMDetector', 'mmskelseg-runtime'):
        build_detector('rtmdet-s')
