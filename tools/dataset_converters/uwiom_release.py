"""The files of the UW-IOM release: where they are and what they must hold."""

import re
from pathlib import Path

import numpy as np

# In the order of the ids; the release's own file of names is alphabetical.
CLASSES = [
    'walking',
    'stand_reach_top',
    'box_stand_pick_up_top',
    'box_stand_place_mid',
    'standing',
    'rod_stand_pick_up_top',
    'rod_stand_place_mid',
    'box_stand_pick_up_mid',
    'rod_stand_pick_up_mid',
    'none_bend_none_none',
    'rod_bend_pick_up_low',
    'box_bend_place_low',
    'rod_bend_place_low',
    'box_stand_place_top',
    'rod_stand_place_top',
    'box_bend_pick_up_low',
    'box_walk_hold',
]
# Where the file of names says it otherwise than by a hyphen.
ALIASES = {
    'none_walk_none_none': 'walking',
    'none_stand_none_none': 'standing',
    'none_stand_reach_top': 'stand_reach_top',
    'box_walk_hold_none': 'box_walk_hold',
}
PARTS = {
    'Poses': r'(\d\d)_pose3d\.npy',
    'Labels/ClassNumber': r'(\d\d)\.npy',
    'RebaScoreFrameWise': r'(\d\d)\.txt',
}
NAMES = 'Labels/uniquelabelnames.npy'
# The files of a GitHub archive that are kept, by their place in the release.
MEMBER = (
    rf'[^/]+/(Data/UW/(?:{"|".join(f"{k}/{v}" for k, v in PARTS.items())}|{NAMES}))'
)
JOINTS = 15


class ReleaseError(ValueError):
    """A file of the release that is missing or not what it must be."""


def find_release(source: Path) -> Path:
    """Return the folder that holds the release's parts."""
    for root in (source, source / 'Data' / 'UW'):
        if all((root / part).is_dir() for part in PARTS):
            return root
    raise ReleaseError(
        f'{source}: neither this folder nor Data/UW in it holds {", ".join(PARTS)}; '
        'name the folder of the release, or fetch it with --download.'
    )


def find_videos(root: Path) -> list[str]:
    """Return the ids of the videos, each of which has all three parts."""
    found: dict[str, set[str]] = {}
    for part, pattern in PARTS.items():
        found[part] = set()
        for path in sorted((root / part).glob('[!.]*')):
            match = re.fullmatch(pattern, path.name)
            if not match:
                raise ReleaseError(
                    f'{path}: not a name of the release, such as '
                    f'{file_name(part, "03")}; rename it or take it away.'
                )
            found[part].add(match[1])
    videos = sorted(set.union(*found.values()))
    if not videos:
        raise ReleaseError(f'{root}: there is no video in it; copy the release again.')
    for part, ids in found.items():
        for video in videos:
            if video not in ids:
                raise ReleaseError(
                    f'{root / part / file_name(part, video)}: missing, though another '
                    f'part of video {video} is there; copy the release again.'
                )
    return videos


def file_name(part: str, video: str) -> str:
    return PARTS[part].replace(r'(\d\d)', video).replace('\\', '')


def read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path)
    except (ValueError, EOFError) as error:
        raise ReleaseError(
            f'{path}: not a complete .npy file of numbers ({error}); copy it again.'
        ) from None


def read_pose(path: Path) -> np.ndarray:
    """Return the joints of each frame in metres, shape (T, 15, 3)."""
    pose = read_array(path)
    if pose.dtype.kind != 'f' or pose.shape[1:] != (JOINTS, 3) or not len(pose):
        raise ReleaseError(
            f'{path}: an array of {pose.dtype} with shape {pose.shape}, expected '
            f'floats of shape (frames, {JOINTS}, 3).'
        )
    for wrong, what in (
        (~np.isfinite(pose).all(-1), 'a coordinate that is NaN or infinite'),
        (~(pose[..., 0] > 0), 'a depth that is not above 0'),
    ):
        if wrong.any():
            frame, joint = np.argwhere(wrong)[0]
            raise ReleaseError(
                f'{path}: frame {frame}, joint {joint} has {what}, the first of '
                f'{wrong.sum()}; copy the file again.'
            )
    return pose.astype(np.float32)


def read_label(path: Path, frames: int) -> np.ndarray:
    """Return the class id of each frame, shape (T,)."""
    label = read_array(path)
    if label.dtype.kind not in 'iu' or label.shape != (frames,):
        raise ReleaseError(
            f'{path}: an array of {label.dtype} with shape {label.shape}, expected '
            f'integers of shape ({frames},) as the pose has {frames} frames.'
        )
    wrong = np.flatnonzero((label < 0) | (label >= len(CLASSES)))
    if wrong.size:
        raise ReleaseError(
            f'{path}: label {label[wrong[0]]} in frame {wrong[0]}, the first of '
            f'{wrong.size} out of range; expected 0 to {len(CLASSES) - 1}.'
        )
    return label.astype(np.int64)


def read_risk(path: Path, frames: int) -> np.ndarray:
    """Return the REBA score of each frame, shape (T,)."""
    lines = path.read_text(encoding='utf-8', errors='replace').split('\n')
    while lines and not lines[-1].strip():
        lines.pop()
    scores = []
    for number, line in enumerate(lines, 1):
        try:
            scores.append(float(line))
        except ValueError:
            scores.append(np.nan)
        if not np.isfinite(scores[-1]):
            raise ReleaseError(
                f'{path}: line {number} is {line.strip()!r}, expected a finite number.'
            )
    if len(scores) != frames:
        raise ReleaseError(
            f'{path}: {len(scores)} lines, expected {frames} as the pose has {frames} '
            'frames.'
        )
    return np.array(scores, np.float32)


def check_names(path: Path) -> None:
    """Make sure that the release's class names are those that are known here."""
    if not path.is_file():
        raise ReleaseError(f'{path}: missing; copy the release again.')
    names = [str(name).strip() for name in read_array(path).ravel()]
    known = {ALIASES.get(name, name.replace('-', '_')) for name in names}
    if known != set(CLASSES):
        odd = sorted(known ^ set(CLASSES))
        raise ReleaseError(
            f'{path}: {len(names)} class names that differ from the {len(CLASSES)} of '
            f'the release in {", ".join(odd)}; copy the release again.'
        )
