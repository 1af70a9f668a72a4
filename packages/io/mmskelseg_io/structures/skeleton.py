"""Skeletons: joints and how they are connected."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from mmskelseg_io.files.assignments import assignments
from mmskelseg_io.files.parsing import read_json, read_text
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.dependencies import is_installed
from mmskelseg_io.messages.errors import UserError, check_name, reading, shown, unlike
from mmskelseg_io.structures.layouts import (
    LAYOUTS,
    LONGEST_NAME,
    mirrored_joints,
    split_side,
)

# More than any person, animal or mesh has; files may state any number.
_MOST_JOINTS = 2000
_HIPS = ('left_hip', 'right_hip')
# Joints by name or index; a single joint needs no list.
JointGroup = str | int | Sequence[str | int]
#: A layout as files hold it: a name, or a dict as :meth:`Skeleton.get` takes it.
Layout: TypeAlias = str | Mapping[str, object]


@dataclass(frozen=True)
class Skeleton:
    """Joints and how they are connected.

    Rendering, limb dropping, graphs, flipping and drawing all derive from it.

    Args:
        name: Name of the layout in messages and in the metainfo of data sets.
        joints: A name for each of the V joints, in the order of the keypoints.
        limbs: Pairs of joint indices, the two ends of each line that is drawn.
        flip_pairs: Pairs of joint indices that swap in a mirror image.
        drop_groups: Joint indices of each body part that a tracker loses as a whole
            (``left_arm``, ``right_arm``, ``left_leg``, ``right_leg``).
        root: Indices of the joints whose mean is the centre of the body: by default
            ``left_hip`` and ``right_hip``, or all joints if these do not exist.

    Raises:
        UserError: If a name is used twice or an index is out of range.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()
    drop_groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    root: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.root:
            hips = [i for i, name in enumerate(self.joints) if name in _HIPS]
            root = hips if len(hips) == 2 else range(self.num_joints)
            object.__setattr__(self, 'root', tuple(root))
        longest = max(self.joints, key=len, default='')
        if len(longest) > LONGEST_NAME or self.num_joints > _MOST_JOINTS:
            raise UserError(
                f'Skeleton {self.name!r} has {self.num_joints} joints, one of them '
                f'called {shown(longest)}; use at most {_MOST_JOINTS} joints, with '
                f'names of up to {LONGEST_NAME} characters.'
            )
        for name in self.joints:
            check_name(name, f'A joint of the skeleton {self.name!r}')
        twice = sorted({j for j in self.joints if self.joints.count(j) > 1})
        if twice:
            raise UserError(
                f'Skeleton {self.name!r} names {twice} more than once; '
                'give every joint a name of its own.'
            )
        pairs = {'limbs': self.limbs, 'flip_pairs': self.flip_pairs}
        sets = {'drop_groups': self.drop_groups.values(), 'root': (self.root,)}
        for key, groups in {**pairs, **sets}.items():
            for indices in groups:
                wrong = [i for i in indices if not 0 <= i < self.num_joints]
                if wrong or (key in pairs and len(indices) != 2):
                    what = f'Skeleton {self.name!r}: one of {key}'
                    expected = f'indices from 0 to {self.num_joints - 1}, two in a pair'
                    raise UserError(unlike(what, indices, expected))
        swapped = Counter(chain.from_iterable(self.flip_pairs))
        for index in (i for i, count in swapped.items() if count > 1):
            raise UserError(
                f'Skeleton {self.name!r} has the joint {index} twice among its '
                'flip_pairs; a joint swaps with one other.'
            )

    @property
    def num_joints(self) -> int:
        """The number of joints, V."""
        return len(self.joints)

    def columns_of(
        self,
        joints: Sequence[str],
        source: str,
        names: Mapping[str, str] | None = None,
    ) -> list[int]:
        """Return the index of each joint of this layout among the joints of another.

        A joint is the one that ``names`` has for it, or else the one of the same name,
        or the only one whose name differs in nothing but case, separators, and how and
        where it states the side.

        Args:
            joints: The joints of the other layout, which must have all of this one.
            source: Its name.
            names: Names in the other layout, by those in this one.

        Raises:
            UserError: If a joint is missing, with the joints of both.

        >>> legs = Skeleton.get(dict(joints=['hip', 'left_knee'], limbs=[[0, 1]]))
        >>> legs.columns_of(['foot', 'KneeL', 'Hip'], 'take1.json')
        [2, 1]
        >>> legs.columns_of(['foot', 'KneeL', 'Hip'], 'take1.json', {'hip': 'foot'})
        [0, 1]
        """
        found = {joint: own for joint, own in (names or {}).items() if own in joints}
        for key in (str, split_side):
            needed = _by(key, [j for j in self.joints if j not in found])
            there = _by(key, [j for j in joints if j not in found.values()])
            for alike in needed.keys() & there.keys():
                if len(needed[alike]) == len(there[alike]) == 1:
                    found[needed[alike][0]] = there[alike][0]
        missing = [joint for joint in self.joints if joint not in found]
        for joint in missing:
            if (own := (names or {}).get(joint) or joint) not in (joint, *joints):
                raise UserError(
                    f'{source}: has no joint {own!r}, which the table (--joints) names '
                    f'for {joint}; it has {", ".join(joints)}.'
                )
        if missing:
            raise UserError(
                f'{source}: its {len(joints)} joints lack {listed(missing, 3)} of '
                f'{self.name}, which the model needs: {", ".join(self.joints)}; there '
                f'are {", ".join(joints)}. Match other names by a table (--joints), '
                'which leaves `own` empty where there is no such joint, or estimate '
                'poses in that layout.'
            )
        return [joints.index(found[joint]) for joint in self.joints]

    @classmethod
    def get(cls, skeleton: SkeletonLike) -> Skeleton:
        """Return the skeleton for a name, a path or a dict.

        Args:
            skeleton: A name of :data:`LAYOUTS`, such as
                ``coco17``; ``mmpose:NAME`` for a layout of an installed MMPose
                (``mmpose:halpe``); the path of a config file with a ``dataset_info`` in
                MMPose's format; such a ``dataset_info``; or a dict with ``joints``
                (their names or their number) and ``limbs`` (pairs of joints), and
                optionally ``name``, ``flip_pairs``, ``drop_groups`` and ``root``, which
                refer to joints by name or by index. Without ``flip_pairs``, joints
                whose names differ only in left and right are paired.

        Raises:
            UserError: If there is no such layout, or it contradicts itself.

        >>> Skeleton.get('lcr15').num_joints
        15
        >>> Skeleton.get(dict(joints=['hip', 'knee'], limbs=[['hip', 'knee']])).limbs
        ((0, 1),)
        """
        if isinstance(skeleton, Skeleton):
            return skeleton
        if isinstance(skeleton, (str, os.PathLike)):
            name = os.fspath(skeleton)
            if name in LAYOUTS:
                return cls._by_name_or_index(LAYOUTS[name])
            return cls._from_dataset_info(*_read_layout(name))
        if not isinstance(skeleton, Mapping):
            raise UserError(
                f'{skeleton!r} is not a skeleton, expected a name, path or dict.'
            )
        if {'keypoint_info', 'skeleton_info'} <= set(skeleton):
            return cls._from_dataset_info(skeleton, 'a dict')
        known = {field.name for field in fields(cls)}
        if not {'joints', 'limbs'} <= set(skeleton) <= known:
            raise UserError(
                f'A skeleton given as a dict has the keys {sorted(skeleton)}, but '
                f'needs `joints` and `limbs`, and may have {", ".join(sorted(known))}; '
                'or `keypoint_info` and `skeleton_info` as in MMPose.'
            )
        joints = skeleton['joints']
        if isinstance(joints, int):
            if not 0 < joints <= _MOST_JOINTS:
                raise UserError(
                    f'A skeleton has {joints} joints, expected 1 to {_MOST_JOINTS}.'
                )
            joints = [f'joint_{i}' for i in range(joints)]
        return cls._by_name_or_index({'name': 'custom', **skeleton, 'joints': joints})

    @classmethod
    def _from_dataset_info(cls, info: Mapping[str, Any], source: str) -> Skeleton:
        remedy = 'write `dataset_info` as MMPose does, with each `name` and `link`'
        with reading(source, remedy=remedy):
            points, links = (
                [info[key][i] for i in sorted(info[key])]
                for key in ('keypoint_info', 'skeleton_info')
            )
            swaps: list[tuple[str, str]] = []
            for point in points:
                swap = (point['name'], point.get('swap'))
                if swap[1] not in (None, '', swap[0]) and swap[::-1] not in swaps:
                    swaps.append(swap)
            parts = {
                'name': info.get('dataset_name', source),
                'joints': [point['name'] for point in points],
                'limbs': [link['link'] for link in links],
                'flip_pairs': swaps,
            }
        more = {key: info[key] for key in ('drop_groups', 'root') if key in info}
        return cls._by_name_or_index({**parts, **more})

    @classmethod
    def _by_name_or_index(cls, parts: Mapping[str, Any]) -> Skeleton:
        """Return a skeleton from parts that refer to joints by name or by index."""
        name = parts['name']
        remedy = '`joints` are names or their number, the others lists of joints'
        with reading(f'The skeleton {shown(dict(parts))}', remedy=remedy):
            joints = tuple(parts['joints'])

            def indices(group: JointGroup, key: str) -> tuple[int, ...]:
                if isinstance(group, str | int):
                    group = (group,)
                unknown = [j for j in group if isinstance(j, str) and j not in joints]
                if unknown:
                    expected = f'an index, or one of {", ".join(map(str, joints))}'
                    what = f'Skeleton {name!r}: one of {key}'
                    raise UserError(unlike(what, unknown[0], expected))
                return tuple(
                    joints.index(j) if isinstance(j, str) else int(j) for j in group
                )

            if 'flip_pairs' not in parts:
                parts = {**parts, 'flip_pairs': mirrored_joints(joints)}
            pairs: dict[str, Any] = {
                key: tuple(indices(pair, key) for pair in parts[key])
                for key in ('limbs', 'flip_pairs')
            }
            return cls(
                name=name,
                joints=joints,
                drop_groups={
                    part: indices(group, f'drop_groups ({part})')
                    for part, group in parts.get('drop_groups', {}).items()
                },
                root=indices(parts.get('root', ()), 'root'),
                **pairs,
            )


