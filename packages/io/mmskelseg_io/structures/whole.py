"""Parts of recordings, such as that for training and that for testing, as one again.

In a file, ``part_of`` of a part has the name of its recording, and its first frame.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from mmskelseg_io.structures.annotations import (
    FRAME_KEYS,
    SKELETON_KEYS,
    AnnotationFile,
    VideoAnnotation,
)


def whole(data: AnnotationFile) -> AnnotationFile:
    """Return annotations without splits and objects, with parts joined.

    Recordings of which a part is missing stay in parts.
    """
    found: dict[str, list[VideoAnnotation]] = {}
    for video in data['annotations']:
        name, _ = video.get('part_of', (video['frame_dir'], 0))
        found.setdefault(name, []).append(video)
    videos = [one for item in found.items() for one in _joined(*item)]
    return {**data, 'split': {}, 'annotations': videos}


def _joined(name: str, parts: Sequence[VideoAnnotation]) -> Sequence[VideoAnnotation]:
    parts = sorted(parts, key=lambda part: part.get('part_of', ('', 0))[1])
    ends = [*accumulate(part['total_frames'] for part in parts)]
    begins = [part.get('part_of', ('', 0))[1] for part in parts]
    if len(parts) == 1 or begins != [0, *ends[:-1]]:
        return parts
    made: VideoAnnotation = {**parts[0], 'frame_dir': name, 'total_frames': ends[-1]}
    del made['part_of']
    made.pop('objects', None)
    for key in (*SKELETON_KEYS, *FRAME_KEYS):
        if key in made:
            axis = 1 if key in SKELETON_KEYS else -1
            made[key] = np.concatenate([part[key] for part in parts], axis)
    return [made]
