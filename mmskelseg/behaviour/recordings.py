"""Recordings from files of labels, annotations and predictions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from mmskelseg.converters.keypoint_videos import Labels, find_labels, line_segments
from mmskelseg.converters.label_individuals import by_individual
from mmskelseg.converters.label_tiers import find_tiers
from mmskelseg.runtime.files.inputs import is_file
from mmskelseg.runtime.files.video import VIDEO_SUFFIXES, VideoFile
from mmskelseg.runtime.inputs import LabelInput
from mmskelseg.runtime.labels import VideoSegments
from mmskelseg.runtime.labels.bouts import read_annotated, read_prediction, to_bouts
from mmskelseg.runtime.labels.reading import label_format
from mmskelseg.runtime.labels.segments import Classes, by_tier
from mmskelseg.runtime.messages.counts import counted, listed
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.bouts import Bouts

# Lengths of a recording that differ by more seconds contradict each other.
_SLACK = 1.0


@dataclass(frozen=True)
class Recordings:
    """The bouts of recordings by their names, their classes, and notes to the user."""

    bouts: Mapping[str, Bouts]
    classes: Classes
    notes: Sequence[str]


class _Recording(NamedTuple):
    """Segments, their file, and the class names that it states."""

    video: VideoSegments
    path: Path
    classes: Classes


def read_recordings(
    paths: Sequence[Path],
    given: LabelInput,
    background: str | None = None,
    duration: float | None = None,
) -> Recordings:
    """Return the recordings of files and folders.

    Args:
        paths: Label files, files and folders of `mmskelseg segment`, annotation files.
        given: How label files are read, with each individual.
        background: See :func:`~mmskelseg.runtime.labels.bouts.to_bouts`.
        duration: Seconds that each recording lasts, whatever its file states.

    Raises:
        UserError: If there are no labels, or not those of such recordings.
    """
    found, notes, absences = _read(paths, given)
    classes = _classes(found, background, absences)
    bouts = {
        name: to_bouts(
            one.video,
            classes,
            f'{one.path}: video {name!r}',
            background=background,
            absences=absences,
            duration=duration,
        )
        for name, one in found.items()
    }
    notes += _contradictions(found, duration)
    if duration is None:
        unknown = sum(one.video.seconds is None for one in found.values())
        notes += _unknown_length(unknown, absences)
    notes += _unobserved(bouts, len(by_tier(classes)))
    return Recordings(bouts, classes, notes)


def _contradictions(
    found: Mapping[str, _Recording], duration: float | None
) -> Iterator[str]:
    """Yield which length counts if the option and files state different ones."""
    if duration is None:
        return
    stated = {
        name: one.video.seconds
        for name, one in found.items()
        if one.video.seconds is not None
    }
    others = {n: s for n, s in stated.items() if abs(s - duration) > _SLACK}
    for name, seconds in list(others.items())[:1]:
        yield (
            f'--duration {duration:g} counts, though {found[name].path} states that '
            f'{name!r} lasts {seconds:.1f} s (the first of {len(others)} such '
            'recordings).'
        )


def _unknown_length(count: int, absences: Mapping[str, str]) -> Iterator[str]:
    """Yield what recordings of unknown length mean for the absences of tiers."""
    if count and absences:
        yield (
            f'{counted(count, "recording")} of unknown length: the time of '
            f'{listed([repr(a) for a in absences.values()])} ends with the last label, '
            'and rates and shares refer to that; give --duration SECONDS.'
        )


def _unobserved(bouts: Mapping[str, Bouts], tiers: int) -> Iterator[str]:
    """Yield how much time has no label."""
    whole = sum(one.duration * len(one.tiers) for one in bouts.values())
    rest = whole - sum(float((one.end - one.start).sum()) for one in bouts.values())
    if rest > 1e-3 * whole:
        of_tiers = ' of all tiers' * (tiers > 1)
        yield (
            f'{rest:.1f} s of {whole:.1f} s{of_tiers} have no label and are not '
            'observed time; if they were watched, name their class with --background.'
        )


def _read(
    paths: Sequence[Path], given: LabelInput
) -> tuple[dict[str, _Recording], list[str], dict[str, str]]:
    """Return recordings by their names, notes, and the absences of tiers.

    In label files, classes that overlap are of different tiers, as in `convert`, and
    each individual is a recording.
    """
    found: dict[str, _Recording] = {}
    notes: list[str] = []
    of_files: list[Labels] = []
    for path in _files(paths):
        if path.suffix in ('.pkl', '.pickle'):
            videos, classes = read_annotated(path)
        elif (read := read_prediction(path)) is not None:
            videos, classes = [read[0]], read[1]
        else:
            labels, more = find_labels([path], given)
            labels = [_of_media(one, notes) for one in labels]
            notes += more
            parts = [part for one in labels for part in _individuals(one, given)]
            of_files += parts
            videos, classes = [_video(one, given.label_fps) for one in parts], ()
        for video in videos:
            if video.name in found:
                raise UserError(
                    f'{found[video.name].path} and {path} both have the recording '
                    f'{video.name!r}; name one of them.'
                )
            found[video.name] = _Recording(video, path, classes)
    tiers = find_tiers(of_files, given)
    for one in of_files:
        video = found[one.video].video
        placed = replace(video, segments=tiers.placed(video.segments))
        found[one.video] = found[one.video]._replace(video=placed)
    absences = {
        tier.name: tier.classes[tier.background]
        for tier in tiers.tiers
        if tier.name in tiers.implied and tier.background is not None
    }
    return found, [*notes, *tiers.notes], absences


def _of_media(labels: Labels, notes: list[str]) -> Labels:
    """Return labels with the length of the video that they name, if it is there.

    Videos are looked for where the file says, and beside it. What the file states
    counts, and a note says if the video differs.
    """
    media = (labels.media or '').removeprefix('file://')
    beside = labels.path.parent / Path(media.replace('\\', '/')).name
    for path in (Path(media), labels.path.parent / media, beside):
        if path.suffix.lower() not in VIDEO_SUFFIXES or not is_file(path):
            continue
        with suppress(UserError):
            seconds = VideoFile.open(path).seconds
            stated = labels.duration
            if stated is not None and abs(stated - seconds) > _SLACK:
                notes.append(
                    f'{labels.path} states that {labels.video!r} lasts {stated:.1f} s, '
                    f'but {path} lasts {seconds:.1f} s; the former counts, unless '
                    '--duration SECONDS is given.'
                )
            return replace(labels, duration=seconds if stated is None else stated)
    return labels


def _video(labels: Labels, fps: float | None) -> VideoSegments:
    """Return the segments of labels, of which lines have ``fps`` a second."""
    segments = line_segments(labels, fps)
    if labels.lines:
        return VideoSegments(labels.video, segments, fps, len(labels.lines))
    return VideoSegments(labels.video, segments, labels.fps, duration=labels.duration)


def _individuals(labels: Labels, given: LabelInput) -> Iterator[Labels]:
    """Yield the labels of each individual, named after it where there are others.

    Tables may have each in a file of its own.
    """
    found = by_individual(labels, given)
    kind = given.label_format or label_format(labels.path)
    is_named = len(found) > 1 or kind == 'csv'
    for name, own in found.items():
        end = f'_{name}' if name and is_named else ''
        yield replace(own, video=own.video.removesuffix(end) + end)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and for a folder of `segment` the files of its segments."""
    for path in paths:
        kinds = ('*segments.json', '*segments.csv') if path.is_dir() else ()
        inside = (sorted(path.glob(kind)) for kind in kinds)
        yield from next(filter(None, inside), [path])


def _classes(
    recordings: Mapping[str, _Recording],
    background: str | None,
    absences: Mapping[str, str],
) -> Classes:
    """Return the classes: those that files state first, then others, sorted.

    The background is a class of the tiers that have it, or else of all.
    """
    every = recordings.values()
    stated = [by_tier(one.classes) for one in every]
    pairs = [(t, name) for own in stated for t, names in own.items() for name in names]
    used = {(s.tier, s.label) for one in every for s in one.video.segments}
    pairs += sorted(used.union(absences.items()))
    tiers: dict[str, list[str]] = {}
    for tier, name in dict.fromkeys(pairs):
        tiers.setdefault(tier, []).append(name)
    if background and not any(background in names for names in tiers.values()):
        for tier, names in (tiers or {'': []}).items():
            if tier not in absences:
                tiers[tier] = [*names, background]
    if not tiers:
        raise UserError('No recording has a label; label one first.')
    return tiers[''] if list(tiers) == [''] else tiers
