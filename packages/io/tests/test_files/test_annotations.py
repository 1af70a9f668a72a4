"""Annotation files: round trip, splits, and one clear sentence for each fault."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.files.annotations import (
    folds,
    load_annotations,
    save_annotations,
    split_names,
)
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.objects import BOX
from tests.errors import raises_naming
from tests.windows import open_files_stay

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


def check_fault(path, *named):
    """Check that reading fails with one sentence, and what this names."""
    with raises_naming(ValueError, f'{path}: ', *named) as error:
        load_annotations(path)
    assert '\n' not in str(error.value)


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


def test_unlabelled_video_is_allowed(path):
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
    """And leaves no temporary file."""
    save_annotations(make_annotations(), path)
    before = path.read_bytes()
    data = make_annotations()
    data['annotations'][0]['fps'] = 0
    with raises_naming(ValueError, path, "'a'", 'fps is 0,'):
        save_annotations(data, path)
    data = make_annotations()
    data['annotations'][0]['source'] = Path('somewhere')
    # Windows removes none that is open, such as that of the pickle that was refused.
    with open_files_stay(), raises_naming(UserError, f'{path}: not written'):
        save_annotations(data, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ['annotations.pkl']


def test_split_names_follow_the_file():
    assert split_names(make_annotations(), 'left/train') == ['b', 'c']
    with raises_naming(UserError, 'x.pkl: ', "'tset'", 'train, test'):
        split_names(make_annotations(), 'tset', 'x.pkl')


def test_folds_are_the_named_pairs():
    assert folds(make_annotations()) == ['left']


def test_missing_folder_names_the_converter_of_keypoints():
    with raises_naming(
        FileNotFoundError,
        'there is no such folder data/mine',
        'mmskelseg convert keypoints KEYPOINTS... data/mine --labels',
    ):
        load_annotations('data/mine/annotations.pkl')


def test_missing_file_or_folder_in_its_place_is_named(path):
    path.parent.mkdir()
    with raises_naming(FileNotFoundError, path, 'mmskelseg convert keypoints'):
        load_annotations(path)
    with raises_naming(FileNotFoundError, f'{path.parent}: ', 'mmskelseg doctor'):
        load_annotations(path.parent)
    path.touch()
    with raises_naming(FileNotFoundError, f'{path.parent}: ', path):
        load_annotations(path.parent)


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


# A change, and what the sentence names: the video, the key, the value, the place.
FAULTS = (
    (lambda data: data.pop('metainfo'), 'the annotation file lacks metainfo'),
    (edit('annotations', to=[]), 'annotations is []'),
    (edit('metainfo', to='uwiom'), "the metainfo is 'uwiom' | classes, skeleton"),
    (edit('metainfo', to=without('background')), 'the metainfo lacks background'),
    (meta('classes', []), 'metainfo classes is []'),
    (meta('classes', ['walk', ' ', 'hold']), "metainfo classes, id 1, is ' '"),
    (meta('classes', ['walk', 'lift', 'walk']), "classes has 'walk' | ids 0 and 2"),
    (meta('up', 2), 'metainfo up is 2 | x, y, z, -x'),
    (meta('view', 'below'), "metainfo view is 'below' | side, top"),
    (meta('kpt_thr', 60), 'metainfo kpt_thr is 60 | from 0 to 1'),
    (meta('background', 'idle'), "metainfo background is 'idle' | walk, lift"),
    (meta('skeleton', 'coco18'), "metainfo skeleton | 'coco18' | coco17, lcr15"),
    (meta('skeleton', './layout.py'), "metainfo skeleton is './layout.py'"),
    (edit('annotations', 1, to='b'), "video 1 | 'b' | frame_dir"),
    (edit('annotations', 1, to=without('label')), "video 'b' | lacks label"),
    (video('frame_dir', 7), 'video 7 | frame_dir is 7'),
    (lambda data: data['annotations'].append(data['annotations'][0]),
     "2 videos have the frame_dir 'a'"),
    (video('keypoint', np.ndarray.tolist), "video 'b' | keypoint is [[[["),
    (video('keypoint', lambda array: array.astype(object)),
     "video 'b' | keypoint is [[[["),
    (video('keypoint', lambda array: array[0]),
     "video 'b' | keypoint | shape (6, 17, 2)"),
    (video('keypoint', lambda array: array[:, :0]),
     "video 'b' | keypoint | shape (2, 0, 17, 2)"),
    (video('keypoint', lambda array: array[:, :, :15]),
     "video 'b' | keypoint has 15 joints | 'coco17' has 17"),
    (video('label', np.zeros(9, int)), "video 'b' | label | shape (9,) | 6 frames"),
    (video('label', lambda label: label.astype(float)),
     "video 'b' | label is an array of float64 with shape (6,)"),
    (video('total_frames', 7), "video 'b' | total_frames is 7 | 6 frames"),
    (video('keypoint_score', lambda score: score[0]),
     "video 'b' | keypoint_score | shape (6, 17) | (2, 6, 17)"),
    (video('keypoint_score', None), "video 'b' | keypoint_score is None"),
    (video('keypoint_3d', np.zeros((2, 6, 17, 2))),
     "video 'b' | keypoint_3d | shape (2, 6, 17, 2) | (2, 6, 17, 3)"),
    (video('risk', np.zeros((6, 1))), "video 'b' | risk | shape (6, 1) | (6,)"),
    (video('keypoint', put((slice(None), slice(3, 5), 4, 1), np.nan)),
     "video 'b' | keypoint is nan in frame 3, joint 4 | first of 4"),
    (video('keypoint', lambda k: put((1, 3, 4, 1), -1e300)(k.astype(float))),
     "video 'b' | keypoint is -1e+300 | frame 3, joint 4"),
    (video('keypoint_score', put((1, 2, 9), np.inf)),
     "video 'b' | keypoint_score is inf in frame 2, joint 9"),
    (video('keypoint_3d', put((0, 5, 16), np.nan)),
     "video 'b' | keypoint_3d is nan in frame 5, joint 16"),
    (video('risk', np.array([0, 0, 0, np.nan, 0, 0])),
     "video 'b' | risk is nan in frame 3"),
    (video('keypoint_score', put((1, 2, 9), -0.5)),
     "video 'b' | keypoint_score is -0.5 in frame 2, joint 9"),
    (video('label', put(slice(4, 6), 3)),
     "video 'b' | label is 3 in frame 4 | first of 2 | -1 to 2"),
    (video('label', put(1, -2)), "video 'b' | label is -2 in frame 1"),
    (video('fps', -30), "video 'b' | fps is -30"),
    (video('fps', '30'), "video 'b' | fps is '30'"),
    (video('img_shape', (480, 0)), "video 'b' | img_shape is (480, 0)"),
    (video('filename', 5), "video 'b' | filename is 5"),
    (video('places', [{'name': 'nest', 'shape': 'blob', 'points': [[0, 0]]}]),
     "video 'b' | places: 'nest' has the shape 'blob'"),
    (meta('places', {'nest': 3}), "metainfo places is {'nest': 3}"),
    (meta('cm_per_pixel', 0), 'metainfo cm_per_pixel is 0'),
    (edit('split', to={}), 'split is {}'),
    (edit('split', 'test', to=[]), "split 'test' is []"),
    (edit('split', 'test', to=['d']), "split 'test' | video 'd' | 3 annotated"),
    (edit('split', 'test', to=['c', 'c']), "split 'test' | 'c' 2 times"),
    (edit('split', to=without('left/test')), "split 'left/train' | 'left/test'"),
    (edit('split', 'left/test', to=['a', 'b']),
     "video 'b' | 'left/train' and 'left/test'"),
    # MMEngine replaces what is between two braces in a config, and could run it.
    (lambda data: data['split'].update({'{{$A:b}}/train': ['a']}), 'split | {{$A:b}}'),
)  # fmt: skip


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_is_named_in_one_sentence(change, named, path):
    """The sentence names the file, the video and the value, whatever is wrong."""
    data = make_annotations()
    for entry in data['annotations']:
        entry['keypoint_3d'] = np.zeros((2, FRAMES, 17, 3))
        entry['risk'] = np.zeros(FRAMES)
    change(data)
    write(data, path)
    check_fault(path, named)


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
    """Other parts name the source."""
    data = make_annotations()
    edit(data)
    files = {('b', 'label'): Path('b.txt'), ('split', 'test'): Path('test.bundle')}
    with raises_naming(UserError, f'{file}: {problem}'):
        save_annotations(data, path, source='release', files=files)
    assert not path.exists()


def with_tiers():
    """Return annotations of two individuals, with labels in two tiers."""
    data = make_annotations()
    del data['metainfo']['classes']
    data['metainfo'] |= {
        'tiers': {'posture': ['stand', 'sit'], 'sniff': ['no sniff', 'sniff']},
        'background': {'sniff': 'no sniff'},
    }
    for video in data['annotations']:
        video['individuals'] = ['adult', 'young']
        video['label'] = np.zeros((2, 2, FRAMES), np.int64)
    return data


def test_classes_of_tiers_are_listed_with_their_names(path):
    save_annotations(with_tiers(), path)
    assert load_annotations(path)['metainfo']['classes'] == [
        'posture: stand', 'posture: sit', 'sniff: no sniff', 'sniff: sniff',
    ]  # fmt: skip


def test_individuals_read_apart_can_be_saved_again(path):
    save_annotations(with_tiers(), path)
    data = load_annotations(path)
    save_annotations(data, path)
    assert load_annotations(path)['split'] == data['split']


def test_individuals_of_two_videos_need_names_that_differ_when_joined(path):
    """Read apart, `b_c` of `a` and `c` of `a_b` would be one video."""
    data = with_tiers()
    first, second, *_ = data['annotations']
    first['individuals'] = ['x', 'b_c']
    second.update(frame_dir=f'{first["frame_dir"]}_b', individuals=['c', 'y'])
    data['split'] = {'train': [video['frame_dir'] for video in data['annotations']]}
    write(data, path)
    check_fault(path, "'a' | 'b_c' | 'a_b' | 'c' | 'a_b_c'")


@pytest.mark.parametrize(
    ('edit', 'named'),
    [
        (meta('tiers', {}), 'tiers is {} | class names'),
        (meta('tiers', ['posture']), "tiers | ['posture']"),
        (meta('tiers', {'': ['a']}), "tiers | ''"),
        (meta('tiers', {'posture': 'stand'}), "'posture' | 'stand'"),
        (meta('tiers', {'gaze': ['up', 'up']}), "'gaze' | 'up' | 0 and 1"),
        (meta('classes', ['stand']), 'classes | posture: sit | leave it out'),
        (meta('background', 'sit'), "background | 'sit' | each tier"),
        (meta('background', {'gaze': 'sit'}), "background | 'gaze' | posture"),
        (meta('background', {'posture': 'lie'}), "'posture' | 'lie' | stand, sit"),
        (video('label', np.zeros((2, FRAMES), np.int64)),
         "'b' | label | (2, 6) | 2 individuals | 2 tiers | (2, 2, 6)"),
        (video('label', np.full((2, 2, FRAMES), 2)),
         "'b' | label | 2 in frame 0 | 'posture' | -1 to 1"),
        (video('individuals', ['adult']), "'b' | individuals | 2 in keypoint"),
        (video('individuals', ['x', 'x']), "'b' | individuals | 'x'"),
        (video('individual', 2), "'b' | individual is 2 | up to 1"),
    ],
)  # fmt: skip
def test_faulty_tiers_and_individuals_are_named(path, edit, named):
    data = with_tiers()
    edit(data)
    write(data, path)
    check_fault(path, named)


def with_observers():
    """Return annotations in which the first video is labelled by three people."""
    data = make_annotations()
    own = data['annotations'][0]
    del own['label']
    own['observers'] = {
        'ann': np.array([0, 0, 1, -1, -1, 2]),
        'bob': np.array([0, 1, 1, 2, -1, 1]),
        'cat': np.array([1, 2, -1, -1, -1, 2]),
    }
    return data


def test_label_is_what_most_observers_say_unless_it_is_stated(path):
    """Level are the second frame's; who has no label does not count."""
    data = with_observers()
    data['annotations'][1]['observers'] = {'ann': np.full(FRAMES, 2)}
    save_annotations(data, path)
    first, second, _ = load_annotations(path)['annotations']
    assert first['label'].tolist() == [0, -1, 1, 2, -1, 2]
    assert second['label'].tolist() == [0, 0, 1, 1, -1, 2]
    assert 'observers' not in first


