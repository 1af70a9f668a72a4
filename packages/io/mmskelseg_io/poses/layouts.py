"""Joint layouts of pose files: by names, by number of joints, or as COCO's 17."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from mmskelseg_io.files.parsing import read_json
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, misfit, shown
from mmskelseg_io.poses.poses import Layout, Poses
from mmskelseg_io.structures import Skeleton, is_data_layout
from mmskelseg_io.structures.annotations import SKELETON_KEYS
from mmskelseg_io.structures.layouts import mirrored_joints, split_side

COCO17 = Skeleton.get('coco17').joints


def own_layout(
    joints: Sequence[str] | int,
    source: str,
    limbs: Sequence[Sequence[int | str]] = (),
    name: str = 'custom',
) -> Layout:
    """Return the layout that a file states: the names of joints, or their number.

    Joints that differ only in left and right are flip pairs.

    >>> own_layout(['nose', 'earL', 'earR'], 'take1.csv')['flip_pairs']
    [[1, 2]]
    """
    names = [*map(str, range(joints))] if isinstance(joints, int) else list(joints)
    layout = {
        'name': name,
        'joints': names,
        'limbs': [list(limb) for limb in limbs],
        'flip_pairs': [list(pair) for pair in mirrored_joints(names)],
    }
    return checked(layout, source)


def named_layout(
    joints: Sequence[str], source: str, limbs: Sequence[Sequence[int]], name: str
) -> Layout:
    """Return the layout of a model, ``coco17`` for COCO's joints with any limbs."""
    is_coco = tuple(joints) == COCO17
    return 'coco17' if is_coco else own_layout(joints, source, limbs, name)


def checked(layout: Layout, source: str) -> Layout:
    """Return a layout from a file, after checking that it is valid and safe."""
    if not is_data_layout(layout):
        raise misfit(source, 'skeleton', str(layout), 'a name')
    _skeleton(layout, source)
    return layout


def _skeleton(layout: Layout, source: str) -> Skeleton:
    try:
        return Skeleton.get(layout)
    except (TypeError, ValueError) as error:
        raise UserError(f'{source}: {error}') from None


def stated_layout(text: str) -> Layout:
    """Return a layout: its name, or the content of a JSON file with joints, limbs."""
    if not text.endswith('.json'):
        return text
    layout = read_json(text, 'whatever made it')
    if not isinstance(layout, dict) or not {'joints', 'limbs'} <= layout.keys():
        found = listed([*layout]) if isinstance(layout, dict) else shown(layout)
        raise UserError(f'{text} has {found}, expected joints and limbs ([] if none).')
    return checked(layout, text)


def counted_layout(
    joints: int, given: Layout | None, source: str, unnamed: Layout | None = None
) -> tuple[Layout, tuple[str, ...]]:
    """Return the layout of V joints without names, and a note if it is a guess.

    That is the given one, or else COCO's if V is 17, or else ``unnamed``. It must have
    V joints.
    """
    if given is not None:
        skeleton = _skeleton(given, source)
        if skeleton.num_joints != joints:
            raise UserError(
                f'{source}: {joints} joints, but the skeleton {skeleton.name} has '
                f'{skeleton.num_joints}; name the layout of the pose estimator.'
            )
        return given if isinstance(given, str) else dict(given), ()
    note = f'{joints} joints without names are assumed to be those of'
    if joints == len(COCO17):
        return 'coco17', (f'{note} COCO',)
    if unnamed is None:
        raise UserError(
            f'{source}: {joints} joints without names; give their layout by '
            '--skeleton, such as mmpose:halpe or a JSON file with joints and limbs.'
        )
    skeleton = Skeleton.get(unnamed)
    if skeleton.num_joints != joints:
        raise UserError(
            f'{source}: {joints} joints without names, but the skeleton '
            f'{skeleton.name} has {skeleton.num_joints}; estimate poses of its joints.'
        )
    return unnamed, (f'{note} {skeleton.name}',)


