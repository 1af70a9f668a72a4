"""Checks for videos that do not match each other, or their own files."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.datasets.inspection.labels import fold_splits
from mmskelseg.datasets.inspection.summary import Video, seen_joints
from mmskelseg.features.renderers import ReadVideoFrames

# Share of a video's poses that may occur in another one.
MOST_SHARED = 0.1


def odd_fps(videos: Sequence[Video]) -> Iterator[tuple[str, str]]:
    """Find videos whose frame rate is not that of most; yield their ids too.

    >>> videos = [{'frame_dir': name, 'fps': 30} for name in 'abc']
    >>> list(odd_fps([*videos, {'frame_dir': 'd', 'fps': 25}]))
    [('d', 'fps is 25, but 3 of 4 videos have 30')]
    """
    counts = Counter(float(video['fps']) for video in videos)
    usual, count = counts.most_common(1)[0]
    for video in videos:
        if video['fps'] != usual:
            yield (
                video['frame_dir'],
                f'fps is {video["fps"]:g}, but {count} of {len(videos)} videos have '
                f'{usual:g}',
            )


def shared_poses(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find videos with the same poses as an earlier one, or parts of them.

    Frames without any joint do not count, and a pose that comes again counts once.
    """
    videos = data['annotations']
    poses = [np.unique(_pose_digests(video)) for video in videos]
    for (first, second), shared in sorted(_shared_counts(poses).items()):
        shorter = min(poses[first].size, poses[second].size)
        if shared <= MOST_SHARED * shorter:
            continue
        a, b = videos[first]['frame_dir'], videos[second]['frame_dir']
        same = shared == poses[first].size == poses[second].size
        text = (
            f'has the same poses as {a}'
            if same
            else f'{shared} of its {poses[second].size} poses are in {a} too'
        )
        yield b, text + _leak(data, a, b)


def shared_files(videos: Sequence[Video]) -> Iterator[tuple[str, str]]:
    """Find videos that name the file of an earlier one."""
    owners: dict[str, str] = {}
    for video in videos:
        file = video.get('filename')
        if file:
            owner = owners.setdefault(file, video['frame_dir'])
            if owner != video['frame_dir']:
                yield video['frame_dir'], f'names the file of {owner}, {file}'


def unfit_files(videos: Sequence[Video], folder: Path) -> Iterator[tuple[str, str]]:
    """Find video files that are missing, unreadable, or not as long as the labels.

    Frames are counted, and seconds compared, as RGB features would do it.

    Args:
        videos: Annotations; those that name no file are passed over.
        folder: Where the files are.
    """
    for video in videos:
        if video.get('filename'):
            placed = {**video, 'filename': folder / video['filename']}
            problems = [_reading_problem(placed, align) for align in ('index', 'fps')]
            # Where neither way of reading goes, seconds say more than frames.
            found = problems[1] or problems[0]
            if found:
                yield video['frame_dir'], found.rstrip('.')


def _reading_problem(video: Video, align: str) -> str:
    try:
        ReadVideoFrames(align=align).check(video)
    except (OSError, ValueError) as error:
        return str(error)
    return ''


def _pose_digests(video: Video) -> np.ndarray:
    """Return a number for each frame with a person, equal for equal poses, (T',)."""
    seen = seen_joints(video)
    # Adding 0 makes -0 and 0 the same.
    place = np.where(seen[..., None], video['keypoint'], 0).astype(np.float32) + 0
    M, T, V = seen.shape
    bits = place.view(np.uint32).reshape(M, T, V * 2).astype(np.uint64)
    weights = np.random.default_rng(0).integers(1, 2**63, V * 2, dtype=np.uint64)
    # Overflow is meant. Summed over persons, so that neither their order counts nor
    # those who are absent.
    digests = (bits * (2 * weights + 1)).sum(axis=2, dtype=np.uint64).sum(axis=0)
    return digests[seen.any(axis=(0, 2))]


def _shared_counts(poses: Sequence[np.ndarray]) -> Counter[tuple[int, int]]:
    """Return how many digests each two videos share, by their indices.

    Args:
        poses: Digests of each video, none of them twice in one.
    """
    owner = np.repeat(np.arange(len(poses)), [part.size for part in poses])
    digest = np.concatenate(poses)
    # Stable, so that owners of one digest stay in the order of the file.
    order = np.argsort(digest, kind='stable')
    owner, digest = owner[order], digest[order]
    counts: Counter[tuple[int, int]] = Counter()
    for step in range(1, len(poses)):
        equal = digest[step:] == digest[:-step]
        if not equal.any():
            break
        pairs = np.stack([owner[:-step][equal], owner[step:][equal]], axis=1)
        found, times = np.unique(pairs, axis=0, return_counts=True)
        for (first, second), count in zip(found.tolist(), times.tolist(), strict=True):
            counts[first, second] += count
    return counts


def _leak(data: Mapping[str, Any], first: str, second: str) -> str:
    """Return what to add where one of two videos trains and the other tests."""
    split = data['split']
    sides: dict[str, list[str]] = defaultdict(list)
    for train, test in fold_splits(data):
        for trained, tested in ((first, second), (second, first)):
            if trained in split[train] and tested in split[test]:
                sides[f'{trained} trains and {tested} tests'].append(test)
    if not sides:
        return ''
    shown = '; '.join(f'{who} in {", ".join(tests)}' for who, tests in sides.items())
    return f'; {shown}, so that scores are too good'
