import json
import re

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import hop_distances
from mmskelseg_io.structures.layouts import LAYOUTS
from tests.errors import raises_naming
from tests.small_data import VECTORS


@pytest.mark.parametrize(
    ('name', 'layout', 'limbs'),
    [
        ('coco17', 'coco17', 'limbs'),
        ('lcr15', 'lcr15_mtl_era', 'connected_limbs_suggested'),
    ],
)
def test_skeleton_by_name_has_the_published_layout(name, layout, limbs):
    """Our layouts are those of MMAction2 and of the UW-IOM release."""
    layouts = json.loads((VECTORS / 'layouts.json').read_text())
    skeleton = Skeleton.get(name)
    assert list(skeleton.joints) == layouts[layout]['joints']
    assert [list(pair) for pair in skeleton.limbs] == layouts[layout][limbs]
    groups = {part: list(joints) for part, joints in skeleton.drop_groups.items()}
    assert groups == layouts[layout]['drop_groups']


@pytest.mark.parametrize('name', LAYOUTS)
def test_skeleton_flip_pairs_swap_left_and_right(name):
    """Each joint with a side is paired with the same joint of the other side."""
    skeleton = Skeleton.get(name)
    for a, b in skeleton.flip_pairs:
        names = {skeleton.joints[a], skeleton.joints[b]}
        part = skeleton.joints[a].partition('_')[2]
        assert names == {f'left_{part}', f'right_{part}'}
    sided = sum(joint.startswith(('left_', 'right_')) for joint in skeleton.joints)
    assert 2 * len(skeleton.flip_pairs) == sided


@pytest.mark.parametrize('name', LAYOUTS)
def test_skeleton_by_name_is_one_body_with_two_equal_sides(name):
    """Every joint is reached, and the limbs of the mirror image are the same."""
    skeleton = Skeleton.get(name)
    assert skeleton.num_joints == int(re.sub(r'\D', '', name))
    assert np.isfinite(hop_distances(skeleton)).all()
    mirror = {a: b for pair in skeleton.flip_pairs for a, b in (pair, pair[::-1])}
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    assert len(limbs) == len(skeleton.limbs)
    assert {frozenset(mirror.get(i, i) for i in limb) for limb in limbs} == limbs
    for part, joints in skeleton.drop_groups.items():
        assert len(joints) >= 3
        assert {skeleton.joints[i].partition('_')[0] for i in joints} == {
            part.partition('_')[0]
        }


# Edges in the public code that shares these data sets (docs/datasets/dest.md).
PUBLISHED = {
    'kinect25': '12-0 13-12 14-13 15-14 16-0 17-16 18-17 19-18 1-0 20-1 2-20 3-2 4-20 '
    '5-4 6-5 7-6 21-7 22-6 8-20 9-8 10-9 11-10 24-10 23-11',
    'openpose_body25': '1-8 0-1 15-0 17-15 16-0 18-16 5-1 6-5 7-6 2-1 3-2 4-3 9-8 10-9 '
    '11-10 24-11 22-11 23-22 12-8 13-12 14-13 21-14 19-14 20-19',
    'lara19': '1-0 2-1 3-2 4-3 5-0 6-5 7-6 8-7 9-0 10-9 11-9 12-11 13-12 14-13 15-9 '
    '16-15 17-16 18-17',
    'tcg17': '1-9 9-0 0-3 3-5 5-6 0-10 10-12 12-13 0-16 16-2 2-8 8-7 7-4 2-15 15-14 '
    '14-11',
}


@pytest.mark.parametrize(('name', 'edges'), PUBLISHED.items(), ids=PUBLISHED.keys())
def test_skeleton_has_the_graph_of_the_code_that_shares_its_data(name, edges):
    wanted = {frozenset(map(int, edge.split('-'))) for edge in edges.split()}
    assert {frozenset(limb) for limb in Skeleton.get(name).limbs} == wanted


def test_skeleton_of_joints_and_limbs_alone_knows_its_sides_and_its_middle():
    """An animal: sides are told by names, and the middle is that of all joints."""
    animal = Skeleton.get(
        {'joints': ['snout', 'earR', 'ear_left', 'tail'], 'limbs': [[0, 1]]}
    )
    assert animal.flip_pairs == ((1, 2),)
    assert animal.root == (0, 1, 2, 3)
    assert animal.drop_groups == {}
    none = {'joints': ['left_ear', 'right_ear'], 'limbs': [], 'flip_pairs': []}
    assert Skeleton.get(none).flip_pairs == ()
    counted = Skeleton.get({'joints': 3, 'limbs': [[0, 2]]})
    assert counted.joints == ('joint_0', 'joint_1', 'joint_2')


