"""Annotations that fit a model, from the files or data of videos."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from mmskelseg_io.files.inputs import check_fps, is_file
from mmskelseg_io.files.video import VideoFile
from mmskelseg_io.inputs import PoseInput
from mmskelseg_io.messages.errors import UserError, check_name, shown
from mmskelseg_io.poses import Poses, choose_person, each_person, with_rate, with_size
from mmskelseg_io.poses.layouts import counted_layout
from mmskelseg_io.poses.npz import keypoint_arrays, matching
from mmskelseg_io.poses.poses import check_img_shape
from mmskelseg_io.poses.tracking import of_rows
from mmskelseg_io.structures import Skeleton, is_data_layout
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.individuals import absences, alone, part_name
from mmskelseg_io.structures.predictions import InputVideo
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.segmenting.sources import Source


def _stated(source: Source) -> InputVideo:
    """Return the entry of a source without None values, after checking its names."""
    entry = {k: value for k, value in (source.entry or {}).items() if value is not None}
    for key in ('frame_dir', 'filename'):
        if not isinstance(entry.get(key, ''), str):
            raise UserError(
                f'{source.name}: {key} is {shown(entry[key])}, expected a string.'
            )
    return cast(InputVideo, entry)


def _check_values(entry: InputVideo, frames: int, meta: Metainfo, name: str) -> None:
    """Raise a UserError if the labels or risks of an entry do not fit its frames.

    Labels are (T,), or (G, T) if there are tiers.
    """
    matching(entry, 'risk', (frames,), name)
    tiers = tiers_of(meta)
    rows = (len(tiers),) * ('tiers' in meta)
    label = matching(entry, 'label', (*rows, frames), name)
    if label is None:
        return
    for tier, row in zip(tiers, label.reshape(-1, frames), strict=True):
        wrong = (row % 1 != 0) | (row < IGNORED) | (row >= len(tier.classes))
        if wrong.any():
            where = f'label of tier {tier.name!r}' if tier.name else 'label'
            raise UserError(
                f'{name}: {where} holds {row[wrong][0]}, expected class ids from 0 to '
                f'{len(tier.classes) - 1}, or {IGNORED} for no label.'
            )


def _unseen(video: InputVideo) -> tuple[str, ...]:
    """Return a note about intervals of over a second in which nobody is seen."""
    fps, found = video['fps'], absences(alone(video)['keypoint_score'])
    gaps = [(start / fps, end / fps) for start, end in found if end - start > fps]
    if not gaps:
        return ()
    listed = ', '.join(f'from {start:.1f} to {end:.1f} s' for start, end in gaps[:3])
    more = f' and in {len(gaps) - 3} more intervals' if len(gaps) > 3 else ''
    return (f'nobody is seen {listed}{more}; labels there are guesses',)


def _with_objects(
    poses: Poses, source: Source, file: VideoFile | None = None
) -> tuple[Poses, InputVideo]:
    """Return poses with notes on the objects of their source, and these, if any."""
    if source.objects is None:
        return poses, {}
    assert poses.fps is not None, 'objects are in frames of known poses'
    rate = file.fps if file else None
    count = poses.keypoint.shape[1]
    objects = source.objects.tracked(count, poses.fps, poses.img_shape, rate)
    return poses.noting(*source.objects.notes), {'objects': objects}


@dataclass(frozen=True)
class InputReader:
    """A reader that turns sources into annotations that fit a model.

    An annotation is as in docs/data_format.md, with ``label`` only if it is known, and
    the path of the video as ``filename``. It also has ``skeleton``, ``estimated`` if
    its poses are from an estimator, and ``notes``, sentences about assumptions. With
    ``person='each'`` there is one for each person, with the name of the ``person`` and
    that of the ``video``, and its ``frame_dir`` is ``<video>_<person>``. With
    ``given.others``, they follow the chosen person in the arrays, its ``individual``.

    Args:
        skeleton: The layout that the model was trained on.
        classes: The classes of the model.
        needs_poses: Whether the model reads skeletons.
        needs_video: Whether the model reads the frames of a video.
        estimate: Function that returns the poses in a video file.
        given: How files of poses are read, and whose are used. Its ``others`` says
            whether the model also reads them, its ``kpt_thr`` is that of the training.
        joints: Names of joints in poses, by those of the model, where they differ.
    """

    skeleton: Layout
    classes: tuple[str, ...]
    needs_poses: bool
    needs_video: bool
    estimate: Callable[[Path], Poses]
    given: PoseInput
    joints: Mapping[str, str] = field(default_factory=dict)

    def read(self, source: Source) -> list[InputVideo]:
        """Return the annotation of one video, or those of its people.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If the source lacks something that the model needs.
        """
        if self.given.person == EACH and not self.needs_poses:
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
            if self.needs_poses and self.given.person != EACH:
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
        times = file.times()
        return [
            {
                'filename': str(file.path.absolute()),
                'img_shape': file.img_shape,
                'total_frames': times.count,
                'fps': check_fps(self.given.fps or file.fps, source.name),
                'notes': times.notes(),
            }
        ]

    def _of_entry(self, source: Source, entry: InputVideo) -> list[InputVideo]:
        name, is_one = source.name, 'individual' in entry
        entry = entry if self.given.others else cast(InputVideo, alone(entry))
        layout = (source.metainfo or entry).get('skeleton', self.skeleton)
        if layout is not self.skeleton and not is_data_layout(layout):
            # A path is not accepted, since the file could be a program.
            raise UserError(
                f'{name}: skeleton is {shown(layout)}, expected the name of a layout '
                'or a dict of joints and limbs.'
            )
        keypoint, score = keypoint_arrays(entry, name)
        person = self.given.person
        if len(keypoint) > 1 and person not in ('track', 'all', EACH):
            raise UserError(
                f'{name}: person is {person!r}, but the {len(keypoint)} people of an '
                'annotation can only be used together or separately (each); leave it '
                'out, or give the poses that the annotation was made from.'
            )
        layout, _ = counted_layout(keypoint.shape[2], layout, name)
        fps = entry.get('fps', self.given.fps)
        if fps is None:
            raise UserError(
                f'{name}: the frame rate is unknown; give fps, frames per second.'
            )
        fps = check_fps(fps, name)
        size = entry.get('img_shape', self.given.img_shape)
        size = None if size is None else check_img_shape(size, name)
        poses = Poses(keypoint, score, layout, size, fps).above(self.given.kpt_thr or 0)
        keypoint_3d = matching(entry, 'keypoint_3d', (*keypoint.shape[:3], 3), name)
        poses, objects = _with_objects(poses, source)
        # The layout becomes the model's; a predicted person is one of several.
        dropped = ('skeleton', *(() if 'video' in entry else ('person',)))
        kept = cast(InputVideo, {k: v for k, v in entry.items() if k not in dropped})
        videos: list[InputVideo] = [
            {**kept, **objects, **self._fitted(each, name, each_3d), **who}
            for each, each_3d, who in (
                [(poses, keypoint_3d, cast(InputVideo, {}))]
                if is_one
                else self._people(poses, source, keypoint_3d)
            )
        ]
        meta: Metainfo = {'classes': list(self.classes)}
        meta.update(source.metainfo or {})
        classes = meta['classes']
        _check_values(entry, keypoint.shape[1], meta, name)
        for video in videos:
            if 'up' in meta:
                video['up'] = meta['up']
            if 'view' in meta:
                video['view'] = meta['view']
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
        poses, place, given = source.poses, source.name, self.given
        size = file.img_shape if file else None
        if poses is None:
            assert file is not None
            poses, place = self.estimate(file.path), str(file.path)
        elif isinstance(poses, Path):
            place = str(poses)
            poses = given.read(poses, size, self.skeleton)
        size = given.img_shape or size
        poses = poses.above(given.kpt_thr or 0)
        poses = poses.noting(img_shape=poses.img_shape or size)
        if given.person != EACH:
            poses = choose_person(poses, given.person, place, others=given.others)
        if source.poses is not None:
            poses = with_rate(poses, file, given.fps, place)
        assert poses.fps is not None, 'with_rate and estimators give them a rate'
        more: InputVideo = {'fps': poses.fps, 'estimated': source.poses is None}
        poses, objects = _with_objects(poses, source, file)
        more.update(objects)
        if given.others:
            more['individual'] = 0
        if file is not None:
            more['filename'] = str(file.path.absolute())
        return [
            {**self._fitted(each, place, each.keypoint_3d), **more, **who}
            for each, _, who in self._people(poses, source)
        ]

    def _people(
        self, poses: Poses, source: Source, keypoint_3d: np.ndarray | None = None
    ) -> Iterator[tuple[Poses, np.ndarray | None, InputVideo]]:
        """Yield the poses in 2D and 3D of each person, and the person's name."""
        if self.given.person != EACH:
            yield poses, keypoint_3d, {}
            return
        for name, rows, each in each_person(poses, others=self.given.others):
            who: InputVideo = {
                'person': name,
                'video': source.name,
                'frame_dir': part_name(source.name, name),
            }
            if self.given.others:
                who['individual'] = 0
            in_3d = None if keypoint_3d is None else of_rows(keypoint_3d, rows)
            yield each, in_3d, who

    def _fitted(
        self, poses: Poses, place: str, keypoint_3d: np.ndarray | None = None
    ) -> InputVideo:
        """Return the annotation of poses, with the joints of the model."""
        wanted, own = Skeleton.get(self.skeleton), poses.joints
        poses = with_size(poses)
        absent = [one for one, name in self.joints.items() if not (name or one in own)]
        joints = [*own, *absent]
        columns = wanted.columns_of(joints, place, self.joints)
        pairs = zip(wanted.joints, columns, strict=True)
        renamed = [f'{joints[i]} is {name}' for name, i in pairs if joints[i] != name]
        if renamed:
            poses = poses.noting(f'joints of other names: {", ".join(renamed)}')
        if absent:
            poses = poses.noting(f'always missing: {", ".join(absent)}')
        if len(joints) > len(columns):
            poses = poses.noting(f'{len(columns)} of {len(joints)} joints are used')

        def of_joints(values: np.ndarray) -> np.ndarray:
            """Return values (M, T, V, ...) of the joints of the model."""
            room = [(0, 0), (0, 0), (0, len(absent)), (0, 0)][: values.ndim]
            return np.pad(values, room)[:, :, columns]

        assert poses.img_shape is not None, 'with_size gives them a size'
        video: InputVideo = {
            'keypoint': of_joints(poses.keypoint),
            'keypoint_score': of_joints(poses.keypoint_score),
            'total_frames': poses.keypoint.shape[1],
            'img_shape': poses.img_shape,
            'notes': poses.notes,
        }
        if self.given.others and poses.people:
            video['people'] = list(poses.people)
        if keypoint_3d is not None:
            video['keypoint_3d'] = of_joints(np.asarray(keypoint_3d))
        return video
