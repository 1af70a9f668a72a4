"""Who is seen in which recording, as the file or the names of recordings tell."""

import re
from collections.abc import Iterable, Mapping, Sequence

from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import VideoAnnotation

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
    recordings = {name: _recording(v) for name, v in zip(names, videos, strict=True)}
    if all('person' in video for video in videos):
        of = {video['frame_dir']: video['person'] for video in videos}
        return _by_recording(of, recordings)
    found, reason = _by_name(names)
    counts = [len({*of.values()}) for of in (recordings, found)]
    if counts[0] < counts[1] == len(names):
        return recordings, 'nothing says who is seen, so each recording counts as one'
    return found, reason


def _recording(video: VideoAnnotation) -> str:
    """Return the name of the recording that a video, or a clip of it, shows."""
    name, _ = video.get('part_of', (video['frame_dir'], 0))
    return video.get('video', name)


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
        if len(linked) > 1:
            first = next(its for its in group.values() if its in linked)
            group = {one: first if its in linked else its for one, its in group.items()}
    return group