def test_skeleton_from_a_file_in_the_format_of_mmpose(tmp_path):
    """A path names a config with a `dataset_info`, as MMPose writes them."""
    path = tmp_path / 'hand.py'
    path.write_text(
        "dataset_info = dict(dataset_name='hand', keypoint_info={\n"
        "  0: dict(name='wrist', id=0, color=[0, 0, 0], type='', swap=''),\n"
        "  1: dict(name='left_tip', id=1, color=[0, 0, 0], swap='right_tip'),\n"
        "  2: dict(name='right_tip', id=2, color=[0, 0, 0], swap='left_tip')},\n"
        "  skeleton_info={0: dict(link=('wrist', 'right_tip'), id=0)})\n"
    )
    skeleton = Skeleton.get(str(path))
    assert skeleton == Skeleton(
        'hand', ('wrist', 'left_tip', 'right_tip'), ((0, 2),), ((1, 2),)
    )


@pytest.mark.parametrize(('skeleton', 'named'), [
    ('coco18', "'coco18' | coco17, lcr15"),
    ({'joints': ['a', 'b'], 'limbs': [[0, 2]]}, '(0, 2) | limbs'),
    ({'joints': ['a', 'a'], 'limbs': []}, "['a']"),
    ({'joints': ['a']}, '`joints` | `limbs`'),
    ({'keypoint_info': {0: {'name': 'a', 'swap': 'b'}}, 'skeleton_info': {}},
     "'b' | flip_pairs"),
    ({'keypoint_info': {0: {}}, 'skeleton_info': {}}, "`dataset_info` | 'name'"),
    ({'joints': ['hip', 'knee'], 'limbs': [], 'root': 'hips'},
     "'custom' | 'hips' | root | hip, knee."),
    ({'joints': ['a', 'b'], 'limbs': [], 'drop_groups': {'left_arm': ['c']}},
     "'c' | drop_groups (left_arm) | a, b"),
    ({'joints': 3, 'limbs': [], 'flip_pairs': [[0, 1], [1, 2]]}, 'flip_pairs | 1'),
    ({'joints': 3, 'limbs': [], 'flip_pairs': [[2, 2]]}, 'flip_pairs | 2'),
    (17, '17 '),
    ({'joints': 17, 'limbs': 5}, "'joint_0', 'joint_1'"),
    ({'joints': 2, 'limbs': [['a', 'b']]}, "'a' | limbs"),
])  # fmt: skip
def test_skeleton_at_fault_is_named(skeleton, named):
    with raises_naming(ValueError, named):
        Skeleton.get(skeleton)


def test_skeleton_of_mmpose_says_when_mmpose_is_missing(monkeypatch):
    from mmskelseg_io.structures import skeleton

    monkeypatch.setattr(skeleton, 'find_spec', lambda name: None)
    with raises_naming(ValueError, 'pip install mmpose'):
        Skeleton.get('mmpose:halpe')


def test_skeleton_refers_to_joints_by_name_or_by_index():
    """MMPose writes names, arrays hold indices; a single joint needs no list."""
    joints = ['hip', 'left_knee', 'right_knee']
    named = {
        'limbs': [['hip', 'left_knee'], ('hip', 2)],
        'flip_pairs': [['left_knee', 'right_knee']],
        'drop_groups': {'left_leg': ['left_knee'], 'right_leg': 'right_knee'},
        'root': 'hip',
    }
    counted = {
        'limbs': [[0, 1], [0, 2]],
        'flip_pairs': [[1, 2]],
        'drop_groups': {'left_leg': [1], 'right_leg': [2]},
        'root': 0,
    }
    by_name = Skeleton.get({'joints': joints, **named})
    assert by_name == Skeleton.get({'joints': joints, **counted})
    assert (by_name.limbs, by_name.root) == (((0, 1), (0, 2)), (0,))


