"""The videos that inputs stand for: files and data of each."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from mmskelseg_io.files.annotations import load_annotations, split_names
from mmskelseg_io.files.video import is_video
from mmskelseg_io.messages.errors import MissingFileError, UserError, check_name
from mmskelseg_io.objects import FoundObjects, pair_objects
from mmskelseg_io.poses import Poses
from mmskelseg_io.poses.movement import as_poses
from mmskelseg_io.poses.reading import is_poses, video_of
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.predictions import InputVideo

#: One input; see :func:`find_sources`.
Input: TypeAlias = str | os.PathLike | np.ndarray | Mapping[str, object] | Poses
#: The poses of a video, or the path of their file.
GivenPoses: TypeAlias = str | os.PathLike | Poses

_ANNOTATIONS = ('.pkl', '.pickle')


@dataclass(frozen=True)
class Source:
    """The files or data of one video.

    ``entry`` is that in an annotation file, or a part of one; ``metainfo`` is that of
    the file. Poses are their file or folder, or themselves. ``objects`` are those that
    are given beside them.
    """

    name: str
    video: Path | None = None
    poses: Path | Poses | None = None
    entry: InputVideo | None = None
    metainfo: Metainfo | None = None
    objects: FoundObjects | None = None


def find_sources(
    inputs: Input | Sequence[Input],
    *,
    poses: GivenPoses | Sequence[GivenPoses] | None = None,
    split: str | None = None,
    objects: Sequence[FoundObjects] | None = None,
) -> list[Source]:
    """Return a source for each video in the inputs.

    Args:
        inputs: A video; a file of poses in any known format, or OpenPose's folder; an
            annotation file; a folder of these, in which a video and poses with the same
            name belong together; an annotation entry (a dict with ``keypoint`` and
            optionally more); an array ``keypoint`` (M, T, V, 2) or (T, V, 2);
            :class:`Poses`; an ``xarray.Dataset`` of movement; or a list of these.
        poses: Poses of the videos: one file or object for one video, a list with one
            for each input, or a folder whose files have the names of the videos.
        split: The split of an annotation file to use; by default all videos.
        objects: The objects of the videos, which have their names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an input is none of these, or poses and videos do not match.
    """
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    sources = [source for item in listed for source in _sources(item, split)]
    if poses is not None:
        sources = _with_poses(sources, poses)
    sources = _named_apart(sources)
    if objects is None:
        return sources
    own = pair_objects([source.name for source in sources], objects)
    return [replace(source, objects=own[source.name]) for source in sources]


def _sources(item: object, split: str | None) -> list[Source]:
    item = as_poses(item)
    if isinstance(item, np.ndarray):
        item = {'keypoint': item}
    if isinstance(item, Mapping):
        name = str(item.get('frame_dir', 'video'))
        return [Source(name, entry=cast(InputVideo, item))]
    if isinstance(item, Poses):
        return [Source('video', poses=item)]
    if not isinstance(item, str | os.PathLike):
        raise UserError(
            f'an input is {type(item).__name__}, expected a path, an annotation entry, '
            'an array of keypoints, a dataset of movement, or a list of these.'
        )
    path = Path(item)
    if not path.exists():
        raise MissingFileError(f'{path}: there is no such file or folder.')
    if path.is_dir() and not is_poses(path):
        return _of_folder(path, split)
    if path.suffix.lower() in _ANNOTATIONS:
        return _of_annotations(path, split)
    return [_of_file(path)]


def _of_file(path: Path) -> Source:
    if is_video(path):
        return Source(path.stem, video=path)
    return Source(video_of(path), poses=path)


def _of_annotations(path: Path, split: str | None) -> list[Source]:
    data = load_annotations(path)
    videos = {video['frame_dir']: video for video in data['annotations']}
    names = videos if split is None else split_names(data, split, str(path))
    files = {name: videos[name].get('filename') for name in names}
    return [
        Source(
            name,
            path.parent / file if file else None,
            entry=cast(InputVideo, videos[name]),
            metainfo=data['metainfo'],
        )
        for name, file in files.items()
    ]


def _of_folder(folder: Path, split: str | None) -> list[Source]:
    found: dict[str, Source] = {}
    sources = []
    for path in sorted(folder.glob('[!.]*')):
        if path.suffix.lower() in _ANNOTATIONS:
            sources += _of_annotations(path, split)
        elif is_video(path) or is_poses(path):
            source = _of_file(path)
            other = found.get(source.name)
            if other is not None:
                if (other.video is None) == (source.video is None):
                    raise UserError(
                        f'{path}: has the same name as {other.video or other.poses}; '
                        'name one of them instead of the folder.'
                    )
                video, poses = source.video or other.video, source.poses or other.poses
                source = Source(source.name, video, poses)
            found[source.name] = source
    if not (sources or found):
        raise UserError(
            f'{folder}: contains no videos, no poses and no annotations.pkl; name a '
            'folder that does.'
        )
    return [*sources, *found.values()]


def _with_poses(
    sources: list[Source], poses: GivenPoses | Sequence[GivenPoses]
) -> list[Source]:
    given: list[GivenPoses]
    folder = Path(poses) if isinstance(poses, str | os.PathLike) else None
    if folder is not None and folder.is_dir() and not is_poses(folder):
        files = {
            video_of(path): path
            for path in sorted(folder.glob('[!.]*'))
            if is_poses(path)
        }
        missing = [source.name for source in sources if source.name not in files]
        if missing:
            raise UserError(
                f'{folder}: contains no poses with the name {missing[0]}, the first of '
                f'{len(missing)} missing of {len(sources)} videos; give each file the '
                'name of its video.'
            )
        given = [files[source.name] for source in sources]
    else:
        poses = cast(GivenPoses | Sequence[GivenPoses], as_poses(poses))
        given = [poses] if isinstance(poses, str | os.PathLike | Poses) else [*poses]
        given = [cast(GivenPoses, as_poses(one)) for one in given]
    if len(given) != len(sources):
        raise UserError(
            f'{len(given)} poses for {len(sources)} videos; give one for each video, '
            'or a folder whose files have the names of the videos.'
        )
    return [
        replace(
            source, poses=item if isinstance(item, Poses) else Path(item), entry=None
        )
        for source, item in zip(sources, given, strict=True)
    ]


def _named_apart(sources: Iterable[Source]) -> list[Source]:
    """Return the sources with unique names."""
    apart: dict[str, Source] = {}
    for source in sources:
        check_name(source.name, 'The name of a video')
        name, number = source.name, 1
        while name in apart:
            number += 1
            name = f'{source.name}_{number}'
        apart[name] = replace(source, name=name)
    return list(apart.values())