def arranged(
    poses: Poses, given: Layout | None, source: str, unnamed: Layout | None = None
) -> Poses:
    """Return poses that a reader made, in a layout that is given or known.

    One of a name, which the format has, is kept. Joints without names, or whose names
    are numbers, are sorted numerically; their layout is the given one, or else COCO's
    if there are 17, or else ``unnamed``. Other names are ordered as in the given
    layout, which may have fewer, or COCO's, if it has the same names. A given layout
    with other names keeps their order, unless names in both contradict it.
    """
    if isinstance(poses.skeleton, str):
        return poses
    order, layout, notes = _in_order(poses.skeleton, given, source, unnamed)
    return poses.noting(*notes, **_columns(poses, order), skeleton=layout)


def _columns(poses: Poses, order: Sequence[int]) -> dict[str, np.ndarray]:
    """Return the arrays of joints, of those at these indices."""
    return {k: a[:, :, order] for k, a in poses.arrays.items() if k in SKELETON_KEYS}


def _in_order(
    own: Layout, given: Layout | None, source: str, unnamed: Layout | None
) -> tuple[list[int], Layout, tuple[str, ...]]:
    """Return the order of the joints of a file, the layout and notes."""
    joints = Skeleton.get(own).joints
    order = list(range(len(joints)))
    layout = 'coco17' if given is None else given
    names = Skeleton.get(layout).joints
    if all(joint.isdecimal() and len(joint) < 10 for joint in joints):
        order.sort(key=lambda i: int(joints[i]))
    elif set(names) == set(joints):
        order, given = [list(joints).index(name) for name in names], layout
    elif given is None:
        if unnamed is not None or Skeleton.get(own).limbs:
            # The layout of a model says what the file does not.
            return order, own, ()
        notes = [
            'the file does not say which joints are connected, so no lines are drawn '
            'between them (--skeleton)'
        ]
        missing = [joint for joint in COCO17 if joint not in joints]
        # Animals share some names with COCO's people, and are none.
        if 2 * len(missing) < len(COCO17):
            notes += [
                f'{joint} is not a joint of COCO; did you mean {meant}?'
                for joint in joints
                if joint not in COCO17
                for meant in get_close_matches(joint.lower(), missing, n=1, cutoff=0.9)
            ]
        return order, own, tuple(notes)
    elif set(names) < set(joints):
        rest = listed([joint for joint in joints if joint not in names])
        note = f'joints that the skeleton lacks are left out: {rest}'
        return [list(joints).index(name) for name in names], given, (note,)
    else:
        lacking = [name for name in names if name not in joints]
        others = [joint for joint in joints if joint not in names]
        pairs = [(a, b) for a, b in zip(joints, names, strict=False) if a != b]
        is_clear = all(a in others and b in lacking for a, b in pairs)
        if len(names) != len(joints) or not is_clear:
            raise UserError(
                f'{source}: the skeleton has the joints {listed(lacking)}, which the '
                f'file lacks; it has {listed(others)}. Name them alike.'
            )
        note = ', '.join(f'{a} as {b}' for a, b in pairs)
        return order, given, (f'joints are taken in their order: {note}',)
    return order, *counted_layout(len(joints), given, source, unnamed)


def to_coco17(poses: Poses, parts: Mapping[str, str], source: str) -> Poses:
    """Return poses with COCO's 17 joints, matched by name; other joints are dropped.

    ``parts`` has the COCO joint of each joint whose name does not match by itself.

    Raises:
        UserError: If a part is unknown, or no joint matches.
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
            "COCO's 17; match them by --part NAME=JOINT, such as "
            f'--part {joints[0]}=nose.'
        )
    mapped = {}
    places = [COCO17.index(joint) for joint in columns]
    for key, values in _columns(poses, list(columns.values())).items():
        mapped[key] = np.zeros((*values.shape[:2], 17, *values.shape[3:]))
        mapped[key][:, :, places] = values
    absent = [joint for joint in COCO17 if joint not in columns]
    note = f'{len(joints)} joints mapped to coco17 by name'
    if absent:
        note += f', always missing: {", ".join(absent)}'
    return poses.noting(note, **mapped, skeleton='coco17')