def test_skeleton_of_dataset_info_takes_indices_and_a_single_root():
    """Parts of a `dataset_info` are read like those of a dict."""
    info = {
        'keypoint_info': {0: {'name': 'hip'}, 1: {'name': 'knee', 'swap': ''}},
        'skeleton_info': {0: {'link': (0, 'knee')}},
        'root': 'knee',
    }
    skeleton = Skeleton.get(info)
    assert (skeleton.limbs, skeleton.flip_pairs, skeleton.root) == (((0, 1),), (), (1,))


@pytest.mark.parametrize(
    ('skeleton', 'root'),
    [
        ('lcr15', ['center']),
        ('coco17', ['left_hip', 'right_hip']),
        ({'joints': ['wrist', 'tip'], 'limbs': []}, ['wrist', 'tip']),
        ({'joints': ['tip', 'wrist'], 'limbs': [], 'root': [1]}, ['wrist']),
    ],
)
def test_skeleton_has_a_root(skeleton, root):
    """The one of its layout, else the hips, else all joints."""
    skeleton = Skeleton.get(skeleton)
    assert [skeleton.joints[i] for i in skeleton.root] == root


def test_layout_file_is_not_run(tmp_path):
    """It is read as assignments, with what those of MMPose have."""
    path = tmp_path / 'layout.py'
    info = (
        "names = dict(a='hip')\n"
        "dataset_info = dict(dataset_name='x', skeleton_info={}, sigmas=[1.] * 2,"
        " keypoint_info={0: dict(name=names['a'], id=0), 1: dict(name='knee', id=1)})\n"
    )
    path.write_text(info)
    assert Skeleton.get(str(path)).joints == ('hip', 'knee')
    path.write_text(f'open({str(tmp_path / "made")!r}, "w")\n{info}')
    with raises_naming(UserError, path, 'line 1', 'open('):
        Skeleton.get(str(path))
    assert not (tmp_path / 'made').exists()
    path.write_text(f'a = {"(" * 9999}{")" * 9999}')
    with raises_naming(UserError, path):
        Skeleton.get(str(path))


MOUSE = Skeleton.get(
    {'name': 'mouse4', 'joints': ['nose', 'left_ear', 'right_ear', 'tail_base'],
     'limbs': [[0, 1]]}
)  # fmt: skip


@pytest.mark.parametrize(
    ('joints', 'names', 'columns'),
    [
        (['Nose', 'Ear_left', 'Ear_right', 'TailBase'], {}, [0, 1, 2, 3]),
        (['tail-base', 'earR', 'earL', 'x', 'NOSE'], {}, [4, 2, 1, 0]),
        # The same name comes first.
        (['Nose', 'nose', 'left_ear', 'right_ear', 'tail_base'], {}, [1, 2, 3, 4]),
        (['snout', 'l_ear', 'r_ear', 'tail_base'], {'nose': 'snout'}, [0, 1, 2, 3]),
        # And the table before that.
        (
            ['nose', 'left_ear', 'right_ear', 'tail_base'],
            {'left_ear': 'right_ear', 'right_ear': 'left_ear'},
            [0, 2, 1, 3],
        ),
        # A table for many files may name what this one lacks.
        (
            ['nose', 'left_ear', 'right_ear', 'tail_base'],
            {'nose': 'snout'},
            [*range(4)],
        ),
    ],
)
def test_joints_are_matched_by_table_and_name(joints, names, columns):
    assert MOUSE.columns_of(joints, 'a.csv', names) == columns


@pytest.mark.parametrize(
    ('joints', 'names', 'named'),
    [
        (
            ['snout', 'left_ear', 'right_ear', 'tail_base'],
            {},
            'nose | snout | --joints',
        ),
        (
            ['snout', 'left_ear', 'right_ear', 'tail_base'],
            {'nose': 'snoot'},
            "'snoot' | nose; | has snout, ",
        ),
        # Which one is meant is unknown.
        (['Nose', 'NOSE', 'earL', 'earR', 'tail_base'], {}, 'lack nose | NOSE'),
        # A joint stands for one of the model only.
        (['nose', 'earL', 'earR', 'x'], {'tail_base': 'nose'}, 'lack nose'),
    ],
)
def test_joints_that_do_not_match_are_listed(joints, names, named):
    with raises_naming(UserError, 'a.csv: ', named):
        MOUSE.columns_of(joints, 'a.csv', names)
