"""Builds annotation files, and reads the arrays of releases."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg_io.files.annotations import Files, save_annotations
from mmskelseg_io.files.arrays import read_npy
from mmskelseg_io.files.names import find_named
from mmskelseg_io.files.video import is_video
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.counts import counted, listed
from mmskelseg_io.messages.errors import MissingFileError, UserError, misfit, unlike
from mmskelseg_io.messages.options import Positive, argument, option
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.bodies import changed_bodies, frames_of
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_io.structures.tiers import tiers_of

# The summary lists the videos of splits up to this size.
_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class Converter(Job[Path]):
    """Makes the annotation file of a data set, and returns its path."""

    source: Path = argument('folder of the release', metavar='SRC')
    out: Path = argument('folder for annotations.pkl', metavar='OUT')


@dataclass(frozen=True)
class ReleaseOptions:
    """What releases do not state: their rate, folds, and the files of videos."""

    fps: Positive = option(
        'frames per second of poses and labels (default: %(default)g)'
    )
    folds: int = option(
        'add N folds for cross-validation, fold1 to foldN; each tests every Nth video, '
        'from a different start',
        0,
    )
    videos: Path | None = option(
        'folder of the video files, for RGB features; the name of a file is the id of '
        'its video, or the only one that contains this id',
        None,
        metavar='DIR',
    )


def read_array(path: Path) -> np.ndarray:
    """Return the array of a .npy file."""
    try:
        return np.array(read_npy(path))
    except MissingFileError:
        raise MissingFileError(f'{path}: missing; copy the release again.') from None


def read_numbers(
    path: Path, meaning: str, *shapes: Sequence[int | None], kinds: str = 'f'
) -> np.ndarray:
    """Return an array of one of the shapes from a .npy file; None is any length."""
    array = read_array(path)
    fits = any(
        len(shape) == array.ndim
        and all(n in (None, size) for n, size in zip(shape, array.shape, strict=True))
        for shape in shapes
    )
    if not fits or array.dtype.kind not in kinds or not array.size:
        expected = f'{"floats" if kinds == "f" else "numbers"} of shape {meaning}'
        raise misfit(path, 'the content', array, expected)
    return array


def check_finite(path: Path, values: np.ndarray) -> None:
    """Raise a UserError for the first frame of an array (T, ...) that is not finite."""
    wrong = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
    if wrong.size:
        raise UserError(
            f'{path}: a number of frame {wrong[0]} is NaN or infinite, the first of '
            f'{wrong.size} such frames; copy the file again, or put 0 there.'
        )


def check_folder(folder: Path, remedy: str) -> None:
    """Raise a MissingFileError with a remedy if there is no such folder."""
    if not folder.is_dir():
        raise MissingFileError(f'{folder}: no such folder; {remedy}.')


def choose_split(
    wanted: str | None,
    videos: Sequence[str],
    root: Path,
    default: Sequence[str] = (),
    kind: str = 'video',
) -> dict[str, list[str]]:
    """Return train and test: as wanted, those of the release, or every fifth video.

    In ``wanted``, ids are separated by commas, and a leading zero may be omitted.
    """
    if not videos:
        raise UserError(
            f'{root}: there are no {kind}s in it; name the folder that has them.'
        )
    names = wanted.split(',') if wanted else default or videos[4::5] or videos[-1:]
    names = [name.strip() for name in names if name.strip()]
    test = sorted({name if name in videos else name.zfill(2) for name in names})
    missing = [video for video in test if video not in videos]
    if missing:
        raise UserError(
            f'{root}: the test {kind}s {", ".join(missing)} are not among the '
            f'{len(videos)} here ({", ".join(videos)}); choose others with --test.'
        )
    if len(test) == len(videos):
        raise UserError(
            f'{root}: no {kind} is left to train on, since all are test {kind}s '
            f'({", ".join(test)}); name fewer with --test, or add {kind}s.'
        )
    return split_by_test(videos, test)


def annotation(
    shared: VideoAnnotation,
    name: str,
    keypoint: np.ndarray,
    score: np.ndarray,
    label: np.ndarray,
) -> VideoAnnotation:
    """Return the annotation of a video: its arrays, and what videos have in common.

    Shapes: keypoint (M, T, V, 2), score (M, T, V), label (T,) or (tiers, T).
    """
    return {
        **shared,
        'frame_dir': name,
        'total_frames': keypoint.shape[1],
        'keypoint': keypoint,
        'keypoint_score': score,
        'label': label,
    }


def split_by_test(videos: Sequence[str], test: Sequence[str]) -> dict[str, list[str]]:
    """Return the training and the test videos."""
    return {'train': [v for v in videos if v not in test], 'test': list(test)}


def split_in_time(
    video: VideoAnnotation,
) -> tuple[list[VideoAnnotation], dict[str, list[str]], str]:
    """Return the parts of a recording as videos, the splits, and a note.

    The first seven tenths are for training, the last quarter is for testing. The part
    between them is in neither, since neighbouring frames are alike.
    """
    frames = video['total_frames']
    train, test = frames * 7 // 10, frames * 3 // 4
    parts = {'begin': (0, train), 'between': (train, test), 'end': (test, frames)}
    annotations: list[VideoAnnotation] = []
    for part, (first, last) in parts.items():
        name, kept = f'{video["frame_dir"]}_{part}', slice(first, last)
        if last == first and part == 'between':
            continue
        if last == first:
            raise UserError(
                f'{video["frame_dir"]}: a single recording of {frames} frames is too '
                'short to be split into training and test; add recordings.'
            )
        shared: VideoAnnotation = {**video, **changed_bodies(video, frames_of(kept))}
        shared['part_of'] = video['frame_dir'], first
        arrays = shared['keypoint'], shared['keypoint_score'], video['label'][..., kept]
        annotations.append(annotation(shared, name, *arrays))
    begin, end = (annotations[i]['frame_dir'] for i in (0, -1))
    note = (
        'a single recording is split in time: 70 % to train, the last 25 % to test; '
        'expect lower scores on another recording'
    )
    return annotations, {'train': [begin], 'test': [end]}, note


def find_videos(names: Iterable[str], folder: Path | None) -> dict[str, Path]:
    """Return the video file of each name, none if no folder is given."""
    if folder is None:
        return {}
    check_folder(folder, 'name the folder of the video files')
    files = [(f.stem, f) for f in sorted(folder.rglob('[!.]*')) if is_video(f)]
    videos = {}
    for name in names:
        found = find_named(name, files)
        if len(found) != 1:
            which = f' ({", ".join(f.name for f in found[:3])})' if found else ''
            raise UserError(
                f'{folder}: {len(found)} of its {len(files)} video files have the id '
                f'{name} in their names{which}, expected one; name each video '
                f'file after its id, such as {name}.mp4.'
            )
        videos[name] = found[0]
    return videos


def write(
    out: Path,
    data: AnnotationFile,
    events: Events,
    *,
    source: Path | None = None,
    files: Files | None = None,
    folds: int = 0,
    videos: Path | None = None,
) -> Path:
    """Write OUT/annotations.pkl with more folds and names of files; tell a summary.

    For ``source`` and ``files``, see :func:`save_annotations`. Each video is tested in
    one of the ``folds``. ``videos`` is the folder of the video files.
    """
    used = {name for members in data['split'].values() for name in members}
    names = [v['frame_dir'] for v in data['annotations'] if v['frame_dir'] in used]
    if folds and not 2 <= folds <= len(names):
        expected = f'2 to {len(names)}, the number of videos'
        raise UserError(unlike('--folds', folds, expected))
    for fold in range(folds):
        for part, members in split_by_test(names, names[fold::folds]).items():
            data['split'][f'fold{fold + 1}/{part}'] = members
    clips = find_videos(names, videos)
    for video in data['annotations']:
        if video['frame_dir'] in clips:
            file = os.path.relpath(clips[video['frame_dir']], out)
            video['filename'] = Path(file).as_posix()
    path = out / 'annotations.pkl'
    save_annotations(data, path, source=source, files=files)
    events.note(f'{summary(data)}\nwritten to {path}')
    return path


def summary(data: AnnotationFile) -> str:
    """Return a summary of annotations: notes, size, and each split."""
    # Those of all tiers and individuals.
    labels = [
        row
        for video in data['annotations']
        for row in video['label'].reshape(-1, video['total_frames'])
    ]
    segments = sum(len(to_segments(label)) for label in labels)
    ignored = sum(np.count_nonzero(label == IGNORED) for label in labels)
    meta = data['metainfo']
    assumed = ' (assumed)' if 'fps' in meta.get('assumed', {}) else ''
    frames = sum(video['total_frames'] for video in data['annotations'])
    rates = sorted({f'{video["fps"]:g}' for video in data['annotations']}, key=float)
    share = ignored / sum(map(len, labels))
    without = f', {share:.1%} of frames without a label' if ignored else ''
    tiers = tiers_of(meta)
    classes = sum(len(tier.classes) for tier in tiers)
    lines = [
        *meta.get('notes', ()),
        f'{counted(len(data["annotations"]), "video")}, {counted(frames, "frame")} at '
        f'{listed(rates)} fps{assumed}, {classes} '
        f'classes, {counted(segments, "segment")}{without}',
    ]
    if 'tiers' in meta:
        each = (f'{tier.name} ({", ".join(tier.classes)})' for tier in tiers)
        lines.append(f'tiers: {"; ".join(each)}')
    for name, members in data['split'].items():
        of_them = f' ({", ".join(members)})' if len(members) <= _LISTED else ''
        lines.append(f'{name}: {counted(len(members), "video")}{of_them}')
    return '\n'.join(lines)
