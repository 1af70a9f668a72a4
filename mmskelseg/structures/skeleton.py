"""The one place that knows which joints there are and how they connect."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmskelseg.structures.layouts import LAYOUTS, LONGEST_NAME, mirrored_joints
from mmskelseg.utils.errors import UserError, shown

# Of people, animals and meshes; files of others may state any number.
_MOST_JOINTS = 2000
_HIPS = ('left_hip', 'right_hip')
# Joints by name or index; one alone needs no list.
JointGroup = str | int | Sequence[str | int]


@dataclass(frozen=True)
class Skeleton:
    """Joints and how they connect, from which all else that needs joints is derived.

    Args:
        name: What the layout is called in messages and in the metainfo of data sets.
        joints: A name for each of the V joints, in the order of the keypoints.
        limbs: Pairs of joint indices, each the two ends of a line that is drawn.
        flip_pairs: Pairs of joint indices that change places in a mirror image.
        drop_groups: Joint indices of each body part that a tracker loses as a whole
            (``left_arm``, ``right_arm``, ``left_leg``, ``right_leg``).
        root: Joint indices whose mean is the middle of the body: by default those named
            ``left_hip`` and ``right_hip``, or all joints where these are missing.

    Raises:
        UserError: If a name is used twice or an index is not one of a joint.
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
                f'called {shown(longest)}; read are {_MOST_JOINTS} at most, of '
                f'{LONGEST_NAME} letters each.'
            )
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
                    raise UserError(
                        f'Skeleton {self.name!r} has {list(indices)} among its {key}, '
                        f'but needs indices of its {self.num_joints} joints '
                        f'(0 to {self.num_joints - 1}), two in a pair.'
                    )

    @property
    def num_joints(self) -> int:
        """The number of joints, V."""
        return len(self.joints)

    def columns_of(self, joints: Sequence[str], source: str) -> list[int]:
        """Return where the joints of this layout are among those of another.

        Args:
            joints: Names of the other's joints.
            source: What to call the other in messages.

        Raises:
            UserError: If it lacks one.

        >>> legs = Skeleton.get(dict(joints=['hip', 'knee'], limbs=[[0, 1]]))
        >>> legs.columns_of(['foot', 'knee', 'hip'], 'take1.json')
        [2, 1]
        """
        missing = [joint for joint in self.joints if joint not in joints]
        if missing:
            raise UserError(
                f'{source}: its {len(joints)} joints lack {", ".join(missing[:3])}'
                f'{" and more" if len(missing) > 3 else ""} of the {self.num_joints} '
                f'of {self.name}, with which the model was trained; estimate poses '
                'in that layout, or convert them with '
                'tools/dataset_converters/keypoints.py.'
            )
        return [joints.index(joint) for joint in self.joints]

    @classmethod
    def get(
        cls, skeleton: Skeleton | str | os.PathLike | Mapping[str, Any]
    ) -> Skeleton:
        """Return the skeleton that a name, a path or a dict stands for.

        Args:
            skeleton: A name of :data:`mmskelseg.structures.layouts.LAYOUTS`, such as
                ``coco17``; ``mmpose:NAME`` for a layout of an installed MMPose
                (``mmpose:halpe``); the path of a config file with a ``dataset_info`` in
                MMPose's format; such a ``dataset_info``; or a dict with ``joints``
                (names, or how many) and ``limbs`` (pairs of joints), and, if wanted,
                ``name``, ``flip_pairs``, ``drop_groups`` and ``root``. They refer to
                joints by name or by index. Without ``flip_pairs``, joints whose names
                differ in left and right alone are pairs.

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
                f'{skeleton!r} is not a skeleton, but a name, path or dict.'
            )
        if {'keypoint_info', 'skeleton_info'} <= set(skeleton):
            return cls._from_dataset_info(skeleton, 'a dict')
        known = {field.name for field in fields(cls)}
        if not {'joints', 'limbs'} <= set(skeleton) <= known:
            raise UserError(
                f'A skeleton given as a dict has the keys {sorted(skeleton)}, but '
                'needs `joints` and `limbs` (and may have `name`, `flip_pairs`, '
                '`drop_groups` and `root`), or `keypoint_info` and `skeleton_info` as '
                'in MMPose.'
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
        try:
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
        except (AttributeError, KeyError, TypeError) as error:
            raise UserError(
                f'The `dataset_info` in {source} cannot be read '
                f'({type(error).__name__}: {error}); write it as MMPose does, with a '
                '`name` for each joint and a `link` for each limb.'
            ) from error
        more = {key: info[key] for key in ('drop_groups', 'root') if key in info}
        return cls._by_name_or_index({**parts, **more})

    @classmethod
    def _by_name_or_index(cls, parts: Mapping[str, Any]) -> Skeleton:
        """Return the skeleton whose parts refer to joints by name or by index."""
        name = parts['name']
        try:
            joints = tuple(parts['joints'])

            def indices(group: JointGroup, key: str) -> tuple[int, ...]:
                if isinstance(group, str | int):
                    group = (group,)
                unknown = [j for j in group if isinstance(j, str) and j not in joints]
                if unknown:
                    raise UserError(
                        f'Skeleton {name!r} has {unknown[0]!r} among its {key}, but '
                        f'its joints are {", ".join(map(str, joints))}; name one of '
                        'them, or give an index.'
                    )
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
        except UserError:
            raise
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            raise UserError(
                f'The skeleton {shown(dict(parts))} cannot be read ({error}); '
                '`joints` are names or their number, the others lists of names or '
                'indices of joints.'
            ) from error


def is_data_layout(skeleton: Any) -> bool:
    """Return whether a layout is a dict or a name, not the path of a file.

    A file may be a config, which runs as a program, so that only a user may name one: a
    checkpoint, an annotation file or a file of poses may not.

    >>> is_data_layout('mmpose:halpe'), is_data_layout('/tmp/layout.py')
    (True, False)
    """
    if isinstance(skeleton, str):
        return re.fullmatch(r'(mmpose:)?\w+', skeleton) is not None
    return isinstance(skeleton, Mapping)


def _read_layout(name: str) -> tuple[Mapping[str, Any], str]:
    """Return the ``dataset_info`` of a layout, and the file that holds it."""
    if name.startswith('mmpose:'):
        spec = find_spec('mmpose')
        if spec is None or spec.origin is None:
            raise UserError(
                f'The skeleton {name!r} is read from MMPose, which is not installed; '
                'run pip install mmpose.'
            )
        folder = Path(spec.origin).parent / '.mim' / 'configs' / '_base_' / 'datasets'
        path = folder / f'{name.removeprefix("mmpose:")}.py'
        known = [f'mmpose:{p.stem}' for p in sorted(folder.glob('*.py'))]
    else:
        path, known = Path(name), list(LAYOUTS)
    # Unlike a path, this takes a name of any length.
    if not os.path.isfile(path):
        raise UserError(
            f'There is no skeleton {shown(name)}; known are {", ".join(known)}, '
            '`mmpose:NAME`, and the path of a file with a `dataset_info`.'
        )
    # Names and dicts need no MMEngine.
    from mmengine.config import Config

    config = Config.fromfile(path)
    if 'dataset_info' not in config:
        raise UserError(
            f"{path} holds no `dataset_info`; MMPose's documentation describes it."
        )
    return config.dataset_info, str(path)
