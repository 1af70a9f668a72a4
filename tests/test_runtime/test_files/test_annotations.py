"""Annotation files: round trip, splits, and one clear sentence for each fault."""

import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.runtime.files.annotations import (
    folds,
    load_annotations,
    save_annotations,
    split_names,
)
from mmskelseg.runtime.messages.errors import UserError
from tests.small_data import ROOT, small_annotations

FRAMES = 6


def make_video(name):
    rng = np.random.default_rng(len(name))
    return {
        'frame_dir': name,
        'total_frames': FRAMES,
        'img_shape': (48, 64),
        'keypoint': rng.uniform(0, 48, (2, FRAMES, 17, 2)).astype(np.float32),
        'keypoint_score': np.ones((2, FRAMES, 17), np.float32),
        'label': np.array([0, 0, 1, 1, -1, 2]),
        'fps': 30.0,
    }


def make_annotations():
    return {
        'split': {
            'train': ['a', 'b'],
            'test': ['c'],
            'left/train': ['b', 'c'],
            'left/test': ['a'],
        },
        'annotations': [make_video(name) for name in 'abc'],
        'metainfo': {
            'classes': ['walk', 'lift', 'hold'],
            'skeleton': 'coco17',
            'dataset': 'toy',
            'background': None,
        },
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'data' / 'annotations.pkl'


def write(data, path):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(data))


def message_of(path):
    """Return the sentence with which reading fails, without the leading path."""
    with pytest.raises(ValueError, match=r'annotations\.pkl') as error:
        load_annotations(path)
    assert str(error.value).startswith(f'{path}: ')
    assert '\n' not in str(error.value)
    return str(error.value).removeprefix(f'{path}: ')


def test_annotations_come_back_as_they_were_saved(path):
    """Every array keeps its values and its type, optional ones included."""
    data = make_annotations()
    video = data['annotations'][1]
    video['keypoint_3d'] = np.ones((2, FRAMES, 17, 3), np.float32)
    video['risk'] = np.arange(FRAMES, dtype=np.float32)
    video['filename'] = 'videos/b.mp4'
    save_annotations(data, path)
    read = load_annotations(path)
    assert read['split'] == data['split']
    assert read['metainfo'] == data['metainfo']
    for got, expected in zip(read['annotations'], data['annotations'], strict=True):
        assert got.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(got[key], value)
            assert getattr(got[key], 'dtype', None) == getattr(value, 'dtype', None)


def test_saving_twice_writes_the_same_bytes(path):
    save_annotations(make_annotations(), path)
    first = path.read_bytes()
    save_annotations(make_annotations(), path)
    assert path.read_bytes() == first


