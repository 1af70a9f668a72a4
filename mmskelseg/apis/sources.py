"""What a user names as input, as one source for each video."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.datasets.annotations import load_annotations, split_names
from mmskelseg.fileio.video import is_video
from mmskelseg.interchange.parsing import video_name
from mmskelseg.interchange.poses import Poses
from mmskelseg.interchange.poses.reading import SUFFIXES, is_openpose
from mmskelseg.utils.errors import MissingFileError, UserError

_ANNOTATIONS = ('.pkl', '.pickle')


@dataclass(frozen=True)
class Source:
    """Where one video comes from.

    Args:
        name: The video's id.
        video: Its file.
        poses: The file or folder of its poses, or the poses.
        entry: What an annotation file has of it, or some of that.
        metainfo: That of the annotation file.
    """

    name: str
    video: Path | None = None
    poses: Path | Poses | None = None
    entry: Mapping[str, Any] | None = None
    metainfo: Mapping[str, Any] | None = None


def find_sources(
    inputs: Any, *, poses: Any = None, split: str | None = None
) -> list[Source]:
    """Return a source for each video that the inputs stand for.

    Args:
        inputs: A video; a file of poses, of any known format, or OpenPose's folder; an
            annotation file; a folder of these, where a video and poses of the same name
            belong together; an annotation entry (a dict with ``keypoint``, and what
            else there is); an array ``keypoint`` (M, T, V, 2) or (T, V, 2);
            :class:`Poses`; or a list of these.
        poses: Poses of the videos: one for one video, a list of as many as there are
            inputs, or a folder in which files have the names of the videos.
        split: The videos of an annotation file to take; by default all.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an input is none of these, or poses do not go with videos.
    """
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    sources = [source for item in listed for source in _sources(item, split)]
    if poses is not None:
        sources = _with_poses(sources, poses)
    return _named_apart(sources)


def _sources(item: Any, split: str | None) -> list[Source]:
    if isinstance(item, np.ndarray):
        item = {'keypoint': item}
    if isinstance(item, Mapping):
        return [Source(str(item.get('frame_dir', 'video')), entry=item)]
    if isinstance(item, Poses):
        return [Source('video', poses=item)]
    if not isinstance(item, str | os.PathLike):
        raise UserError(
            f'an input is {type(item).__name__}, expected a path, an annotation entry, '
            'an array of keypoints, or a list of these.'
        )
    path = Path(item)
    if not path.exists():
        raise MissingFileError(f'{path}: there is no such file or folder.')
    if path.is_dir() and not is_openpose(path):
        return _of_folder(path, split)
    return _of_file(path, split)


def _of_file(path: Path, split: str | None) -> list[Source]:
    if is_video(path):
        return [Source(path.stem, video=path)]
    if path.suffix.lower() in _ANNOTATIONS:
        return _of_annotations(path, split)
    return [Source(video_name(path.name), poses=path)]


def _of_annotations(path: Path, split: str | None) -> list[Source]:
    data = load_annotations(path)
    videos = {video['frame_dir']: video for video in data['annotations']}
    names = videos if split is None else split_names(data, split, str(path))
    sources = []
    for name in names:
        file = videos[name].get('filename')
        video = None if file is None else path.parent / file
        sources.append(
            Source(name, video=video, entry=videos[name], metainfo=data['metainfo'])
        )
    return sources


def _of_folder(folder: Path, split: str | None) -> list[Source]:
    known = (*SUFFIXES, *_ANNOTATIONS)
    found: dict[str, Source] = {}
    sources = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _ANNOTATIONS:
            sources += _of_annotations(path, split)
        elif is_video(path) or path.suffix.lower() in known or _is_openpose(path):
            (source,) = _of_file(path, split)
            other = found.get(source.name)
            if other is not None and (other.video is None) == (source.video is None):
                raise UserError(
                    f'{path}: of the same name as {other.video or other.poses}; name '
                    'the one that is meant.'
                )
            if other is not None:
                source = replace(
                    source,
                    video=source.video or other.video,
                    poses=source.poses or other.poses,
                )
            found[source.name] = source
    if not (sources or found):
        raise UserError(
            f'{folder}: holds neither videos nor poses nor annotations.pkl; name the '
            'folder that does.'
        )
    return [*sources, *found.values()]


def _is_openpose(path: Path) -> bool:
    return path.is_dir() and is_openpose(path)


def _with_poses(sources: list[Source], poses: Any) -> list[Source]:
    given: Sequence[Any]
    folder = Path(poses) if isinstance(poses, str | os.PathLike) else None
    if folder is not None and folder.is_dir() and not is_openpose(folder):
        files = {
            video_name(path.name): path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in SUFFIXES or _is_openpose(path)
        }
        missing = [source.name for source in sources if source.name not in files]
        if missing:
            raise UserError(
                f'{folder}: holds no poses of the name {missing[0]}, the first of '
                f'{len(missing)} missing of {len(sources)} videos; name each file as '
                'its video.'
            )
        given = [files[source.name] for source in sources]
    else:
        given = list(poses) if isinstance(poses, list | tuple) else [poses]
    if len(given) != len(sources):
        raise UserError(
            f'{len(given)} poses for {len(sources)} videos; give as many, or a folder '
            'with files of the names of the videos.'
        )
    return [
        replace(
            source, poses=item if isinstance(item, Poses) else Path(item), entry=None
        )
        for source, item in zip(sources, given, strict=True)
    ]


def _named_apart(sources: Iterable[Source]) -> list[Source]:
    """Return the sources, each with a name of its own."""
    taken: set[str] = set()
    apart = []
    for source in sources:
        name, number = source.name, 1
        while name in taken:
            number += 1
            name = f'{source.name}_{number}'
        taken.add(name)
        apart.append(replace(source, name=name))
    return apart