def test_observers_label_each_individual_and_tier(path):
    data = with_tiers()
    for one in data['annotations']:
        label = one.pop('label')
        one['observers'] = {'ann': label, 'bob': label + 1, 'cat': label + 1}
    save_annotations(data, path)
    read = load_annotations(path)['annotations']
    assert len(read) == 6
    assert all((one['label'] == 1).all() for one in read)
    for one in load_annotations(path, observers=True)['annotations']:
        assert [*one['observers']] == ['ann', 'bob', 'cat']
        for label in one['observers'].values():
            assert label.shape == one['label'].shape


@pytest.mark.parametrize(
    ('observers', 'named'),
    [
        ({}, "'a' | observers | expected a dict"),
        ([np.zeros(FRAMES, int)], "'a' | observers | [an array"),
        ({'': np.zeros(FRAMES, int)}, "'a' | observers | ''"),
        ({'ann': np.zeros(FRAMES)}, "'a' | observers 'ann' | float"),
        ({'ann': np.zeros(FRAMES + 1, int)}, "'a' | observers 'ann' | (7,) | 6"),
        ({'ann': np.full(FRAMES, 3)}, "'a' | observers 'ann' | 3 in frame 0 | -1 to 2"),
    ],
)
def test_faulty_labels_of_observers_are_named(path, observers, named):
    data = with_observers()
    data['annotations'][0]['observers'] = observers
    write(data, path)
    check_fault(path, named)


