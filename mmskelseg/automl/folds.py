"""Folds inside the training videos: who is held out, and half of the labels."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.tiers import labelled_frames

# The largest number of folds.
_MOST_FOLDS = 3
# A person or an animal in a name, such as P03_cam1, mouse-2 or take1_subject_07.
_PERSON = re.compile(
    r'(?:^|[\W_])((?:p|s|id|sub|subj|subject|person|participant|user|worker|patient|'
    r'player|mouse|rat|animal)[-_ ]?\d+)(?![a-z0-9])',
    re.IGNORECASE,
)


def persons_of(
    videos: Sequence[VideoAnnotation], pattern: re.Pattern[str] | None = None
) -> tuple[dict[str, str], str]:
    """Return the person in each video, by its id, and how that is known.

    Args:
        videos: The videos. Those of a recording are in one group.
        pattern: Finds the person in a name, in the first group if it has one. By
            default, a video's ``person`` tells, or its name, such as ``P03_cam1``;
            otherwise each video counts as a person.

    Raises:
        UserError: If the pattern does not match a name, naming it.
    """
    names = [video['frame_dir'] for video in videos]
    if pattern is not None:
        return groups_by(pattern, names), f'names of videos match {pattern.pattern!r}'
    if all('person' in video for video in videos):
        of = {video['frame_dir']: video['person'] for video in videos}
        recordings = {
            name: v.get('video', name) for name, v in zip(of, videos, strict=True)
        }
        return _by_recording(of, recordings)
    return _by_name(names)


def groups_by(pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, str]:
    """Return the part of each name that matches, or its first group if it has one.

    Raises:
        UserError: If the pattern does not match a name, naming it.
    """
    found = {}
    for name in names:
        match = pattern.search(name)
        group = match and match[1 if pattern.groups else 0]
        if group is None:
            raise UserError(
                f'--group-by {pattern.pattern}: matches nothing in the name of video '
                f'{name!r}; all videos need a group.'
            )
        found[name] = group
    return found


def _by_recording(
    persons: Mapping[str, str], recordings: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """Return groups in which no recording is divided, and how they are known.

    Individuals of one recording do the same at the same time, so a model that has seen
    one of them has partly seen the others.

    >>> persons = {'a_x': 'x', 'a_y': 'y', 'b_y': 'y', 'b_z': 'z', 'c_w': 'w'}
    >>> recordings = {name: name[0] for name in persons}
    >>> _by_recording(persons, recordings)[0]
    {'a_x': 'x', 'a_y': 'x', 'b_y': 'x', 'b_z': 'x', 'c_w': 'w'}
    """
    people: dict[str, list[str]] = {}
    for name, person in persons.items():
        people.setdefault(recordings[name], []).append(person)
    group = _linked(people.values())
    found = {name: group[person] for name, person in persons.items()}
    # One individual alone cannot be held out.
    if len(set(found.values())) > 1 or len(group) == 1:
        return found, 'the file states who is in each video'
    return dict(
        recordings
    ), 'recordings show the same individuals, so each counts as one'


def _by_name(names: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the persons that names of videos tell, and how they are known.

    Of several parts, one may tell the session, so videos that share any of them count
    as the same person; a part of all names tells nothing.

    >>> _by_name(['s1_P1', 's1_P2', 's2_P3', 's2_P4'])[0]
    {'s1_P1': 's1', 's1_P2': 's1', 's2_P3': 's2', 's2_P4': 's2'}
    """
    parts = {n: [part.casefold() for part in _PERSON.findall(n)] for n in names}
    shared = set.intersection(*map(set, parts.values()))
    told = {n: [part for part in own if part not in shared] for n, own in parts.items()}
    if all(told.values()):
        group = _linked(told.values())
        found = {name: group[own[0]] for name, own in told.items()}
        several = [own for own in told.values() if len(set(own)) > 1]
        parts_of = listed([*map(repr, (several or [*told.values()])[0])])
        reason = f'names of videos have parts such as {parts_of}'
        if several and len(set(found.values())) < len(names):
            return found, (
                f'{reason}, and those that share one count as one person; --group-by '
                'REGEX says which part tells the person'
            )
        if len(names) > len(set(found.values())) > 1:
            return found, reason
    unknown = 'nothing says who is in which video, so each counts as one'
    return {name: name for name in names}, unknown


def _linked(together: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return the group of each: all that are together anywhere, named after the first.

    >>> _linked(['xy', 'w', 'zy'])
    {'x': 'x', 'y': 'x', 'w': 'w', 'z': 'x'}
    """
    group: dict[str, str] = {}
    for own in together:
        for one in own:
            group.setdefault(one, one)
        linked = {group[one] for one in own}
        first = next(its for its in group.values() if its in linked)
        group = {one: first if its in linked else its for one, its in group.items()}
    return group


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
    """What a fit is of: annotations with folds, and the persons of training videos."""

    annotations: AnnotationFile
    persons: Mapping[str, str]

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
