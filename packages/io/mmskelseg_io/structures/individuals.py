"""Individuals: recordings with labels of several, as a video for each of them.

In a file, ``individuals`` of a video names its M persons or animals, and ``label`` has
a row for each. When it is read, each individual becomes a video of its own, with all
skeletons and the index of its own one, so that the rest of the package knows only
videos with labels of one individual.
"""

from collections.abc import Sequence

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import (
    SKELETON_KEYS,
    AnnotationFile,
    VideoAnnotation,
)
from mmskelseg_io.structures.segments import IGNORED, to_segments


def absences(score: np.ndarray) -> list[tuple[int, int]]:
    """Return first frame and end (exclusive) of each run in which nobody is seen.

    ``score`` are the scores of joints, (M, T, V).
    """
    absent = np.all(score <= 0, axis=(0, 2)).astype(np.int64)
    return [(start, end) for start, end, is_absent in to_segments(absent) if is_absent]


def without_absences(label: np.ndarray, score: np.ndarray, fps: float) -> np.ndarray:
    """Return labels (..., T), -1 while an individual is away: for over a second.

    At the beginning and the end, shorter absences count, too. ``score`` are the scores
    of its joints, (1, T, V).
    """
    label = label.copy()
    for start, end in absences(score):
        if start == 0 or end == label.shape[-1] or end - start > fps:
            label[..., start:end] = IGNORED
    return label


def part_name(video: str, individual: str) -> str:
    """Return the name of an individual's own video.

    >>> part_name('cage 1', 'mother')
    'cage 1_mother'
    """
    return f'{video}_{individual}'


def apart(data: AnnotationFile) -> AnnotationFile:
    """Return annotations in which each individual of a video is a video of its own.

    Its name is that of :func:`part_name`, in splits as well. Its ``individual`` is the
    index of its skeleton, ``person`` its name, ``people`` are the names of all, and
    ``video`` is that of the recording.
    """
    parts: dict[str, list[VideoAnnotation]] = {
        video['frame_dir']: list(_individuals(video)) for video in data['annotations']
    }
    names = {name: [v['frame_dir'] for v in videos] for name, videos in parts.items()}
    return {
        'split': {
            split: [one for member in members for one in names[member]]
            for split, members in data['split'].items()
        },
        'annotations': [video for videos in parts.values() for video in videos],
        'metainfo': data['metainfo'],
    }


def _individuals(video: VideoAnnotation) -> Sequence[VideoAnnotation]:
    if 'individuals' not in video:
        return [video]
    shared: VideoAnnotation = {**video}
    del shared['individuals']
    videos: list[VideoAnnotation] = []
    for i, name in enumerate(video['individuals']):
        score = video['keypoint_score'][i : i + 1]
        own: VideoAnnotation = {
            **shared,
            'frame_dir': part_name(video['frame_dir'], name),
            'label': without_absences(video['label'][i], score, video['fps']),
            'individual': i,
            'people': list(video['individuals']),
            'person': name,
            'video': video['frame_dir'],
        }
        if 'part_of' in video:
            recording, first = video['part_of']
            own['part_of'] = part_name(recording, name), first
        videos.append(own)
    return videos


def placed(video: VideoAnnotation, place: int) -> VideoAnnotation:
    """Return a video in which the skeletons of its individual have another place."""
    own = video.get('individual', place)
    moved: VideoAnnotation = {**video, 'individual': place}
    for key in SKELETON_KEYS:
        if key in video and own != place:
            moved[key] = np.array(video[key])
            moved[key][[own, place]] = moved[key][[place, own]]
    return moved


def nearest(video: VideoAnnotation) -> np.ndarray:
    """Return the index of who is nearest to a video's individual in each frame, (T,).

    It is -1 where the individual or everybody else is absent. Places are the means of
    the joints that are seen.
    """
    score, own = video['keypoint_score'], video['individual']
    seen = (score > 0)[..., None]
    counts = seen.sum(axis=2)
    middle = (video['keypoint'] * seen).sum(axis=2) / np.maximum(counts, 1)
    distance = np.linalg.norm(middle - middle[own], axis=-1)
    distance[(counts == 0)[..., 0]] = np.inf
    distance[own] = np.inf
    found = distance.argmin(axis=0)
    return np.where(np.isinf(distance.min(axis=0)) | ~seen[own].any((1, 2)), -1, found)


def alone(video: VideoAnnotation) -> VideoAnnotation:
    """Return a video with only the skeletons of its individual, if it has one."""
    if 'individual' not in video:
        return video
    i = video['individual']
    own: VideoAnnotation = {**video}
    del own['individual']
    for key in SKELETON_KEYS:
        if key in video:
            own[key] = video[key][i : i + 1]
    return own


def main_person(score: np.ndarray) -> int:
    """Return the index of the person with the highest sum of scores (M, T, V).

    Raises:
        UserError: If there is no person.
    """
    if not len(score):
        raise UserError('there are no persons to follow.')
    # In float64, since the sum over a long video exceeds float16.
    return int(score.sum(axis=(1, 2), dtype=np.float64).argmax())