def with_objects():
    """Return annotations with a box in the first video, seen in its last frames."""
    data = make_annotations()
    data['metainfo']['objects'] = {'box': list(BOX), 'hammer': ['head', 'handle']}
    points, score = np.zeros((FRAMES, 4, 2)), np.zeros((FRAMES, 4))
    points[3:] = [[10, 10], [20, 10], [20, 15], [10, 15]]
    score[3:] = 1
    box = {'name': 'box 1', 'kind': 'box', 'points': points, 'score': score}
    data['annotations'][0]['objects'] = [box]
    return data


def test_objects_come_back_as_they_were_saved(path):
    data = with_objects()
    save_annotations(data, path)
    read = load_annotations(path)
    assert read['metainfo']['objects'] == data['metainfo']['objects']
    (box,) = read['annotations'][0]['objects']
    assert box['name'] == 'box 1'
    for key in ('points', 'score'):
        assert (box[key] == data['annotations'][0]['objects'][0][key]).all()


def in_box(key, value):
    def change(data):
        data['annotations'][0]['objects'][0][key] = value

    return change


@pytest.mark.parametrize(
    ('edit', 'named'),
    [
        (lambda data: data['annotations'][0].update(objects={}), "'a' | objects | {}"),
        (lambda data: data['annotations'][0].update(objects=[3]), 'objects | is 3'),
        (lambda data: data['annotations'][0]['objects'][0].pop('score'), 'score'),
        (lambda data: data['annotations'][0]['objects'].append(
            data['annotations'][0]['objects'][0]), "'box 1' twice"),
        (meta('objects', {}), "'box 1' | kind is 'box' | none"),
        (in_box('name', ''), "index 0, is ''"),
        (in_box('kind', 'saw'), "'box 1' | 'saw' | box, hammer"),
        (in_box('kind', 'hammer'), "'box 1' | points | (6, 4, 2) | (6, 2, 2)"),
        (in_box('points', np.full((FRAMES, 4, 2), np.nan)),
         "'box 1' | points is nan in frame 0, point 0"),
        (in_box('score', np.full((FRAMES, 4), -1)), "'box 1' | score is -1 in frame 0"),
        (in_box('points_3d', np.zeros((FRAMES, 4, 2))), 'points_3d | (6, 4, 3)'),
    ],
)  # fmt: skip
def test_faulty_objects_are_named(path, edit, named):
    data = with_objects()
    edit(data)
    write(data, path)
    check_fault(path, named)
