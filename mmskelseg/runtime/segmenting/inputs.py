"""Reading of inputs: an annotation without labels for each video that users name."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from mmskelseg.runtime.files.annotations import load_annotations, split_names
from mmskelseg.runtime.files.inputs import is_file
from mmskelseg.runtime.files.video import VideoFile, is_video
from mmskelseg.runtime.labels.segments import check_fps
from mmskelseg.runtime.messages.errors import (
    MissingFileError,
    UserError,
    check_name,
    shown,
)
from mmskelseg.runtime.poses import (
    Poses,
    choose_person,
    each_person,
    read_poses,
    with_rate,
    with_size,
)
from mmskelseg.runtime.poses.layouts import counted_layout
from mmskelseg.runtime.poses.npz import keypoint_arrays, matching
from mmskelseg.runtime.poses.poses import check_img_shape
from mmskelseg.runtime.poses.reading import is_poses, video_of
from mmskelseg.runtime.poses.tracking import of_rows
from mmskelseg.runtime.structures import Skeleton, is_data_layout
from mmskelseg.runtime.structures.annotations import Metainfo
from mmskelseg.runtime.structures.choices import EACH
from mmskelseg.runtime.structures.predictions import InputVideo
from mmskelseg.runtime.structures.segments import IGNORED, to_segments
from mmskelseg.runtime.structures.skeleton import Layout

#: One input; see :func:`find_sources`.
Input: TypeAlias = str | os.PathLike | np.ndarray | Mapping[str, object] | Poses
#: The poses of a video, or the path of their file.
GivenPoses: TypeAlias = str | os.PathLike | Poses

_ANNOTATIONS = ('.pkl', '.pickle')


@dataclass(frozen=True)
class Source:
    """The files or data of one video.

    Args:
        name: The video's id.
        video: The video file.
        poses: The file or folder of its poses, or the poses themselves.
        entry: Its entry in an annotation file, or a part of one.
        metainfo: The metainfo of the annotation file.
    """

    name: str
    video: Path | None = None
    poses: Path | Poses | None = None
    entry: InputVideo | None = None
    metainfo: Metainfo | None = None


def find_sources(
    inputs: Input | Sequence[Input],
    *,
    poses: GivenPoses | Sequence[GivenPoses] | None = None,
    split: str | None = None,
) -> list[Source]:
    """Return a source for each video in the inputs.

    Args:
        inputs: A video; a file of poses in any known format, or OpenPose's folder; an
            annotation file; a folder of these, in which a video and poses with the same
            name belong together; an annotation entry (a dict with ``keypoint`` and
            optionally more); an array ``keypoint`` (M, T, V, 2) or (T, V, 2);
            :class:`Poses`; or a list of these.
        poses: Poses of the videos: one file or object for one video, a list with one
            for each input, or a folder whose files have the names of the videos.
        split: The split of an annotation file to use; by default all videos.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an input is none of these, or poses and videos do not match.
    """
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    sources = [source for item in listed for source in _sources(item, split)]
    if poses is not None:
        sources = _with_poses(sources, poses)
    return _named_apart(sources)


def _sources(item: object, split: str | None) -> list[Source]:
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
            'an array of keypoints, or a list of these.'
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
    for path in sorted(folder.iterdir()):
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
            video_of(path): path for path in sorted(folder.iterdir()) if is_poses(path)
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
        given = [poses] if isinstance(poses, str | os.PathLike | Poses) else [*poses]
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


def _stated(source: Source) -> InputVideo:
    """Return the entry of a source without None values, after checking its names."""
    entry = {k: value for k, value in (source.entry or {}).items() if value is not None}
    for key in ('frame_dir', 'filename'):
        if not isinstance(entry.get(key, ''), str):
            raise UserError(
                f'{source.name}: {key} is {shown(entry[key])}, expected a string.'
            )
    return cast(InputVideo, entry)


def _check_values(
    entry: InputVideo, shape: tuple[int, ...], num_classes: int, name: str
) -> None:
    """Raise a UserError if the labels or risks of an entry do not fit its frames."""
    matching(entry, 'risk', shape, name)
    label = matching(entry, 'label', shape, name)
    if label is None:
        return
    wrong = (label % 1 != 0) | (label < IGNORED) | (label >= num_classes)
    if wrong.any():
        raise UserError(
            f'{name}: label holds {label[wrong][0]}, expected class ids from 0 to '
            f'{num_classes - 1}, or {IGNORED} for no label.'
        )


def _unseen(video: InputVideo) -> tuple[str, ...]:
    """Return a note about stretches of over a second in which nobody is seen."""
    fps = video['fps']
    absent = np.all(video['keypoint_score'] <= 0, axis=(0, 2)).astype(np.int64)
    gaps = [
        (start / fps, end / fps)
        for start, end, is_absent in to_segments(absent)
        if is_absent and end - start > fps
    ]
    if not gaps:
        return ()
    listed = ', '.join(f'from {start:.1f} to {end:.1f} s' for start, end in gaps[:3])
    more = f' and in {len(gaps) - 3} more stretches' if len(gaps) > 3 else ''
    return (f'nobody is seen {listed}{more}; labels there are guesses',)


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


@dataclass(frozen=True)
class InputReader:
    """A reader that turns sources into annotations that fit a model.

    An annotation is as in docs/data_format.md, with ``label`` only if it is known, and
    the path of the video as ``filename``. It also has ``skeleton``, ``estimated`` if
    its poses are from an estimator, and ``notes``, sentences about assumptions. With
    ``person='each'`` there is one for each person, with the name of the ``person`` and
    that of the ``video``, and its ``frame_dir`` is ``<video>_<person>``.

    Args:
        skeleton: The layout with which the model was trained.
        classes: The classes of the model.
        needs_poses: Whether the model reads skeletons.
        needs_video: Whether the model reads the frames of a video.
        estimate: Function that returns the poses in a video file.
        person: Which of several people in a file of poses or in a video to use; see
            :func:`mmskelseg.runtime.poses.choose_person`; or ``each``.
        fps: Frames per second of the poses, instead of what their files state.
        pose_format: The format of files of poses, one of
            :data:`mmskelseg.runtime.poses.FORMATS`; by default recognised.
        first_frame: The ``image_id`` of the first frame of COCO results, such as
            AlphaPose's, if it is neither 0 nor 1.
    """

    skeleton: Layout
    classes: tuple[str, ...]
    needs_poses: bool
    needs_video: bool
    estimate: Callable[[Path], Poses]
    person: str = 'track'
    fps: float | None = None
    pose_format: str | None = None
    first_frame: int | None = None

    def read(self, source: Source) -> list[InputVideo]:
        """Return the annotation of one video, or those of its people.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If the source lacks something that the model needs.
        """
        if self.person == EACH and not self.needs_poses:
            raise UserError(
                f'{source.name}: person is each, but the model reads the frames of the '
                'video and no skeletons, so it cannot tell people apart; leave that '
                'option out.'
            )
        videos = self._read(source)
        for video in videos:
            if self.needs_video and 'filename' not in video:
                raise UserError(
                    f'{source.name}: the model reads the frames of a video, but there '
                    'is none; name the video, and its poses if the model needs both.'
                )
            if self.needs_poses and self.person != EACH:
                video['notes'] += _unseen(video)
            check_name(video.get('frame_dir', ''), f'{source.name}: frame_dir')
        own: InputVideo = {'frame_dir': source.name, 'skeleton': self.skeleton}
        return [{**own, **video} for video in videos]

    def _read(self, source: Source) -> list[InputVideo]:
        entry = _stated(source)
        if 'keypoint' in entry:
            return self._of_entry(source, entry)
        path = source.video or entry.get('filename')
        file = None if path is None else VideoFile.open(path)
        if source.poses is not None or (self.needs_poses and file is not None):
            return self._of_poses(source, file)
        if file is None:
            raise UserError(
                f'{source.name}: the input has the keys {sorted(entry)}, '
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

    def _of_entry(self, source: Source, entry: InputVideo) -> list[InputVideo]:
        name = source.name
        layout = (source.metainfo or entry).get('skeleton', self.skeleton)
        if layout is not self.skeleton and not is_data_layout(layout):
            # An entry may come from anybody's file, and a path may be a program.
            raise UserError(
                f'{name}: skeleton is {shown(layout)}, expected the name of a layout '
                'or a dict of joints and limbs.'
            )
        keypoint, score = keypoint_arrays(entry, name)
        if len(keypoint) > 1 and self.person not in ('track', 'all', EACH):
            raise UserError(
                f'{name}: person is {self.person!r}, but the {len(keypoint)} people of '
                'an annotation are used together, or each of them (each); leave it '
                'out, or give the poses that the annotation was made from.'
            )
        layout, _ = counted_layout(keypoint.shape[2], layout, name)
        fps = entry.get('fps', self.fps)
        if fps is None:
            raise UserError(
                f'{name}: the frame rate is unknown; give fps, frames per second.'
            )
        fps = check_fps(fps, name)
        size = entry.get('img_shape')
        size = None if size is None else check_img_shape(size, name)
        poses = Poses(keypoint, score, layout, size, fps)
        keypoint_3d = matching(entry, 'keypoint_3d', (*keypoint.shape[:3], 3), name)
        videos: list[InputVideo] = [
            {**entry, **self._fitted(each, name, each_3d), **who}
            for each, each_3d, who in self._people(poses, source, keypoint_3d)
        ]
        classes = (source.metainfo or {}).get('classes', self.classes)
        _check_values(entry, keypoint.shape[1:2], len(classes), name)
        for video in videos:
            # The labels of a video do not belong to one of several people.
            if tuple(classes) != self.classes or len(videos) > 1:
                video.pop('label', None)
            if source.video is not None:
                video['filename'] = str(source.video.absolute())
            if not (self.needs_video or is_file(video.get('filename', ''))):
                missing = video.pop('filename', None)
                if missing is not None:
                    video['notes'] += (f'{missing}: there is no such file',)
        return [{'frame_dir': name, **video, 'fps': fps} for video in videos]

    def _of_poses(self, source: Source, file: VideoFile | None) -> list[InputVideo]:
        size = None if file is None else file.img_shape
        poses, place = source.poses, source.name
        if poses is None:
            assert file is not None
            poses, place = self.estimate(file.path), str(file.path)
        elif isinstance(poses, Path):
            place = str(poses)
            poses = read_poses(
                poses,
                self.pose_format,
                unnamed=self.skeleton,
                img_shape=size,
                first_frame=self.first_frame,
            )
        if self.person != EACH:
            poses = choose_person(poses, self.person, place)
        if source.poses is not None:
            poses = with_rate(poses, file, self.fps, place)
        poses = poses.noting(img_shape=poses.img_shape or size)
        assert poses.fps is not None, 'with_rate and estimators give them a rate'
        more: InputVideo = {'fps': poses.fps, 'estimated': source.poses is None}
        if file is not None:
            more['filename'] = str(file.path.absolute())
        return [
            {**self._fitted(each, place), **more, **who}
            for each, _, who in self._people(poses, source)
        ]

    def _people(
        self, poses: Poses, source: Source, keypoint_3d: np.ndarray | None = None
    ) -> Iterator[tuple[Poses, np.ndarray | None, InputVideo]]:
        """Yield the poses in 2D and 3D of each person, and the person's name."""
        if self.person != EACH:
            yield poses, keypoint_3d, {}
            return
        for name, rows, each in each_person(poses):
            who: InputVideo = {
                'person': name,
                'video': source.name,
                'frame_dir': f'{source.name}_{name}',
            }
            in_3d = None if keypoint_3d is None else of_rows(keypoint_3d, rows)
            yield each, in_3d, who

    def _fitted(
        self, poses: Poses, place: str, keypoint_3d: np.ndarray | None = None
    ) -> InputVideo:
        """Return the annotation of poses, with the joints of the model."""
        wanted, joints = Skeleton.get(self.skeleton), poses.joints
        poses = with_size(poses)
        columns = wanted.columns_of(joints, place)
        if len(joints) > len(columns):
            poses = poses.noting(f'{len(columns)} of {len(joints)} joints are used')
        assert poses.img_shape is not None, 'with_size gives them a size'
        video: InputVideo = {
            'keypoint': poses.keypoint[:, :, columns],
            'keypoint_score': poses.keypoint_score[:, :, columns],
            'total_frames': poses.keypoint.shape[1],
            'img_shape': poses.img_shape,
            'notes': poses.notes,
        }
        if keypoint_3d is not None:
            video['keypoint_3d'] = np.asarray(keypoint_3d)[:, :, columns]
        return video
