"""Checks of labels and splits for likely mistakes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmskelseg.datasets.annotations import folds
from mmskelseg.datasets.inspection.summary import Video, present_classes
from mmskelseg.evaluation import IGNORED, to_segments

# A segment below both is shorter than a person acts or annotates.
SHORTEST_FRAMES = 3
SHORTEST_SECONDS = 0.1
# Share of a video's frames without a label.
MOST_UNLABELLED = 0.5


def single_class(video: Video, classes: Sequence[str]) -> Iterator[str]:
    """Find a video in which nothing changes."""
    present = present_classes([video])
    if len(present) == 1:
        count = (video['label'] != IGNORED).sum()
        yield f'all {count} labelled frames are {classes[present.pop()]!r}'


def unlabelled(video: Video, classes: Sequence[str]) -> Iterator[str]:
    """Find a video that is mostly without labels."""
    count, frames = (video['label'] == IGNORED).sum(), video['label'].size
    if count > MOST_UNLABELLED * frames:
        yield f'{count} of {frames} frames have no label'


def flicker(video: Video, classes: Sequence[str]) -> Iterator[str]:
    """Find segments that are too short to be meant."""
    shortest = max(SHORTEST_FRAMES, SHORTEST_SECONDS * video['fps'])
    segments = to_segments(video['label'])
    short = [segment for segment in segments if segment[1] - segment[0] < shortest]
    if short:
        start, end, label = min(short, key=lambda segment: segment[1] - segment[0])
        yield (
            f'{len(short)} of {len(segments)} segments are shorter than {shortest:g} '
            f'frames, the shortest with {end - start} at frame {start} '
            f'({classes[label]})'
        )


def unlearnable_classes(data: Mapping[str, Any]) -> Iterator[str]:
    """Find classes that a fold tests but does not train."""
    by_name = {video['frame_dir']: video for video in data['annotations']}
    classes = data['metainfo']['classes']
    for train, test in fold_splits(data):
        found = [
            present_classes([by_name[name] for name in data['split'][split]])
            for split in (train, test)
        ]
        never = [classes[label] for label in sorted(found[1] - found[0])]
        if never:
            yield (
                f'{", ".join(never)}: in {test!r}, but not in {train!r}, so that no '
                'model can know it'
            )


def unused_classes(data: Mapping[str, Any]) -> Iterator[str]:
    """Find classes without any frame."""
    present = present_classes(data['annotations'])
    names = data['metainfo']['classes']
    never = [name for label, name in enumerate(names) if label not in present]
    if never:
        yield f'no frame is labelled {", ".join(never)}'


def fold_splits(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names of the two splits of each fold that is whole.

    >>> fold_splits({'split': {'train': ['a'], 'test': ['b']}})
    [('train', 'test')]
    """
    prefixes = ['', *(f'{fold}/' for fold in folds(dict(data)))]
    pairs = [(f'{prefix}train', f'{prefix}test') for prefix in prefixes]
    return [pair for pair in pairs if set(pair) <= data['split'].keys()]
