"""Which keypoint file, label file and video file belong together."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from pathlib import Path

import cv2
from converting import ReleaseError, name_videos

from mmskelseg.interchange import VideoSegments, label_format, read_segments
from mmskelseg.interchange.labels.label_files import READERS
from mmskelseg.interchange.poses.reading import SUFFIXES, is_openpose

LABEL_SUFFIXES = ('.boris', '.csv', '.eaf', '.json', '.tsv', '.txt', '.xml')
FRAMEWISE = 'framewise'
LABEL_FORMATS = (*READERS, FRAMEWISE)
# What trackers put behind a video's name.
_ENDINGS = re.compile(r'(DLC_.+|\.analysis|\.predictions|_keypoints)$')


@dataclass(frozen=True)
class Labels:
    """Labels of one video.

    Args:
        video: Its name in the label file, or that of the file.
        path: The label file.
        segments: In seconds; empty where ``lines`` are given.
        lines: The name of the class of each frame.
        fps: The labels' frames per second, where the file says so.
    """

    video: str
    path: Path
    segments: tuple = ()
    lines: tuple[str, ...] = ()
    fps: float | None = None


@dataclass(frozen=True)
class VideoFile:
    """What a video file says of itself."""

    path: Path
    frames: int
    fps: float
    img_shape: tuple[int, int]


def find_keypoints(paths: Iterable[Path]) -> dict[str, Path]:
    """Return the keypoint file, or folder of OpenPose, of each name.

    Folders are looked into, one level deep.
    """
    found: dict[str, Path] = {}
    for path in paths:
        inside = [path]
        if path.is_dir() and not is_openpose(path):
            inside = [
                item
                for item in sorted(path.iterdir())
                if (
                    is_openpose(item)
                    if item.is_dir()
                    else item.suffix.lower() in SUFFIXES
                )
            ]
            if not inside:
                raise ReleaseError(
                    f'{path}: no keypoint file ({", ".join(SUFFIXES)}) and no folder '
                    'of OpenPose in it.'
                )
        for item in inside:
            name = _ENDINGS.sub('', item.name if item.is_dir() else item.stem)
            if name in found:
                raise ReleaseError(
                    f'{found[name]} and {item} are both of the video {name}; name one '
                    f'of them, such as all of a kind by {item.parent}/*{item.suffix}.'
                )
            found[name] = item
    return found


def find_labels(
    paths: Iterable[Path], format: str | None, options: dict[str, object]
) -> list[Labels]:
    """Return the labels of each video in label files, or folders of such files.

    Args:
        paths: Files and folders.
        format: One of ``LABEL_FORMATS``; by default told by name and content.
        options: What the format's reader takes; others do without.
    """
    known = set().union(*map(_options_of, READERS))
    unknown = sorted(options.keys() - known)
    if unknown:
        raise ReleaseError(
            f'--label-option {unknown[0]}: there is none of that name; known are '
            f'{", ".join(sorted(known - {"fps"}))}.'
        )
    files = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = [f for f in sorted(path.iterdir()) if f.suffix in LABEL_SUFFIXES]
        if not path.exists() or not inside:
            raise ReleaseError(
                f'{path}: no label file ({", ".join(LABEL_SUFFIXES)}) there.'
            )
        files += inside
    return [labels for file in files for labels in _labels(file, format, options)]


def _labels(path: Path, format: str | None, options: dict) -> list[Labels]:
    if format == FRAMEWISE or (format is None and _is_framewise(path)):
        lines = path.read_text('utf-8-sig').rstrip().split('\n')
        return [Labels(path.stem, path, lines=tuple(line.strip() for line in lines))]
    kind = format or label_format(path)
    given = {key: options[key] for key in _options_of(kind) & options.keys()}
    videos: list[VideoSegments] = read_segments(path, kind, **given)
    return [
        Labels(video.name, path, tuple(video.segments), fps=video.fps)
        for video in videos
    ]


def _options_of(kind: str) -> set[str]:
    parameters = signature(READERS[kind]).parameters.values()
    return {p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY}


def _is_framewise(path: Path) -> bool:
    """Return whether a text has a class name alone in each line, as groundTruth has."""
    if path.suffix != '.txt':
        return False
    first = path.read_text('utf-8-sig', 'replace').partition('\n')[0]
    return not any(mark in first for mark in '\t;,')


def pair(
    keypoints: dict[str, Path], labels: Sequence[Labels], skip: bool
) -> tuple[list[tuple[str, Path, Labels]], list[str]]:
    """Return id, keypoints and labels of each video, and sentences on what was skipped.

    A video has the name that its labels give it. Its keypoints have that name, or are
    the only ones with it as a part of theirs; else the label file's own name counts.

    Raises:
        ReleaseError: If two labels are of a video, or, unless ``skip``, if something
            has no partner.
    """
    videos: dict[str, tuple[Path, Labels]] = {}
    lonely = []
    for item in labels:
        name = _match(item.video, keypoints) or _match(item.path.stem, keypoints)
        if name is None:
            lonely.append(f'no keypoints of {item.video} in {item.path}')
            continue
        same = [other for path, other in videos.values() if path == keypoints[name]]
        if same:
            raise ReleaseError(
                f'{same[0].path} and {item.path} both label the video {item.video}, '
                f'whose keypoints are {keypoints[name]}; name one of them.'
            )
        videos[item.video] = keypoints[name], item
    used = [path for path, _ in videos.values()]
    lonely += [
        f'no labels of {name} ({path})'
        for name, path in keypoints.items()
        if path not in used
    ]
    if not videos or (lonely and not skip):
        names = ', '.join(sorted({item.video for item in labels})[:5])
        raise ReleaseError(
            f'{lonely[0]}, the first of {len(lonely)} without a partner; videos are '
            f'paired by name: keypoints {", ".join(sorted(keypoints)[:5])}, labels '
            f'{names}; rename files, or leave these out by --skip-unpaired.'
        )
    return [(name, *videos[name]) for name in sorted(videos)], lonely


def _match(name: str, known: Collection[str]) -> str | None:
    if name in known:
        return name
    part = re.compile(rf'(?<![^\W_]){re.escape(name)}(?![^\W_])')
    found = [other for other in known if part.search(other)]
    return found[0] if len(found) == 1 else None


def find_videos(
    names: Sequence[str], folder: Path | None, out: Path
) -> dict[str, VideoFile]:
    """Return the video file of each name, if a folder is given."""
    stubs = [{'frame_dir': name} for name in names]
    name_videos(stubs, folder, out)
    # OUT, to which file names are relative, need not be there yet.
    return {
        stub['frame_dir']: _probe(Path(os.path.normpath(out / stub['filename'])))
        for stub in stubs
        if 'filename' in stub
    }


def _probe(path: Path) -> VideoFile:
    capture = cv2.VideoCapture(str(path))
    keys = (
        cv2.CAP_PROP_FRAME_COUNT,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FRAME_WIDTH,
    )
    frames, fps, height, width = (capture.get(key) for key in keys)
    capture.release()
    if min(frames, fps, height, width) <= 0:
        raise ReleaseError(f'{path}: cannot be read as a video; copy it again.')
    return VideoFile(path, round(frames), fps, (int(height), int(width)))
