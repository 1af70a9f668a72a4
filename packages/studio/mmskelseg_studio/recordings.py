"""The recordings in a folder: videos, poses, annotation files, and their labels."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmskelseg_io.converters.keypoint_videos import (
    Labels,
    find_labels,
    joined_individuals,
    pair,
)
from mmskelseg_io.converters.label_individuals import by_individual
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.clips import assumptions
from mmskelseg_io.files.formats import suffix_of
from mmskelseg_io.files.inputs import check_fps, is_file
from mmskelseg_io.files.names import STUDIO, project_of
from mmskelseg_io.files.video import VideoFile, is_video
from mmskelseg_io.inputs import LabelInput, PoseInput
from mmskelseg_io.labels import ClassInfo, read_ethogram, tiers_to_segments
from mmskelseg_io.labels.reading import ETHOGRAM_FORMATS, LABEL_FORMATS
from mmskelseg_io.labels.segments import NoLabelsError
from mmskelseg_io.messages.errors import (
    CONTROL,
    MissingFileError,
    UserError,
    escaped,
    system_fault,
)
from mmskelseg_io.messages.progress import progress_bar
from mmskelseg_io.objects.reading import is_detected
from mmskelseg_io.poses import Poses, in_pixels_of, with_rate, with_size
from mmskelseg_io.poses.reading import POSE_FORMATS, is_poses, video_of
from mmskelseg_io.poses.tracking import everybody
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.individuals import part_name
from mmskelseg_io.structures.tiers import tiers_of

#: Poses that are estimated lie in this folder within the latter.
ESTIMATED = 'estimated'
_ANNOTATIONS = ('.pkl', '.pickle')
# Files that state classes and may have labels as well.
_WITH_LABELS = ('.boris', '.boris.gz', '.json', '.eaf')


@dataclass(frozen=True)
class FoundRecording:
    """One row of labels: a video, its poses, or both; or an entry of a file.

    Attributes:
        entry: That of an annotation file, ``source``, whose metainfo is ``metainfo``.
        individual: Whose labels these are, if there are poses of several.
        of: The name of the recording of several individuals.
    """

    name: str
    video: Path | None = None
    poses: Path | None = None
    entry: VideoAnnotation | None = None
    metainfo: Metainfo | None = None
    source: Path | None = None
    individual: str = ''
    of: str = ''

    @property
    def has_poses(self) -> bool:
        """Whether there are poses."""
        return self.poses is not None or self.entry is not None


def find_recordings(
    folder: Path, notes: list[str], others: Iterable[str | os.PathLike] = ()
) -> tuple[dict[str, FoundRecording], list[Path], list[ClassInfo]]:
    """Return the recordings by name, the files of labels, and the classes of files.

    What cannot be used is noted, since folders hold much else. ``others`` are files and
    folders of something else.

    Raises:
        UserError: If nothing can be used.
    """
    found: dict[str, FoundRecording] = {}
    labels: list[Path] = []
    infos: list[ClassInfo] = []
    apart = {Path(path).resolve() for path in others}
    files = [
        path
        for path in _files(folder, notes)
        if not apart & {path.resolve(), path.resolve().parent}
    ]
    # The videos of an annotation file are those of its entries.
    for path in sorted(files, key=lambda one: suffix_of(one) not in _ANNOTATIONS):
        try:
            if suffix_of(path) in _ANNOTATIONS:
                _add_entries(found, path, notes)
            elif is_video(path):
                _add(found, FoundRecording(path.stem, video=path))
            elif is_detected(path):
                note = f'{path}: has objects; to see them, start the studio with'
                notes.append(f'{note} --objects {path}')
            elif own := _classes(path, notes):
                infos += own
                labels += [path] * (suffix_of(path) in _WITH_LABELS)
            elif _is_labels(path):
                labels.append(path)
            elif is_poses(path):
                _add(found, FoundRecording(video_of(path), poses=path))
        except UserError as error:
            notes.append(f'left out: {error}')
    if not found:
        raise UserError(
            f'{folder}: has no videos, no poses and no annotations.pkl that can be '
            'used, nor have the folders in it; name a folder that does.'
            + ''.join(f' {note}' for note in notes[:1])
        )
    return found, labels, infos


def _classes(path: Path, notes: list[str]) -> list[ClassInfo]:
    """Return the classes that a file states, if it is a known file that does."""
    if path.is_dir() or suffix_of(path) not in ETHOGRAM_FORMATS.suffixes:
        return []
    try:
        ETHOGRAM_FORMATS.recognise(path)
    except UserError:
        return []
    return read_ethogram(path, notes=notes)


def _add_entries(
    found: dict[str, FoundRecording], path: Path, notes: list[str]
) -> None:
    data = load_annotations(path)
    if 'assumed' in data['metainfo']:
        notes.append(f'{path}: {assumptions(data["metainfo"]["assumed"])}')
    for entry in data['annotations']:
        name = entry['frame_dir']
        if name in found:
            raise UserError(
                f'{path}: another file has a recording {name!r} as well; leave one of '
                'the two in the folder.'
            )
        video = path.parent / entry['filename'] if 'filename' in entry else None
        there = video if video and is_file(video) else None
        meta = data['metainfo']
        found[name] = FoundRecording(
            name, there, entry=entry, metainfo=meta, source=path
        )


def _files(folder: Path, notes: list[str]) -> Iterator[Path]:
    """Yield what is in a folder and, one level deep, in its folders."""
    paths = [
        one
        for one in sorted(folder.iterdir())
        if one.name != STUDIO and project_of(one.name) is None
    ]
    estimated = folder / STUDIO / ESTIMATED / 'poses'
    if estimated.is_dir():
        paths.append(estimated)
    for path in paths:
        inside = [path]
        try:
            is_one = path.name.startswith('.') or is_poses(path) or is_detected(path)
            if path.is_dir() and not is_one:
                inside = sorted(path.iterdir())
        except OSError as error:
            notes.append(f'left out: {escaped(system_fault(error, path))}')
            continue
        for one in inside:
            if one.name.startswith('.'):
                continue
            # The names of folders go into files, too.
            if CONTROL.search(os.path.realpath(one)):
                notes.append(f'left out: {escaped(str(one))}; rename it')
            elif not (is_file(one) or os.path.isdir(one)):
                notes.append(f'left out: {one} is a pipe, or leads nowhere')
            else:
                yield one


def check_own(folder: Path) -> None:
    """Raise a UserError if there is no folder, or a link in the studio's own in it.

    The studio and the programs that it runs would write through it, into whatever it
    leads to.
    """
    if not folder.is_dir():
        raise MissingFileError(
            f'{folder}: there is no such folder; name one with videos or poses.'
        )
    work = folder / STUDIO
    inside = (
        Path(place, name)
        for place, *found in os.walk(work)
        for names in found
        for name in names
    )
    for path in (work, *inside):
        is_own = path.is_dir() or path.is_file() or not path.exists()
        if path.is_symlink() or not is_own:
            raise UserError(
                f'{path}: is a link or a pipe, through which the studio would write '
                'elsewhere; remove it.'
            )


def _is_labels(path: Path) -> bool:
    suffix = suffix_of(path)
    if path.is_dir() or suffix not in LABEL_FORMATS.suffixes:
        return False
    if suffix not in POSE_FORMATS.file_suffixes:
        return True
    try:
        # Any table may be one of joints.
        if POSE_FORMATS.recognise(path) != 'csv':
            return False
        find_labels([path], LabelInput(person=EACH))
    except UserError:
        return suffix == '.json'
    return True


def _add(found: dict[str, FoundRecording], new: FoundRecording) -> None:
    """Add a video or poses to the recording of the same name, if there is one."""
    old = found.get(new.name)
    if old is None:
        found[new.name] = new
        return
    video = old.video or new.video
    if old.entry is not None:
        # The entry has the poses.
        found[new.name] = replace(old, video=video)
        return
    if (old.video and new.video) or (old.poses and new.poses):
        raise UserError(
            f'{new.video or new.poses}: has the same name as '
            f'{old.video if new.video else old.poses}; rename one of them.'
        )
    found[new.name] = replace(old, video=video, poses=old.poses or new.poses)


def opened(
    recordings: Sequence[FoundRecording], given: PoseInput, errors: list[UserError]
) -> Iterator[tuple[FoundRecording, int, float]]:
    """Yield recordings, and number and rate of their frames.

    Folders have tables and the like that are no poses; of what cannot be read, the
    error is appended. A video whose poses cannot be read is a recording without poses.
    """
    with progress_bar('Opening recordings', len(recordings)) as count:
        for one in recordings:
            parts = [one]
            if one.video is not None and one.poses is not None:
                parts.append(replace(one, poses=None))
            for part in parts:
                try:
                    yield part, *length_of(part, given)
                    break
                except UserError as error:
                    errors.append(error)
            count(1)


def apart(
    recordings: Iterable[FoundRecording], given: PoseInput, errors: list[UserError]
) -> dict[str, FoundRecording]:
    """Return recordings by name, each individual as one, if a file has several.

    If two would have the same name, an error is appended for the second one.
    """
    found: dict[str, FoundRecording] = {}
    for part in (own for one in recordings for own in _individuals(one, given, errors)):
        old = found.setdefault(part.name, part)
        if old is not part:
            first, second = (
                f'{one.individual!r} of {one.of!r}' if one.of else 'the recording'
                for one in (old, part)
            )
            errors.append(
                UserError(
                    f'{part.poses or part.video or part.name}: {second} has the name '
                    f'{part.name!r}, which {first} has already; rename one of them.'
                )
            )
    return found


def _individuals(
    recording: FoundRecording, given: PoseInput, errors: list[UserError]
) -> Iterator[FoundRecording]:
    """Yield the individuals of a recording, if it has poses of several."""
    names: tuple[str, ...] = ()
    if recording.poses is not None:
        try:
            names = everybody(load_poses(recording, given)).people
        except UserError as error:
            errors.append(error)
    if len(names) < 2:
        yield recording
        return
    of = recording.name
    for name in names:
        yield replace(recording, name=part_name(of, name), individual=name, of=of)


def length_of(recording: FoundRecording, given: PoseInput) -> tuple[int, float]:
    """Return the number of frames of a recording, and how many a second has."""
    if recording.entry is not None:
        return int(recording.entry['total_frames']), float(recording.entry['fps'])
    if recording.poses is None:
        assert recording.video is not None
        file = VideoFile.open(recording.video)
        return file.frames, check_fps(file.fps, str(recording.video))
    poses = load_poses(recording, given)
    assert poses.fps is not None
    return poses.keypoint.shape[1], poses.fps


def load_poses(recording: FoundRecording, given: PoseInput) -> Poses:
    """Return the poses of everybody, at their rate and in pixels of the video."""
    assert recording.poses is not None
    video = VideoFile.open(recording.video) if recording.video else None
    poses = given.read(recording.poses, video.img_shape if video else None)
    if video is not None:
        poses = in_pixels_of(poses, video, str(recording.poses))
    return with_size(with_rate(poses, video, given.fps, str(recording.poses)))


def labels_of(
    recordings: Sequence[FoundRecording],
    files: Sequence[Path],
    given: LabelInput,
    notes: list[str],
) -> dict[str, list[Labels]]:
    """Return the labels that each file has for recordings, by their names."""
    found: dict[str, list[Labels]] = {}
    for one in recordings:
        if one.entry is not None and one.metainfo is not None:
            tiers, path = tiers_of(one.metainfo), one.source or Path(one.name)
            its = tiers_to_segments(one.entry['label'], one.entry['fps'], tiers)
            found[one.name] = [Labels(one.name, its, path=path)]
    # Labels are of recordings, in which individuals are named.
    named = {one.of or one.name for one in recordings}
    for name, item in _of_files(named, files, given, notes):
        parts = by_individual(item, given)
        own = {
            one.individual.casefold(): one.name
            for one in recordings
            if name in (one.of, one.name)
        }
        for who, part in parts.items():
            key = '' if len(parts) == 1 and '' in own else who.casefold()
            if key in own:
                found.setdefault(own[key], []).append(part)
            else:
                notes.append(
                    f'{part.path}: has labels of {who!r}, of whom there are no poses'
                )
    return found


def _of_files(
    names: Collection[str], files: Sequence[Path], given: LabelInput, notes: list[str]
) -> Iterator[tuple[str, Labels]]:
    """Yield the labels in files, with the names of their recordings.

    Several files may have labels of a recording.
    """
    read: list[list[Labels]] = []
    for file in files:
        try:
            labels, more = find_labels([file], given)
            notes += more
            for item in labels:
                # Raises an error for labels of several individuals that nobody wants.
                by_individual(item, given)
            read.append(labels)
        except NoLabelsError as error:
            if not _classes(file, []):
                notes.append(f'left out: {error}')
        except UserError as error:
            notes.append(f'left out: {error}')
    if given.each:
        try:
            read = [joined_individuals(item for labels in read for item in labels)]
        except UserError as error:
            notes.append(f'labels are left out: {error}')
            return
    for labels in filter(None, read):
        try:
            pairs, lonely = pair({n: Path(n) for n in names}, labels, skip=True)
        except UserError as error:
            notes.append(f'labels are left out: {error}')
            continue
        # The others are of recordings, whose labels may be in another file.
        notes += lonely[: len(labels) - len(pairs)]
        yield from ((str(path), item) for _, path, item in pairs)
