"""Checks for poses that several videos of an annotation file share."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from mmskelseg_io.files.annotations import fold_splits
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.bodies import joints_seen

# Largest share of a video's poses that may occur in another video.
MOST_SHARED = 0.1


def shared_poses(data: AnnotationFile) -> Iterator[tuple[str, str]]:
    """Find videos that share poses with an earlier video.

    Frames without any joint do not count, and a repeated pose counts once.
    """
    videos = data['annotations']
    poses = [np.unique(_pose_digests(video)) for video in videos]
    for (first, second), shared in sorted(_shared_counts(poses).items()):
        shorter = min(poses[first].size, poses[second].size)
        if shared <= MOST_SHARED * shorter:
            continue
        a, b = videos[first]['frame_dir'], videos[second]['frame_dir']
        text = f'{shared} of its {poses[second].size} poses are in {a} too'
        if shared == poses[first].size == poses[second].size:
            text = f'has the same poses as {a}'
        yield b, text + _leak(data, a, b)


def _pose_digests(video: VideoAnnotation) -> np.ndarray:
    """Return a number for each frame with a person, equal for equal poses, (T',)."""
    seen = joints_seen(video)
    # Adding 0 makes -0 and 0 the same.
    place = np.where(seen[..., None], video['keypoint'], 0).astype(np.float32) + 0
    M, T, V = seen.shape
    bits = place.view(np.uint32).reshape(M, T, V * 2).astype(np.uint64)
    weights = np.random.default_rng(0).integers(1, 2**63, V * 2, dtype=np.uint64)
    # Overflow is intended. The sum over persons makes their order, and absent ones,
    # irrelevant.
    digests = (bits * (2 * weights + 1)).sum(axis=2, dtype=np.uint64).sum(axis=0)
    return digests[seen.any(axis=(0, 2))]


def _shared_counts(poses: Sequence[np.ndarray]) -> Counter[tuple[int, int]]:
    """Return the number of digests that two videos share, by their indices.

    No digest may occur twice in a video.
    """
    owner = np.repeat(np.arange(len(poses)), [part.size for part in poses])
    digest = np.concatenate(poses)
    # The sort is stable, so that the owners of a digest stay in file order.
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


def _leak(data: AnnotationFile, first: str, second: str) -> str:
    """Return a note if one of two videos is for training and the other for testing."""
    split = data['split']
    sides: dict[str, list[str]] = defaultdict(list)
    for train, test in fold_splits(data):
        for trained, tested in ((first, second), (second, first)):
            if trained in split[train] and tested in split[test]:
                sides[f'{trained} is for training and {tested} for testing'].append(
                    test
                )
    shown = '; '.join(f'{who} in {", ".join(tests)}' for who, tests in sides.items())
    return f'; {shown}, which makes scores too high' if shown else ''
