"""Folds inside the training videos: who is held out, and half of the labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mmskelseg.automl.joined import joined_clips
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.clips import are_clips, one_action
from mmskelseg_io.structures.tiers import labelled_frames

# The largest number of folds.
_MOST_FOLDS = 3


def inner_folds(
    persons: Mapping[str, str], frames: Mapping[str, int]
) -> list[list[str]]:
    """Return the videos that each fold holds out: whole persons, similarly many labels.

    Args:
        persons: The person in each video; there are no folds for a single one.
        frames: The number of labelled frames of each video.

    >>> inner_folds({'a': 'x', 'b': 'x', 'c': 'y', 'd': 'z'}, dict.fromkeys('abcd', 9))
    [['a', 'b'], ['c'], ['d']]
    """
    sizes = dict.fromkeys(persons.values(), 0)
    for name, person in persons.items():
        sizes[person] += frames[name]
    count = min(_MOST_FOLDS, len(sizes))
    if count < 2:
        return []
    held: list[list[str]] = [[] for _ in range(count)]
    filled = [0] * count
    for person in sorted(sizes, key=lambda person: (-sizes[person], person)):
        least = filled.index(min(filled))
        held[least].append(person)
        filled[least] += sizes[person]
    return [[n for n, person in persons.items() if person in fold] for fold in held]


def half(persons: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return the videos of every second person among those of some videos.

    >>> half({'a': 'x', 'b': 'x', 'c': 'y', 'd': 'z'}, ['a', 'b', 'c', 'd'])
    ['a', 'b', 'd']
    """
    kept = set(list(dict.fromkeys(persons[name] for name in names))[::2])
    return [name for name in names if persons[name] in kept]


def fold_splits(
    videos: Sequence[VideoAnnotation], persons: Mapping[str, str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the splits of the folds: ``fold1/train``, ``fold1/test``, ``half1/train``.

    The last one has half of the persons of ``fold1/train``, if there are several.
    """
    frames = {v['frame_dir']: int(labelled_frames(v['label']).sum()) for v in videos}
    for i, held in enumerate(inner_folds(persons, frames), start=1):
        train = [name for name in frames if name not in held]
        yield f'fold{i}/train', train
        yield f'fold{i}/test', held
        if len({persons[name] for name in train}) > 1:
            yield f'half{i}/train', half(persons, train)
            yield f'half{i}/test', held


@dataclass(frozen=True)
class FitData:
    """What a fit is of: annotations with folds, and the persons of training videos.

    Attributes:
        annotations: The annotations, with a split for each fold.
        persons: The person in each training video.
        joined: What it means for scores that clips are joined, '' if none is.
    """

    annotations: AnnotationFile
    persons: Mapping[str, str]
    joined: str = ''

    @classmethod
    def of(
        cls,
        data: AnnotationFile,
        train: Sequence[str],
        test: Sequence[str],
        persons: Mapping[str, str],
    ) -> 'FitData':
        """Return the data of training and test videos, with folds of the former."""
        known = {video['frame_dir']: video for video in data['annotations']}
        splits = {'train': list(train), **({'test': list(test)} if test else {})}
        splits |= dict(fold_splits([known[name] for name in train], persons))
        videos = [known[name] for name in dict.fromkeys([*train, *test])]
        meta = data['metainfo']
        return cls({'split': splits, 'annotations': videos, 'metainfo': meta}, persons)

    def with_joined_clips(self) -> 'FitData':
        """Return the data with recordings to test on in place of clips.

        So it is if most training videos are clips. A recording shows one person, if it
        is known who is in which clip.
        """
        known = {video['frame_dir']: video for video in self.videos}
        if not are_clips([known[name] for name in self.split['train']]):
            return self
        are_known = len({*self.persons.values()}) < len(self.persons)
        splits, persons = {**self.split}, {**self.persons}
        for split in [name for name in splits if name.endswith('test')]:
            groups: dict[str, list[VideoAnnotation]] = {}
            for name in splits[split]:
                who = self.persons.get(name) if are_known else None
                groups.setdefault(who or '', []).append(known[name])
            made: dict[str, VideoAnnotation] = {}
            for who, own in groups.items():
                prefix = who or split.replace('/', '_')
                recordings = joined_clips(own, self.metainfo, prefix)
                made |= {video['frame_dir']: video for video in recordings}
                persons |= {name: who or name for name in made if name not in persons}
            splits[split] = [*made]
            known |= made
        data = {**self.annotations, 'split': splits, 'annotations': [*known.values()]}
        tested = [known[name]['label'] for name in self.split.get('test', ())]
        is_known = any(one_action(label) is None for label in tested)
        joined = 'held-out clips are joined into recordings to test on' + (
            ', but test videos are real recordings'
            if is_known
            else '; how the model does on real recordings, nobody knows'
        )
        return FitData(cast(AnnotationFile, data), persons, joined)

    @property
    def split(self) -> Mapping[str, Sequence[str]]:
        """The videos of each split."""
        return self.annotations['split']

    @property
    def videos(self) -> Sequence[VideoAnnotation]:
        """All videos."""
        return self.annotations['annotations']

    @property
    def metainfo(self) -> Metainfo:
        """What holds for all videos."""
        return self.annotations['metainfo']

    @property
    def has_test(self) -> bool:
        """Whether there are test videos."""
        return 'test' in self.split

    @property
    def folds(self) -> list[str]:
        """The names of the folds; none of a single person."""
        return self._tests('fold')

    @property
    def halves(self) -> list[str]:
        """The names of the folds that are trained on half of the labels."""
        return self._tests('half')

    def _tests(self, kind: str) -> list[str]:
        tests = (n for n in self.split if n.endswith('/test'))
        return [n.removesuffix('/test') for n in tests if n.startswith(kind)]

    @property
    def splits(self) -> tuple[str, str]:
        """The splits of the final model; without test videos, those of a fold."""
        without = f'{self.folds[0]}/test' if self.folds else 'train'
        return 'train', 'test' if self.has_test else without

    @property
    def half_share(self) -> float:
        """The share of a fold's labelled frames that is about half of them."""
        frames = {
            video['frame_dir']: int(labelled_frames(video['label']).sum())
            for video in self.videos
        }
        half, whole = (
            sum(frames[n] for fold in folds for n in self.split[f'{fold}/train'])
            for folds in (self.halves, self.folds)
        )
        return half / whole
