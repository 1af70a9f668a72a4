"""Layouts of joints: by their names, by their number, or as COCO's 17."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg.interchange.poses.poses import Layout, Poses
from mmskelseg.structures import Skeleton, is_data_layout
from mmskelseg.structures.layouts import mirrored_joints, split_side
from mmskelseg.utils.errors import UserError

COCO17 = Skeleton.get('coco17').joints


def named_layout(
    joints: Sequence[str],
    limbs: Sequence[Sequence[int | str]] = (),
    name: str = 'custom',
) -> Layout:
    """Return the layout of joints that are known by name.

    Joints whose names differ in left and right alone are flip pairs. COCO's 17, in
    their order, are ``coco17``, whatever the limbs.

    >>> named_layout(['nose', 'earL', 'earR'])['flip_pairs']
    [[1, 2]]
    """
    if tuple(joints) == COCO17:
        return 'coco17'
    return {
        'name': name,
        'joints': list(joints),
        'limbs': [list(limb) for limb in limbs],
        'flip_pairs': [list(pair) for pair in mirrored_joints(joints)],
    }


def checked(layout: Layout, source: str) -> Layout:
    """Return a layout that a file holds, if it is one; else an error names the file."""
    try:
        if not is_data_layout(layout):
            raise UserError(f'skeleton is {str(layout)[:40]!r}, expected a name.')
        Skeleton.get(layout)
    except (TypeError, ValueError) as error:
        raise UserError(f'{source}: {error}') from None
    return layout


def counted_layout(
    joints: int, given: Layout | None, source: str
) -> tuple[Layout, tuple[str, ...]]:
    """Return the layout of V joints without names, and a note if it is a guess.

    It is the given one, if that has as many joints, or COCO's, if there are 17.
    """
    if given is not None:
        try:
            skeleton = Skeleton.get(given)
        except (TypeError, ValueError) as error:
            raise UserError(f'{source}: {error}') from None
        if skeleton.num_joints != joints:
            raise UserError(
                f'{source}: {joints} joints, but the skeleton {skeleton.name} has '
                f'{skeleton.num_joints}; name the layout that the poses were estimated '
                'with.'
            )
        return given if isinstance(given, str) else dict(given), ()
    if joints != len(COCO17):
        raise UserError(
            f'{source}: {joints} joints without names; say which they are by '
            '--skeleton, such as mmpose:halpe or a JSON file with joints and limbs.'
        )
    return 'coco17', ('17 joints without names are taken for those of COCO',)


def in_order(
    joints: Sequence[str], given: Layout | None, source: str
) -> tuple[list[int], Layout, tuple[str, ...]]:
    """Return the order of columns, the layout and notes, for joints with names.

    Names that are numbers are ordered by them and counted as ``counted_layout`` does.
    Others are ordered as in COCO or in the given layout where that has the same names;
    a given layout with other names takes them as they come.
    """
    order = list(range(len(joints)))
    layout = 'coco17' if given is None else given
    names = Skeleton.get(layout).joints
    if all(joint.isdecimal() for joint in joints):
        order.sort(key=lambda i: int(joints[i]))
    elif set(names) == set(joints):
        order, given = [list(joints).index(name) for name in names], layout
    elif given is None:
        note = 'the file has no limbs, so that none are drawn; --skeleton gives them'
        return order, checked(named_layout(joints), source), (note,)
    return order, *counted_layout(len(joints), given, source)


def to_coco17(poses: Poses, parts: Mapping[str, str], source: str) -> Poses:
    """Return poses with COCO's 17 joints, found by name; others are left out.

    Args:
        parts: For names that do not speak for themselves, the joint of COCO that a
            joint stands for.
        source: The file, for messages.

    Raises:
        ValueError: If a part is unknown, or no joint is found.
    """
    joints = poses.joints
    for names, known in ((parts.keys(), joints), (parts.values(), COCO17)):
        if unknown := [name for name in names if name not in known]:
            raise UserError(
                f'{source}: there is no joint {unknown[0]}; choose among '
                f'{", ".join(known)}.'
            )
    if poses.skeleton == 'coco17':
        return poses
    found = {'_'.join(filter(None, split_side(name))): name for name in joints}
    found |= {part: name for name, part in parts.items()}
    columns = {j: joints.index(found[j]) for j in COCO17 if j in found}
    if not columns:
        raise UserError(
            f'{source}: none of the joints {", ".join(joints)} has the name of one of '
            "COCO's 17; say which is which by --part NAME=JOINT, such as "
            f'--part {joints[0]}=nose.'
        )
    shape = (*poses.keypoint_score.shape[:2], len(COCO17))
    keypoint, score = np.zeros((*shape, 2)), np.zeros(shape)
    places = [COCO17.index(joint) for joint in columns]
    keypoint[:, :, places] = poses.keypoint[:, :, list(columns.values())]
    score[:, :, places] = poses.keypoint_score[:, :, list(columns.values())]
    absent = [joint for joint in COCO17 if joint not in columns]
    note = f'{len(joints)} joints mapped to coco17 by name'
    if absent:
        note += f', always missing: {", ".join(absent)}'
    return poses.noting(
        note, keypoint=keypoint, keypoint_score=score, skeleton='coco17'
    )
