"""Pairs poses, labels and videos by name, and combines them at the poses' rate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmskelseg_io.files.formats import suffix_of
from mmskelseg_io.files.inputs import look_into
from mmskelseg_io.files.names import find_named, is_of_studio
from mmskelseg_io.files.parsing import read_text, release_lines
from mmskelseg_io.files.video import VideoFile
from mmskelseg_io.inputs import LabelInput, PoseInput
from mmskelseg_io.labels import (
    READERS,
    Segment,
    VideoSegments,
    frame_at,
    label_format,
    labels_to_segments,
    read_segments,
)
from mmskelseg_io.labels.reading import LABEL_FORMATS, reader_options
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses, choose_person, with_rate
from mmskelseg_io.poses.reading import POSE_FORMATS, is_poses, video_of
from mmskelseg_io.poses.tracking import everybody
from mmskelseg_io.structures.choices import EACH


@dataclass(frozen=True)
class Labels(VideoSegments):
    """Labels of one video: segments in seconds, or a line for each frame.

    ``name`` is that in the label file, ``path``, or the name of the file.
    """

    path: Path = Path()
    lines: tuple[str, ...] = ()


def find_keypoints(paths: Iterable[Path]) -> dict[str, Path]:
    """Return the keypoint file, or OpenPose folder, of each video.

    Folders are searched one level deep.
    """
    found: dict[str, Path] = {}
    suffixes = ', '.join(POSE_FORMATS.file_suffixes)
    kinds = f'keypoint file ({suffixes}) and no OpenPose folder'
    for path in look_into((p for p in paths if not is_of_studio(p)), is_poses, kinds):
        name = video_of(path)
        if name in found:
            by_suffix = path.suffix != found[name].suffix
            example = f', for example by {path.parent}/*{path.suffix}' * by_suffix
            raise UserError(
                f'{found[name]} and {path} both belong to the video {name}; name one '
                f'of them{example}.'
            )
        found[name] = path
    return found


def find_labels(
    paths: Iterable[Path], given: LabelInput
) -> tuple[list[Labels], list[str]]:
    """Return the labels of each video in files or folders, and notes on skipped parts.

    Each format gets those of the options of readers that it has.
    """
    options, format = given.reader_options(), given.label_format
    known = set().union(*map(reader_options, READERS))
    unknown = sorted(options.keys() - known)
    if unknown:
        raise UserError(
            f'--label-option {unknown[0]}: there is no such option; choose from '
            f'{", ".join(sorted(known - {"fps"}))}.'
        )
    files = look_into(
        paths,
        lambda path: (
            suffix_of(path) in LABEL_FORMATS.suffixes
            and path.is_file()
            # What `mmskelseg segment` writes for programs, beside other files.
            and not path.name.endswith('segments.json')
        ),
        f'label file ({", ".join(LABEL_FORMATS.suffixes)})',
    )
    notes: list[str] = []
    labels = []
    for file in files:
        if format == 'framewise' or (format is None and _is_framewise(file)):
            lines = tuple(release_lines(file))
            labels.append(Labels(file.stem, (), path=file, lines=lines))
            continue
        kind = format or label_format(file)
        own = {key: options[key] for key in reader_options(kind) if key in options}
        videos = read_segments(file, kind, strict=given.strict, notes=notes, **own)
        labels += [Labels(**vars(video), path=file) for video in videos]
    return labels, notes


def joined_individuals(labels: Iterable[Labels]) -> list[Labels]:
    """Return labels in which files of single individuals of a video are one.

    Such are those of ``mmskelseg segment --person each``: ``take1_ann_segments.csv``.
    """
    found: dict[str, Labels] = {}
    files: dict[tuple[str, str], Path] = {}
    joined: list[Labels] = []
    for item in labels:
        people = {segment.individual for segment in item.segments}
        if len(people) != 1 or people == {''}:
            joined.append(item)
            continue
        who = people.pop()
        name = item.name.removesuffix('_segments').removesuffix(f'_{who}')
        file = files.setdefault((name, who), item.path)
        if file != item.path:
            raise UserError(
                f'{file} and {item.path} both have the labels of {who!r} in video '
                f'{name!r}; give one of them.'
            )
        before = found.get(name, replace(item, segments=()))
        segments = (*before.segments, *item.segments)
        found[name] = replace(before, name=name, segments=segments)
    return [*joined, *found.values()]


def _is_framewise(path: Path) -> bool:
    """Return whether each line is a single class name, as in groundTruth."""
    if path.suffix != '.txt':
        return False
    first = read_text(path).partition('\n')[0]
    if any(mark in first for mark in '\t;,'):
        return False
    return LABEL_FORMATS.recognise(path) == 'csv'


def pair(
    keypoints: dict[str, Path], labels: Sequence[Labels], skip: bool
) -> tuple[list[tuple[str, Path, Labels]], list[str]]:
    """Return id, keypoints and labels of each video, and notes on skipped files.

    A video is named after its labels. Its keypoints are the file of this name, or the
    only file with this name in its own. If there is none, the name of the label file is
    tried in the same way, and then keypoints whose name is part of either name, as
    ``take1`` is of ``take1_reencoded`` and ``take1_labels``. Unpaired files are an
    error unless they are to be skipped.
    """
    videos: dict[str, tuple[Path, Labels]] = {}
    without_keypoints = []
    for item in labels:
        name = item.name
        found = find_named(name, keypoints.items())
        if len(found) != 1:
            found = find_named(item.path.stem, keypoints.items())
            if sum(other.name == item.name for other in labels) > 1:
                # Media in several folders may have the same name.
                name = item.path.stem
        if len(found) != 1:
            parts = [(own, item.path) for own in (item.name, item.path.stem)]
            names = [key for key in keypoints if find_named(key, parts)]
            found, name = [keypoints[key] for key in names], (names or [name])[0]
        if len(found) != 1:
            without_keypoints.append(item)
            continue
        same = [other for path, other in videos.values() if path == found[0]]
        if same:
            raise UserError(
                f'{same[0].name} in {same[0].path} and {item.name} in {item.path} both '
                f'label {found[0]} by their names; rename or leave out one.'
            )
        if name in videos:
            raise UserError(
                f'{videos[name][1].path} and {item.path} both label a video called '
                f'{name}; rename one of the two.'
            )
        videos[name] = found[0], item
    used = [path for path, _ in videos.values()]
    without_labels = {name: p for name, p in keypoints.items() if p not in used}
    lonely = [
        *(f'no keypoints of {item.name} in {item.path}' for item in without_keypoints),
        *(f'no labels of {name} ({path})' for name, path in without_labels.items()),
    ]
    if not videos or (lonely and not skip):
        theirs = sorted({item.name for item in without_keypoints})
        raise UserError(
            f'{lonely[0]}, the first of {len(lonely)}: keypoints without labels are '
            f'{listed(sorted(without_labels))}, labels without keypoints '
            f'{listed(theirs)}; rename files, or skip these with --skip-unpaired.'
        )
    return [(name, *videos[name]) for name in sorted(videos)], lonely


def load_poses(
    path: Path, video: VideoFile | None, labels: Labels, given: PoseInput
) -> Poses:
    """Return the poses of the chosen person, or of each, with frame rate.

    With ``given.others``, those of others follow in further rows.

    If only the labels state a frame rate, as in BORIS, it is used.
    """
    poses = given.read(path, video.img_shape if video else None)
    if not (given.fps or poses.fps or video) and labels.fps:
        note = f'poses without a frame rate: {labels.fps:g} fps, as the labels state'
        poses = poses.noting(note, fps=labels.fps)
    poses = with_rate(poses, video, given.fps, str(path))
    if given.person == EACH:
        return everybody(poses)
    return choose_person(poses, given.person, str(path), others=given.others)


def line_segments(labels: Labels, fps: float | None) -> Sequence[Segment]:
    """Return the segments of labels, of which lines have ``fps`` a second."""
    if not labels.lines:
        return labels.segments
    if fps is None:
        raise UserError(
            f'{labels.path}: {len(labels.lines)} lines, one per frame; give their '
            'frame rate with --label-fps.'
        )
    names = list(dict.fromkeys(labels.lines))
    ids = [names.index(line) if line else -1 for line in labels.lines]
    return labels_to_segments(np.array(ids), fps, names)


def count_joined(segments: Iterable[Segment], fps: float) -> int:
    """Return how many segments touch or overlap an earlier one of their class.

    Frame labels cannot tell such segments apart.

    >>> count_joined([Segment(0, 1, 'a'), Segment(1, 2, 'a'), Segment(3, 4, 'a')], 10)
    1
    """
    count = 0
    reached: dict[str, int] = {}
    for segment in sorted(segments, key=lambda segment: segment.start):
        start, end = (frame_at(time, fps) for time in (segment.start, segment.end))
        if start < end:
            before = reached.get(segment.name)
            count += before is not None and start <= before
            reached[segment.name] = max(end, before or end)
    return count
