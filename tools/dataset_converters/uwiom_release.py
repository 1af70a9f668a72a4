"""The files of the UW-IOM release: where they are and what they must hold."""

from pathlib import Path

import numpy as np
from converting import ReleaseError, read_array

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


def find_release(source: Path) -> Path:
    """Return the folder that holds the release's parts."""
    for root in (source, source / 'Data' / 'UW'):
        if all((root / part).is_dir() for part in PARTS):
            return root
    raise ReleaseError(
        f'{source}: neither this folder nor Data/UW in it holds {", ".join(PARTS)}; '
        'name the folder of the release, or fetch it with --download.'
    )


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


def check_names(path: Path) -> None:
    """Make sure that the release's class names are those that are known here."""
    names = [str(name).strip() for name in read_array(path).ravel()]
    known = {ALIASES.get(name, name.replace('-', '_')) for name in names}
    if known != set(CLASSES):
        odd = sorted(known ^ set(CLASSES))
        raise ReleaseError(
            f'{path}: {len(names)} class names that differ from the {len(CLASSES)} of '
            f'the release in {", ".join(odd)}; copy the release again.'
        )