def _by(
    key: Callable[[str], Hashable], joints: Sequence[str]
) -> dict[Hashable, list[str]]:
    """Return the joints of each key."""
    groups: dict[Hashable, list[str]] = {}
    for joint in joints:
        groups.setdefault(key(joint), []).append(joint)
    return groups


#: Everything that stands for a skeleton; see :meth:`Skeleton.get`.
SkeletonLike: TypeAlias = Skeleton | os.PathLike | Layout


def is_data_layout(skeleton: object) -> TypeGuard[Layout]:
    """Return whether a layout is a dict or a name, not the path of a file.

    A layout file may be a config, which runs as a program. Only users may name one;
    checkpoints, annotation files and pose files may not.

    >>> is_data_layout('mmpose:halpe'), is_data_layout('/tmp/layout.py')
    (True, False)
    """
    if isinstance(skeleton, str):
        return re.fullmatch(r'(mmpose:)?\w+', skeleton) is not None
    return isinstance(skeleton, Mapping)


def _read_layout(name: str) -> tuple[Mapping[str, object], str]:
    """Return the ``dataset_info`` of a layout and the path of its file."""
    if name.startswith('mmpose:'):
        spec = find_spec('mmpose')
        # A mere folder of this name does not count.
        if spec is None or spec.origin is None or not is_installed('mmpose'):
            raise UserError(
                f'The skeleton {name!r} is read from MMPose, which is not installed; '
                'run pip install mmpose.'
            )
        folder = Path(spec.origin).parent / '.mim' / 'configs' / '_base_' / 'datasets'
        path = folder / f'{name.removeprefix("mmpose:")}.py'
        known = [f'mmpose:{p.stem}' for p in sorted(folder.glob('*.py'))]
    else:
        path, known = Path(name), list(LAYOUTS)
    # Unlike Path.is_file, this accepts a name of any length.
    if not os.path.isfile(path):
        raise UserError(
            f'There is no skeleton {shown(name)}; known are {", ".join(known)}, '
            '`mmpose:NAME`, and, in configs and options, the path of a file with a '
            '`dataset_info`.'
        )
    if path.suffix.lower() == '.json':
        content = read_json(path, 'MMPose')
    else:
        with reading(path, remedy='a layout may only assign lists and dicts'):
            content = {name: value for name, _, value in assignments(read_text(path))}
    if not isinstance(content, dict) or not isinstance(
        content.get('dataset_info'), dict
    ):
        raise UserError(
            f"{path} holds no `dataset_info`; MMPose's documentation describes it."
        )
    return content['dataset_info'], str(path)
