"""States and point events of observations, as BORIS and the Observer export them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mmskelseg_io.files.parsing import FilePath, number
from mmskelseg_io.labels.reading import (
    EACH_SUBJECT,
    FoundVideos,
    add_note,
    choose_several,
    of_subject,
)
from mmskelseg_io.labels.segments import Ethogram, Segment, VideoSegments, make_segment
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.structures.tiers import class_name

#: What BORIS calls the subject of events that have none.
NO_SUBJECT = 'No focal subject'
#: Between the tier and the group of a class, where a tool has one text for both.
GROUP = ' / '
#: The kind of events without a duration.
POINT = 'POINT'
# What is written as the comment of a prediction.
_CONFIDENCE = re.compile(r'confidence \d\.\d{3}')


class Event(NamedTuple):
    """The start or end of a state, or a point event.

    ``kind`` is POINT for a point event. Events of a state start and end it in turn;
    ``kind`` must agree where a table states it: START or STOP.
    """

    time: float
    subject: str
    code: str
    modifiers: str
    kind: str = ''
    comment: str = ''


class Observation(NamedTuple):
    """How to get its events, and the videos of its segments, given its place.

    ``has_tiers`` is whether the categories of states are tiers; ``tool`` is where a
    mistake is corrected.
    """

    events: Callable[[str], Iterable[Event]]
    videos: Callable[[Sequence[Segment], str], Iterable[VideoSegments]]
    ethogram: Ethogram = Ethogram()
    has_tiers: bool = False
    tool: str = 'BORIS'


def event_reader(
    observations_of: Callable[[FilePath], Mapping[str, Observation]],
) -> Callable[..., list[VideoSegments]]:
    """Return a reader of what a function finds in a file: observations by name."""

    def read(
        path: FilePath,
        *,
        observation: str | Sequence[str] | None = None,
        subject: str | None = None,
        point_seconds: float | None = None,
        strict: bool = False,
        notes: list[str] | None = None,
    ) -> list[VideoSegments]:
        """Return the states of each video in a project, or in a table of events.

        A video is named after its media file, or after the observation if it is live.
        Observations that do not fit are skipped as a whole, with a note: those that
        lack the subject or have several subjects, have a state without an end, label
        the same video as another one, or have no events to read.

        Args:
            path: The file.
            observation: Read only this observation, or these; each of them must fit.
            subject: The subject to read; an empty text is BORIS' "No focal subject".
                ``each`` reads all, and a modifier that names one as the target.
            point_seconds: Read point events as well, each as a segment that begins
                there and lasts so many seconds, or 0; otherwise a note counts them.
            strict: Whether an observation that does not fit is an error.
            notes: See :func:`~mmskelseg_io.labels.read_segments`.
        """
        found = observations_of(path)
        names, length = list(found), _point_length(point_seconds, path)
        if observation is not None:
            key = 'observation'
            names = choose_several(observation, names, path, key, key)
        remedy = 'choose one of the two by --label-option observation=NAME'
        strict = strict or bool(observation)
        parts = FoundVideos(path, 'observations', remedy, strict, notes)
        # Number of point events in observations with and without states.
        points: Counter[bool] = Counter()
        for name in names:
            place = f'{path}: observation {name!r}'
            with parts.part(repr(name), place) as videos:
                one = found[name]
                events = list(one.events(place))
                segments = state_segments(events, one, subject, length, place)
                points[bool(segments)] += sum(event.kind == POINT for event in events)
                of_name = one.videos(segments, place)
                videos += [replace(video, ethogram=one.ethogram) for video in of_name]
        remedy = 'duration; --label-option point_seconds=0.1 reads each as 0.1 seconds'
        if length is None and points.total() and parts.is_empty:
            found_only = f'only {points.total()} point events, which have no {remedy}.'
            raise UserError(f'{path}: no states, {found_only}')
        if length is None and points[True]:
            skipped = f'{points[True]} point events are skipped, since they have no'
            add_note(f'{path}: {skipped} {remedy}', notes)
        return parts.read()

    return read


def _point_length(seconds: float | None, path: FilePath) -> float | None:
    if seconds is None:
        return None
    length = number(seconds, str(path), 'point_seconds')
    if length < 0:
        expected = 'the length in seconds of each point event, or 0 for a moment'
        raise misfit(path, 'point_seconds', length, expected)
    return length


def state_segments(
    events: Iterable[Event],
    observation: Observation,
    subject: str | None,
    length: float | None,
    place: str,
) -> list[Segment]:
    """Return the segments of a subject: its states, and its points of a length."""
    ethogram, has_points = observation.ethogram, length is not None
    events = [event for event in events if has_points or event.kind != POINT]
    known = {*ethogram.subjects, *(event.subject for event in events)}
    wanted = NO_SUBJECT if subject == '' else subject
    events = of_subject(events, wanted, place, lambda one: one.subject or NO_SUBJECT)
    running: dict[tuple[str, str, str], Event] = {}
    segments = []
    for event in sorted(events, key=lambda event: event.time):
        start, end = event.time, event.time + (length or 0)
        comments = [event.comment]
        if event.kind != POINT:
            key = (event.subject, event.code, event.modifiers)
            expected = 'STOP' if key in running else 'START'
            if event.kind not in ('', expected):
                raise UserError(
                    f'{place}: the state {event.code!r} has a {event.kind}, not a '
                    f'{expected}, at {event.time:.3f} s; correct it in '
                    f'{observation.tool}.'
                )
            if key not in running:
                running[key] = event
                continue
            first = running.pop(key)
            start, end, comments = first.time, event.time, [first.comment, *comments]
        label, tier = class_and_tier(
            event.code,
            ethogram.categories.get(event.code, ''),
            observation.has_tiers and event.kind != POINT,
        )
        # Segments have no lines.
        lines = [' '.join(one.split()) for one in (event.modifiers, *comments)]
        remarks = (one for one in lines[1:] if one and not _CONFIDENCE.fullmatch(one))
        texts = {'modifiers': lines[0], 'comment': '; '.join(dict.fromkeys(remarks))}
        if subject == EACH_SUBJECT:
            target, _, rest = texts['modifiers'].partition('|')
            if target in known:
                texts |= {'target': target, 'modifiers': rest}
            texts['individual'] = event.subject
        segments.append(
            make_segment(place, start, end, label, None, tier=tier, **texts)
        )
    for (_, code, _), event in running.items():
        raise UserError(
            f'{place}: the state {code!r} that starts at {event.time:.3f} s has no '
            'end; add its stop event, with the same subject and modifiers.'
        )
    return segments


def class_and_tier(code: str, category: str, is_tier: bool) -> tuple[str, str]:
    """Return the class and the tier that a behavior of a category stands for."""
    tier = category.partition(GROUP)[0] if is_tier else category
    if tier and code.startswith(class_name('', tier)):
        return code.removeprefix(class_name('', tier)), tier
    return code, tier if is_tier else ''