def test_script_of_the_documentation_writes_a_file(tmp_path, monkeypatch):
    """The script that users copy from docs/data_format.md works as it stands."""
    text = (ROOT / 'docs/data_format.md').read_text('utf-8')
    scripts = re.findall(r'```python\n(import .*?)```', text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(scripts[0], {})
    video = load_annotations('data/arrays/annotations.pkl')['annotations'][0]
    assert (video['keypoint'][0, 10, 3] == 0).all()
    assert video['keypoint_score'][0, 10, 3] == 0


def test_unlabelled_video_is_allowed(path):
    """A video to predict only has -1 for every frame."""
    data = make_annotations()
    data['annotations'][2]['label'][:] = -1
    write(data, path)
    assert (load_annotations(path)['annotations'][2]['label'] == -1).all()


def test_skeleton_of_ones_own_is_given_as_a_dict(path):
    data = make_annotations()
    data['metainfo']['skeleton'] = {'joints': 17, 'limbs': [['joint_0', 1]]}
    save_annotations(data, path)
    assert load_annotations(path)['metainfo']['skeleton']['joints'] == 17


def test_failed_save_leaves_the_old_file(path):
    """A fault is found before the old file is touched, and nothing is left aside."""
    save_annotations(make_annotations(), path)
    before = path.read_bytes()
    data = make_annotations()
    data['annotations'][0]['fps'] = 0
    with pytest.raises(ValueError, match='fps is 0'):
        save_annotations(data, path)
    data = make_annotations()
    data['annotations'][0]['source'] = Path('somewhere')
    with pytest.raises(ValueError, match='not written, because'):
        save_annotations(data, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ['annotations.pkl']


def test_interrupted_save_leaves_the_old_file(path, monkeypatch):
    """The new file takes the place of the old one only when it is complete."""
    save_annotations(make_annotations(), path)
    before = path.read_bytes()

    def fail(_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='disk full'):
        save_annotations(make_annotations(), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ['annotations.pkl']


def test_split_names_follow_the_file():
    assert split_names(make_annotations(), 'left/train') == ['b', 'c']


def test_split_names_lists_the_splits_there_are():
    with pytest.raises(
        ValueError, match=r"x\.pkl: there is no split 'tset'; choose one"
    ):
        split_names(make_annotations(), 'tset', 'x.pkl')


def test_folds_are_the_named_pairs():
    assert folds(make_annotations()) == ['left']


@pytest.mark.parametrize(
    ('folder', 'command'),
    [
        ('toy', 'convert toy data/toy'),
        ('uwiom', 'convert uwiom SRC data/uwiom'),
        ('precog_body12', 'convert precog --layout body12 SRC data/precog_body12'),
        ('mine', 'convert keypoints KEYPOINTS... data/mine --labels'),
    ],
)
def test_missing_folder_names_its_converter(folder, command):
    with pytest.raises(FileNotFoundError) as error:
        load_annotations(f'data/{folder}/annotations.pkl')
    assert f'there is no such folder data/{folder}' in str(error.value)
    assert f'mmskelseg {command}' in str(error.value)


def test_missing_file_says_that_the_folder_is_there(path):
    path.parent.mkdir()
    with pytest.raises(FileNotFoundError, match='there is no such file; make it'):
        load_annotations(path)


def test_folder_in_place_of_the_file_is_named(path):
    path.parent.mkdir()
    with pytest.raises(FileNotFoundError, match=r'is a folder; name the file in it'):
        load_annotations(path.parent)


def test_truncated_pickle_is_refused(path):
    save_annotations(make_annotations(), path)
    path.write_bytes(path.read_bytes()[:-100])
    assert message_of(path).endswith('copy or make the file again.')


def test_unreadable_pickle_is_refused(path):
    path.parent.mkdir()
    path.write_text('frame,label\n0,1\n')
    assert message_of(path).endswith('copy or make the file again.')


class Attack:
    def __reduce__(self):
        return os.system, ('touch attacked',)


def test_pickle_that_runs_code_is_refused(path, monkeypatch):
    """The name of what it would run is in the sentence, and nothing has run."""
    data = make_annotations()
    data['metainfo']['classes'][0] = Attack()
    write(data, path)
    monkeypatch.chdir(path.parent)
    assert 'it would run `os.system`' in message_of(path)
    assert os.listdir(path.parent) == ['annotations.pkl']


def edit(*keys, to):
    """Return a change that sets one value deep in annotations."""

    def change(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = to(data[keys[-1]]) if callable(to) else to

    return change


def video(key, to):
    return edit('annotations', 1, key, to=to)


def meta(key, to):
    return edit('metainfo', key, to=to)


def put(index, value):
    """Return a change of one element of an array."""

    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


def without(key):
    return lambda mapping: {k: v for k, v in mapping.items() if k != key}


def repeat_video(data):
    data['annotations'].append(data['annotations'][0])


FAULTS = {
    'no metainfo': (
        lambda data: data.pop('metainfo'),
        'the annotation file lacks metainfo; it needs the keys split, annotations',
    ),
    'no videos': (
        edit('annotations', to=[]),
        'annotations is [], expected a list of at least one video.',
    ),
    'metainfo of another type': (
        edit('metainfo', to='uwiom'),
        "the metainfo is 'uwiom', expected a dict with classes, skeleton",
    ),
    'metainfo key': (
        edit('metainfo', to=without('background')),
        'the metainfo lacks background; it needs the keys classes, skeleton',
    ),
    'no classes': (
        meta('classes', []),
        'metainfo classes is [], expected a list of class names.',
    ),
    'empty class name': (
        meta('classes', ['walk', ' ', 'hold']),
        "metainfo classes has ' ' for id 1, expected a name.",
    ),
    'duplicate class': (
        meta('classes', ['walk', 'lift', 'walk']),
        "metainfo classes has 'walk' for the ids 0 and 2; give each class",
    ),
    'unknown direction': (
        meta('up', 2),
        'metainfo up is 2, expected one of x, y, z, -x',
    ),
    'unknown view': (
        meta('view', 'below'),
        "metainfo view is 'below', expected one of side, top",
    ),
    'unknown background': (
        meta('background', 'idle'),
        "metainfo background is 'idle', expected None or one of the classes walk, lift",
    ),
    'unknown skeleton': (
        meta('skeleton', 'coco18'),
        "metainfo skeleton: There is no skeleton 'coco18'; known are coco17, lcr15",
    ),
    'skeleton that is code': (
        meta('skeleton', './layout.py'),
        "metainfo skeleton is './layout.py', expected coco17, lcr15, mmpose:NAME or",
    ),
    'video that is not a dict': (
        edit('annotations', 1, to='b'),
        "video 1: the video is 'b', expected a dict with frame_dir",
    ),
    'video key': (
        edit('annotations', 1, to=without('label')),
        "video 'b': the video lacks label; it needs the keys frame_dir",
    ),
    'frame_dir': (
        video('frame_dir', 7),
        'video 7: frame_dir is 7, expected a text',
    ),
    'duplicate frame_dir': (
        repeat_video,
        "2 videos have the frame_dir 'a'; give each its own.",
    ),
    'keypoint type': (
        video('keypoint', np.ndarray.tolist),
        "video 'b': keypoint is a list of length 2, expected a numerical array.",
    ),
    'keypoint of objects': (
        video('keypoint', lambda array: array.astype(object)),
        "video 'b': keypoint is a list of length 2, expected a numerical array.",
    ),
    'keypoint shape': (
        video('keypoint', lambda array: array[0]),
        "video 'b': keypoint has shape (6, 17, 2), expected (persons, frames, joint",
    ),
    'keypoint without frames': (
        video('keypoint', lambda array: array[:, :0]),
        "video 'b': keypoint has shape (2, 0, 17, 2), expected (persons, frames",
    ),
    'joint count': (
        video('keypoint', lambda array: array[:, :, :15]),
        "video 'b': keypoint has 15 joints, but the skeleton 'coco17' has 17; set",
    ),
    'labels longer than poses': (
        video('label', np.zeros(9, int)),
        "video 'b': label has shape (9,), but keypoint has 6 frames; labels and poses",
    ),
    'label type': (
        video('label', lambda label: label.astype(float)),
        "video 'b': label is an array of float64 with shape (6,), expected an integer",
    ),
    'total_frames': (
        video('total_frames', 7),
        "video 'b': total_frames is 7, but keypoint has 6 frames; set total_frames",
    ),
    'score shape': (
        video('keypoint_score', lambda score: score[0]),
        "video 'b': keypoint_score has shape (6, 17), but keypoint needs (2, 6, 17).",
    ),
    'score type': (
        video('keypoint_score', None),
        "video 'b': keypoint_score is None, expected a numerical array.",
    ),
    '3D shape': (
        video('keypoint_3d', np.zeros((2, 6, 17, 2))),
        "video 'b': keypoint_3d has shape (2, 6, 17, 2), but keypoint needs (2, 6, 17",
    ),
    'risk shape': (
        video('risk', np.zeros((6, 1))),
        "video 'b': risk has shape (6, 1), but keypoint needs (6,).",
    ),
    'NaN in keypoint': (
        video('keypoint', put((slice(None), slice(3, 5), 4, 1), np.nan)),
        "video 'b': keypoint is NaN or infinite in frame 3, joint 4, the first of 4",
    ),
    'keypoint beyond numbers': (
        video('keypoint', lambda k: put((1, 3, 4, 1), -1e300)(k.astype(float))),
        "video 'b': keypoint is -1e+300, beyond 1e+09, in frame 3, joint 4, the first",
    ),
    'infinite score': (
        video('keypoint_score', put((1, 2, 9), np.inf)),
        "video 'b': keypoint_score is NaN or infinite in frame 2, joint 9, the first",
    ),
    'NaN in 3D': (
        video('keypoint_3d', put((0, 5, 16), np.nan)),
        "video 'b': keypoint_3d is NaN or infinite in frame 5, joint 16, the first",
    ),
    'NaN in risk': (
        video('risk', np.array([0, 0, 0, np.nan, 0, 0])),
        "video 'b': risk is NaN or infinite in frame 3; complete it or leave it out.",
    ),
    'negative score': (
        video('keypoint_score', put((1, 2, 9), -0.5)),
        "video 'b': keypoint_score is -0.5 in frame 2, joint 9, expected 0 (missing)",
    ),
    'label too high': (
        video('label', put(slice(4, 6), 3)),
        "video 'b': label is 3 in frame 4, the first of 2 out of range; expected 0 to",
    ),
    'label too low': (
        video('label', put(1, -2)),
        "video 'b': label is -2 in frame 1, the first of 1 out of range; expected 0 to",
    ),
    'fps': (
        video('fps', -30),
        "video 'b': fps is -30, expected frames per second, a number from",
    ),
    'fps of another type': (
        video('fps', '30'),
        "video 'b': fps is '30', expected frames per second, a number from",
    ),
    'img_shape': (
        video('img_shape', (480, 0)),
        "video 'b': img_shape is (480, 0), expected (height, width) in whole pixels.",
    ),
    'filename': (
        video('filename', 5),
        "video 'b': filename is 5, expected a text",
    ),
    'no split': (
        edit('split', to={}),
        'split is {}, expected a dict with `train` and `test`.',
    ),
    'empty split': (
        edit('split', 'test', to=[]),
        "split 'test' is [], expected a list of at least one frame_dir.",
    ),
    'absent video': (
        edit('split', 'test', to=['d']),
        "split 'test' names the video 'd', which is not among the 3 annotated ones",
    ),
    'split that lists a video twice': (
        edit('split', 'test', to=['c', 'c']),
        "split 'test' names the video 'c' 2 times.",
    ),
    'half a fold': (
        edit('split', to=without('left/test')),
        "split 'left/train' is half a fold; name its splits 'left/train' and",
    ),
    'video in train and test': (
        edit('split', 'left/test', to=['a', 'b']),
        "the video 'b' is in both 'left/train' and 'left/test'; keep it in only one",
    ),
}


@pytest.mark.parametrize(('change', 'message'), FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_named_in_one_sentence(change, message, path):
    """The sentence names the file, the video and the value, whatever is wrong."""
    data = make_annotations()
    for entry in data['annotations']:
        entry['keypoint_3d'] = np.zeros((2, FRAMES, 17, 3))
        entry['risk'] = np.zeros(FRAMES)
    change(data)
    write(data, path)
    assert message_of(path).startswith(message)


@pytest.mark.parametrize(
    ('edit', 'file', 'problem'),
    [
        (lambda data: data['annotations'][1]['label'].fill(7), 'b.txt', "video 'b': "),
        (lambda data: data['split'].update(test=['x']), 'test.bundle', 'split '),
        (lambda data: data['annotations'][0].update(fps=0), 'release', "video 'a': "),
    ],
    ids=['label', 'split', 'fps'],
)  # fmt: skip
def test_fault_names_the_file_that_its_part_comes_from(edit, file, problem, path):
    """Without such a file, or for another part, it names the source."""
    data = make_annotations()
    edit(data)
    files = {('b', 'label'): Path('b.txt'), ('split', 'test'): Path('test.bundle')}
    with pytest.raises(UserError, match=f'^{re.escape(f"{file}: {problem}")}'):
        save_annotations(data, path, source='release', files=files)
    assert not path.exists()


def test_a_split_whose_name_a_config_would_fill_in_is_refused(tmp_path):
    """MMEngine replaces what is between two braces, and could run it."""
    data = small_annotations()
    data['split']['{{$A:b}}/train'] = data['split']['train']
    data['split']['{{$A:b}}/test'] = data['split']['test']
    with pytest.raises(ValueError, match=r'the name of split .* holds {{; rename it'):
        save_annotations(data, tmp_path / 'a.pkl')
