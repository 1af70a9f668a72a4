"""One annotation, without labels, for each video that a user names as input."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from mmskelseg.datasets.annotations import load_annotations, split_names
from mmskelseg.fileio.inputs import is_file
from mmskelseg.fileio.video import VideoFile, is_video
from mmskelseg.interchange.labels.segments import check_fps
from mmskelseg.interchange.parsing import numbers
from mmskelseg.interchange.poses import (
    Poses,
    choose_person,
    each_person,
    read_poses,
    with_rate,
    with_size,
)
from mmskelseg.interchange.poses.layouts import counted_layout
from mmskelseg.interchange.poses.npz import keypoint_arrays, matching
from mmskelseg.interchange.poses.reading import is_openpose, is_poses, video_of
from mmskelseg.interchange.poses.tracking import of_rows
from mmskelseg.structures import Skeleton
from mmskelseg.structures.annotations import VideoAnnotation
from mmskelseg.structures.skeleton import Layout
from mmskelseg.utils.choices import EACH
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


class InputVideo(VideoAnnotation, total=False):
    """A video's annotation, with what is known of its input.

    ``notes`` are sentences for the user. ``estimated`` is whether its poses were
    estimated here. With ``person='each'``, ``person`` is the name of the person, and
    ``video`` the id of the video.
    """

    skeleton: Layout
    notes: tuple[str, ...]
    estimated: bool
    person: str
    video: str


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
            None,
            videos[name],
            data['metainfo'],
        )
        for name, file in files.items()
    ]


def _of_folder(folder: Path, split: str | None) -> list[Source]:
    found: dict[str, Source] = {}
    sources = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _ANNOTATIONS:
            sources += _of_annotations(path, split)
        elif is_video(path) or is_poses(path):
            source = _of_file(path)
            other = found.get(source.name)
            if other is not None:
                if (other.video is None) == (source.video is None):
                    raise UserError(
                        f'{path}: of the same name as {other.video or other.poses}; '
                        'name the one that is meant.'
                    )
                video, poses = source.video or other.video, source.poses or other.poses
                source = Source(source.name, video, poses)
            found[source.name] = source
    if not (sources or found):
        raise UserError(
            f'{folder}: holds neither videos nor poses nor annotations.pkl; name the '
            'folder that does.'
        )
    return [*sources, *found.values()]


def _with_poses(sources: list[Source], poses: Any) -> list[Source]:
    folder = Path(poses) if isinstance(poses, str | os.PathLike) else None
    if folder is not None and folder.is_dir() and not is_openpose(folder):
        files = {
            video_of(path): path for path in sorted(folder.iterdir()) if is_poses(path)
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
    apart: dict[str, Source] = {}
    for source in sources:
        name, number = source.name, 1
        while name in apart:
            number += 1
            name = f'{source.name}_{number}'
        apart[name] = replace(source, name=name)
    return list(apart.values())


@dataclass(frozen=True)
class InputReader:
    """Makes annotations that fit a model.

    An annotation is as in docs/data_format.md, with ``label`` only where it is known,
    the path of the video as ``filename``, ``skeleton``, ``estimated`` where its poses
    come from an estimator, and ``notes``, sentences on what was assumed. With
    ``person='each'`` there is one for each person, with the name of the ``person`` and
    that of the ``video``, whose ``frame_dir`` is ``<video>_<person>``.

    Args:
        skeleton: The layout that the model was trained with.
        classes: Of the model.
        needs_poses: Whether the model reads skeletons.
        needs_video: Whether it reads the frames of a video.
        estimate: Returns the poses of a video file that comes without.
        person: Which of several people a file of poses or an estimator is about; see
            :func:`mmskelseg.interchange.poses.choose_person`; or ``each``.
        fps: Frames per second of the poses, where no file states it.
    """

    skeleton: Any
    classes: tuple[str, ...]
    needs_poses: bool
    needs_video: bool
    estimate: Callable[[Path], Poses]
    person: str = 'track'
    fps: float | None = None

    def read(self, source: Source) -> list[InputVideo]:
        """Return the annotation of one video, or those of its people.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If it is not what the model needs.
        """
        if self.person == EACH and not self.needs_poses:
            raise UserError(
                f'{source.name}: person is each, but the model reads the frames of the '
                'video and no skeletons, so that it cannot tell people apart.'
            )
        videos = self._read(source)
        for video in videos:
            if self.needs_video and 'filename' not in video:
                raise UserError(
                    f'{source.name}: the model reads the frames of a video, and there '
                    'is none; name the video, with its poses beside it where it needs '
                    'both.'
                )
        named = {'frame_dir': source.name, 'skeleton': self.skeleton}
        return [cast(InputVideo, {**named, **video}) for video in videos]

    def _read(self, source: Source) -> list[dict[str, Any]]:
        if source.entry is not None and 'keypoint' in source.entry:
            return self._of_entry(source, source.entry)
        path = source.video or (source.entry or {}).get('filename')
        file = None if path is None else VideoFile.open(path)
        if source.poses is not None or (self.needs_poses and file is not None):
            return self._of_poses(source, file)
        if file is None:
            raise UserError(
                f'{source.name}: the input has the keys {sorted(source.entry or {})}, '
                'but needs `keypoint` or `filename`.'
            )
        return [
            {
                'filename': str(file.path.absolute()),
                'img_shape': file.img_shape,
                'total_frames': file.count(),
                'fps': check_fps(self.fps or file.fps, source.name),
                'notes': (),
            }
        ]

    def _of_entry(
        self, source: Source, entry: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        name = source.name
        layout = (source.metainfo or entry).get('skeleton', self.skeleton)
        keypoint, score = keypoint_arrays(dict(entry), name)
        layout, _ = counted_layout(keypoint.shape[2], layout, name)
        fps = entry.get('fps', self.fps)
        if fps is None:
            raise UserError(
                f'{name}: the rate of its frames is not known; give fps, frames per '
                'second.'
            )
        fps = check_fps(fps, name)
        size = entry.get('img_shape')
        if size is not None:
            numbers(size, (2,), f'{name}: img_shape')
        poses = Poses(keypoint, score, layout, size, fps)
        keypoint_3d = matching(entry, 'keypoint_3d', (*keypoint.shape[:3], 3), name)
        videos = [
            {**entry, **self._fitted(each, name, each_3d), **who}
            for each, each_3d, who in self._people(poses, source, keypoint_3d)
        ]
        classes = (source.metainfo or {}).get('classes', self.classes)
        for video in videos:
            # Labels of a video are of nobody among several.
            if tuple(classes) != self.classes or len(videos) > 1:
                video.pop('label', None)
            if source.video is not None:
                video['filename'] = str(source.video.absolute())
            if not (self.needs_video or is_file(video.get('filename', ''))):
                missing = video.pop('filename', None)
                if missing is not None:
                    video['notes'] += (f'{missing}: there is no such file',)
        return [{'frame_dir': name, **video, 'fps': fps} for video in videos]

    def _of_poses(self, source: Source, file: VideoFile | None) -> list[dict[str, Any]]:
        size = None if file is None else file.img_shape
        poses, place = source.poses, source.name
        if poses is None:
            assert file is not None
            poses, place = self.estimate(file.path), str(file.path)
        elif isinstance(poses, Path):
            poses, place = read_poses(poses, img_shape=size), str(poses)
        if self.person != EACH:
            poses = choose_person(poses, self.person, place)
        if source.poses is not None:
            poses = with_rate(poses, file, self.fps, place)
        poses = poses.noting(img_shape=poses.img_shape or size)
        more: dict[str, Any] = {'fps': poses.fps, 'estimated': source.poses is None}
        if file is not None:
            more['filename'] = str(file.path.absolute())
        return [
            {**self._fitted(each, place), **more, **who}
            for each, _, who in self._people(poses, source)
        ]

    def _people(
        self, poses: Poses, source: Source, keypoint_3d: np.ndarray | None = None
    ) -> Iterator[tuple[Poses, np.ndarray | None, dict[str, str]]]:
        """Yield poses in 2D and 3D of each person, and what tells who it is."""
        if self.person != EACH:
            yield poses, keypoint_3d, {}
            return
        for name, rows, each in each_person(poses):
            who = {'person': name, 'video': source.name}
            frame_dir = f'{source.name}_{name}'
            in_3d = None if keypoint_3d is None else of_rows(keypoint_3d, rows)
            yield each, in_3d, {**who, 'frame_dir': frame_dir}

    def _fitted(
        self, poses: Poses, place: str, keypoint_3d: np.ndarray | None = None
    ) -> dict[str, Any]:
        """Return what an annotation has of poses, with the joints of the model."""
        wanted, joints = Skeleton.get(self.skeleton), poses.joints
        poses = with_size(poses)
        columns = wanted.columns_of(joints, place)
        if len(joints) > len(columns):
            poses = poses.noting(f'{len(columns)} of {len(joints)} joints are used')
        video: dict[str, Any] = {
            'keypoint': poses.keypoint[:, :, columns],
            'keypoint_score': poses.keypoint_score[:, :, columns],
            'total_frames': poses.keypoint.shape[1],
            'img_shape': poses.img_shape,
            'notes': poses.notes,
        }
        if keypoint_3d is not None:
            video['keypoint_3d'] = np.asarray(keypoint_3d)[:, :, columns]
        return video
