"""Recordings from files of labels, annotations and predictions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from pickletools import genops
from typing import Any, NamedTuple

import numpy as np

from mmskelseg_io.converters.keypoint_videos import Labels, find_labels, line_segments
from mmskelseg_io.converters.label_individuals import by_individual
from mmskelseg_io.converters.label_tiers import find_tiers
from mmskelseg_io.entry_points import function
from mmskelseg_io.files.annotations import load_annotations, load_observers
from mmskelseg_io.files.inputs import is_file
from mmskelseg_io.files.names import find_named
from mmskelseg_io.files.video import VIDEO_SUFFIXES, VideoFile
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.labels import ClassInfo, VideoSegments
from mmskelseg_io.labels.bouts import annotated, read_prediction, stated_by, to_bouts
from mmskelseg_io.labels.reading import infos_of, label_format
from mmskelseg_io.labels.segments import (
    Classes,
    by_tier,
    clip_segments,
    painted,
    tiers_to_segments,
)
from mmskelseg_io.messages.counts import counted, listed
from mmskelseg_io.messages.dependencies import DependencyError
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.tiers import Tier, tiers_of
from mmskelseg_io.structures.whole import whole
from mmskelseg_runtime.drawing.palette import REST, class_colors

# Lengths of a recording that differ by more seconds contradict each other.
_SLACK = 1.0


@dataclass(frozen=True)
class Recordings:
    """The bouts of recordings by their names, their classes, and notes to the user.

    ``colors`` are those of the classes of all tiers, ``paths`` the files of recordings.
    """

    bouts: Mapping[str, Bouts]
    classes: Classes
    notes: Sequence[str]
    colors: Sequence[str]
    paths: Mapping[str, Path]


class Recording(NamedTuple):
    """Segments, their file, and the class names that it states."""

    video: VideoSegments
    path: Path
    classes: Classes


@dataclass(frozen=True)
class Sources:
    """What several sources, such as observers, say of recordings.

    Attributes:
        recordings: Those of each source, by their names.
        classes: Those of all.
        background: Class of unlabelled time, in the tiers that have it.
        absences: Class of unlabelled time in further tiers, by their names.
        notes: Notes to the user.
        infos: What files state of classes.
    """

    recordings: Sequence[Mapping[str, Recording]]
    classes: Classes
    background: str | None
    absences: Mapping[str, str]
    notes: list[str]
    infos: Sequence[ClassInfo] = ()

    @property
    def colors(self) -> list[str]:
        """The colors of the classes of all tiers: those that files state, or of ids."""
        every = (one for own in self.recordings for one in own.values())
        rests = {pair for one in every for pair in one.video.rests}
        grey = (ClassInfo(name, tier, color=REST) for tier, name in rests)
        return class_colors(painted(self.tiers, [*self.infos, *grey]))

    @property
    def tiers(self) -> list[Tier]:
        """The tiers, whose background is the class of unlabelled time."""
        classes, found = by_tier(self.classes), {}
        for tier, names in classes.items():
            name = self.absences.get(tier, self.background)
            found[tier] = name if name in names else None
        return tiers_of({'tiers': classes, 'background': found})

    def bouts(self, one: Recording, duration: float | None) -> Bouts:
        """Return the bouts of a recording, which lasts so many seconds."""
        return to_bouts(
            one.video,
            self.classes,
            f'{one.path}: video {one.video.name!r}',
            background=self.background,
            absences=self.absences,
            duration=duration,
        )


def read_recordings(
    paths: Sequence[Path],
    given: LabelInput,
    background: str | None = None,
    duration: float | None = None,
) -> Recordings:
    """Return the recordings of files and folders.

    Args:
        paths: Label files, files and folders of `mmskelseg segment` and `mmskelseg
            studio`, annotation files, dumps of `mmskelseg test`.
        given: How label files are read, with each individual.
        background: See :func:`~mmskelseg_io.labels.bouts.to_bouts`.
        duration: Seconds that each recording lasts, whatever its file states.

    Raises:
        UserError: If there are no labels, or not those of such recordings.
    """
    read = read_sources([paths], given, background, duration, is_whole=True)
    (found,), notes = read.recordings, read.notes
    bouts = {name: read.bouts(one, duration) for name, one in found.items()}
    notes += _contradictions(found, duration)
    if duration is None:
        unknown = sum(one.video.seconds is None for one in found.values())
        notes += _unknown_length(unknown, read.absences)
    notes += _unobserved(bouts, len(by_tier(read.classes)))
    files = {name: one.path for name, one in found.items()}
    return Recordings(bouts, read.classes, notes, read.colors, files)


def _contradictions(
    found: Mapping[str, Recording], duration: float | None
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


def read_sources(
    sources: Iterable[Sequence[Path]],
    given: LabelInput,
    background: str | None,
    duration: float | None = None,
    *,
    is_whole: bool = False,
) -> Sources:
    """Return the recordings in the files and folders of each source.

    In label files, classes that overlap in any source are of different tiers, as in
    `convert`, and each individual is a recording. Those of label files are cut at the
    end, which is after ``duration`` seconds, or else as files state. With ``is_whole``,
    parts of a recording in annotation files are one.

    Raises:
        UserError: If a file cannot be read, or a source has two recordings of a name.
    """
    found: list[dict[str, Recording]] = []
    notes: list[str] = []
    of_files: list[tuple[dict[str, Recording], Labels]] = []
    infos: list[ClassInfo] = []
    for paths in sources:
        own: dict[str, Recording] = {}
        found.append(own)
        for path in _files(paths):
            videos, stated, parts = _read(path, given, notes, is_whole)
            of_files += [(own, one) for one in parts]
            for video in videos:
                if video.name in own:
                    raise UserError(
                        f'{own[video.name].path} and {path} both have the recording '
                        f'{video.name!r}; name one of them.'
                    )
                own[video.name] = Recording(video, path, stated)
            infos += infos_of(path, videos)
    tiers = find_tiers([one for _, one in of_files], given)
    for own, one in of_files:
        video = own[one.name].video
        placed = replace(video, segments=tiers.placed(video.segments))
        own[one.name] = own[one.name]._replace(video=placed)
    notes += _cut(of_files, duration, given)
    absences = {
        tier.name: tier.classes[tier.background]
        for tier in tiers.tiers
        if tier.name in tiers.implied and tier.background is not None
    }
    every = [recording for own in found for recording in own.values()]
    classes = _classes(every, background, absences)
    notes += tiers.notes
    return Sources(found, classes, background, absences, notes, infos)


def _cut(
    of_files: Iterable[tuple[dict[str, Recording], Labels]],
    duration: float | None,
    given: LabelInput,
) -> Iterator[str]:
    """Cut labels at the end of recordings, and yield how many are cut."""
    counts = []
    for own, one in of_files:
        video = own[one.name].video
        seconds = duration or video.seconds
        if seconds is not None:
            segments = video.segments
            segments, count = clip_segments(segments, seconds, anyhow=given.clip_labels)
            video = replace(video, segments=segments)
            own[one.name] = own[one.name]._replace(video=video)
            counts += [count] * (count > 0)
    if counts:
        yield (
            f'{counted(sum(counts), "label")} of {counted(len(counts), "recording")} '
            'cut, since they end over a second after it'
        )


def read_observers(
    path: Path, background: str | None
) -> tuple[list[str], Sources] | None:
    """Return the names of observers of an annotation file, and what they labelled.

    Return None if the file does not have several.
    """
    found = {}
    for who, data in load_observers(path).items():
        videos, stated = annotated(data)
        found[who] = {v.name: Recording(v, path, stated) for v in videos}
    if len(found) < 2:
        return None
    every = [one for own in found.values() for one in own.values()]
    classes = _classes(every, background, {})
    infos = infos_of(path, (one.video for one in every))
    sources = [*found.values()]
    return [*found], Sources(sources, classes, background, {}, [], infos)


def paired(
    sources: Mapping[str, Mapping[str, Recording]],
) -> tuple[dict[str, dict[str, Recording]], list[str]]:
    """Return the recordings that several observers have, by name, and notes.

    Those without a partner of their name may have one whose name contains theirs, or is
    part of it; or each observer has a single recording.

    Raises:
        UserError: If observers have no recording in common.
    """
    found: dict[str, dict[str, Recording]] = {}
    for who, own in sources.items():
        for name, one in own.items():
            found.setdefault(name, {})[who] = one
    notes = []
    is_single = all(len(own) == 1 for own in sources.values())
    # The names of the first observers stay.
    for name in reversed([*found]):
        (who, one), *others = found[name].items()
        partners = [
            other
            for other, own in found.items()
            if who not in own
            and not others
            and (
                is_single
                or find_named(name, [(other, one.path)])
                or find_named(other, [(name, one.path)])
            )
        ]
        if len(partners) == 1 or (partners and is_single):
            del found[name]
            found[partners[0]][who] = one
            notes.append(f'{name!r} of {who} is compared with {partners[0]!r}')
    alone = {name: next(iter(own)) for name, own in found.items() if len(own) == 1}
    if len(alone) == len(found):
        each = (f'{who}: {listed(sorted(own))}' for who, own in sources.items())
        raise UserError(
            f'Observers have no recording in common ({"; ".join(each)}); recordings '
            'are paired by name, so rename them.'
        )
    for who in sources:
        if lonely := [name for name, own in alone.items() if own == who]:
            notes.append(
                f'{who} alone has {counted(len(lonely), "recording")}, left out: '
                f'{listed(sorted(lonely))}'
            )
    return {name: own for name, own in found.items() if name not in alone}, notes


def _read(
    path: Path, given: LabelInput, notes: list[str], is_whole: bool
) -> tuple[list[VideoSegments], Classes, list[Labels]]:
    """Return what a file has: recordings, class names, and labels without tiers yet."""
    if path.suffix in ('.pkl', '.pickle'):
        if is_dump(path):
            return *_read_dump(path, given), []
        data = load_annotations(path)
        return *annotated(whole(data) if is_whole else data), []
    read_project = function('read_project')
    if read_project and (project := read_project(path)) is not None:
        return *project, []
    if (read := read_prediction(path)) is not None:
        return [read[0]], read[1], []
    labels, more = find_labels([path], given)
    labels = [_of_media(one, notes) for one in labels]
    notes += more
    parts = [part for one in labels for part in _individuals(one, given)]
    return [_video(one, given.label_fps) for one in parts], (), parts


def is_dump(path: Path) -> bool:
    """Return whether a pickle has a list, as those of `test --dump`."""
    with suppress(OSError, ValueError), path.open('rb') as file:
        names = (code.name for code, _, _ in genops(file))
        return next(n for n in names if n not in ('PROTO', 'FRAME')) == 'EMPTY_LIST'
    return False


def _load_dump(path: Path) -> Mapping[str, Mapping[str, Any]]:
    load = function('load_dump')
    if load is None:
        raise DependencyError(
            f'{path}: predictions of `mmskelseg test` are read by the package '
            'mmskelseg, which is not installed; install it.'
        )
    return load(path)


def _read_dump(path: Path, given: LabelInput) -> tuple[list[VideoSegments], Classes]:
    """Return the predicted segments of a dump, and its classes."""
    videos: list[VideoSegments] = []
    classes: Classes = ()
    for name, sample in _load_dump(path).items():
        fps = given.label_fps
        if fps is None or not sample.get('classes'):
            lacks, remedy = 'the names of its classes', 'dump the test again'
            if fps is None:
                lacks, remedy = 'a frame rate', 'give it with --label-fps'
            raise UserError(f'{path}: video {name!r} is without {lacks}; {remedy}.')
        label = np.asarray(sample['pred_label'])
        tiers = tiers_of(sample)
        segments = tiers_to_segments(label, fps, tiers)
        about = stated_by(tiers)
        videos.append(VideoSegments(name, segments, fps, label.shape[-1], **about))
        classes = sample.get('tiers') or list(sample['classes'])
    return videos, classes


def _of_media(labels: Labels, notes: list[str]) -> Labels:
    """Return labels with the length of the video that they name, if it is there.

    Videos are looked for where the file says, and beside it. What the file states
    counts, and a note says if the video differs.
    """
    media = (labels.filename or '').removeprefix('file://')
    beside = labels.path.parent / Path(media.replace('\\', '/')).name
    for path in (Path(media), labels.path.parent / media, beside):
        if path.suffix.lower() not in VIDEO_SUFFIXES or not is_file(path):
            continue
        with suppress(UserError):
            seconds = VideoFile.open(path).seconds
            stated = labels.seconds
            if stated is not None and abs(stated - seconds) > _SLACK:
                notes.append(
                    f'{labels.path} states that {labels.name!r} lasts {stated:.1f} s, '
                    f'but {path} lasts {seconds:.1f} s; the former counts, unless '
                    '--duration SECONDS is given.'
                )
            return replace(labels, duration=seconds) if stated is None else labels
    return labels


def _video(labels: Labels, fps: float | None) -> VideoSegments:
    """Return the segments of labels, of which lines have ``fps`` a second."""
    if not labels.lines:
        return labels
    segments = line_segments(labels, fps)
    return VideoSegments(labels.name, segments, fps, len(labels.lines))


def _individuals(labels: Labels, given: LabelInput) -> Iterator[Labels]:
    """Yield the labels of each individual, named after it where there are others.

    Tables may have each in a file of its own.
    """
    found = by_individual(labels, given)
    kind = given.label_format or label_format(labels.path)
    is_named = len(found) > 1 or kind == 'csv'
    for name, own in found.items():
        end = f'_{name}' if name and is_named else ''
        yield replace(own, name=own.name.removesuffix(end) + end)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and for folders of `segment` and the studio those in them."""
    for path in paths:
        kinds = ('*segments.json', '*segments.csv', 'studio.json')
        inside = (sorted(path.glob(kind)) for kind in kinds if path.is_dir())
        yield from next(filter(None, inside), [path])


def _classes(
    recordings: Sequence[Recording],
    background: str | None,
    absences: Mapping[str, str],
) -> Classes:
    """Return the classes: those that files state first, then others, sorted.

    The background is a class of the tiers that have it, or else of all.
    """
    stated = [by_tier(one.classes) for one in recordings]
    pairs = [(t, name) for own in stated for t, names in own.items() for name in names]
    used = {(s.tier, s.label) for one in recordings for s in one.video.segments}
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
