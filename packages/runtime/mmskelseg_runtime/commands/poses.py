"""Estimates the poses in videos, and writes them as a data set without labels."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.files.arrays import read_npz as read_npz_arrays
from mmskelseg_io.files.inputs import look_into
from mmskelseg_io.files.names import file_name
from mmskelseg_io.files.parsing import read_json, read_names
from mmskelseg_io.files.video import VIDEO_SUFFIXES, VideoFile, is_video
from mmskelseg_io.inputs import ObjectInput
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.counts import with_names
from mmskelseg_io.messages.errors import UserError, check_name
from mmskelseg_io.messages.options import argument, like, option
from mmskelseg_io.objects import FoundObjects, kinds_of, read_objects
from mmskelseg_io.objects.mmdet import write_mmdet
from mmskelseg_io.poses import Poses, choose_person, read_npz, write_npz
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.choices import POLICIES
from mmskelseg_runtime.commands.models import PoseEstimation
from mmskelseg_runtime.estimators import PoseEstimator, build_pose_estimator
from mmskelseg_runtime.estimators.detecting import ObjectDetector, build_detector

EXAMPLES = """examples:
  # RTMPose, whose networks are fetched once
  %(prog)s videos data/mine
  # Faster R-CNN and HRNet, as in the paper; the largest of several people
  %(prog)s take1.mp4 take2.mp4 data/mine --pose-estimator topdown \\
      --person largest
  # with the cups and bottles that MMDetection finds
  %(prog)s videos data/mine --objects rtmdet-s --object-kinds cup bottle
  # with local weights
  %(prog)s videos data/mine --pose-estimator mmpose:human \\
      --pose-options weights=rtmpose-m.pth detector=rtmdet-m \\
      detector_weights=rtmdet-m.pth
"""
# The class of a data set without classes.
UNLABELLED = 'unlabelled'


def _find_videos(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the video files by their names without suffix."""
    found: dict[str, Path] = {}
    kinds = f'video file ({", ".join(VIDEO_SUFFIXES)})'
    for file in look_into(paths, is_video, kinds):
        check_name(file.stem, 'The name of a video')
        if file.stem in found:
            raise UserError(
                f'{found[file.stem]} and {file} have the same name; rename one, or '
                'estimate their poses into different folders.'
            )
        found[file.stem] = file
    for file in found.values():
        VideoFile.open(file)
    return found


def _extract(estimator: PoseEstimator, video: Path, file: Path) -> Poses:
    """Return everybody's poses in a video, from its .npz file if it exists."""
    asked = {'estimator': estimator.settings(), 'bytes': video.stat().st_size}
    if file.exists():
        made = json.loads(str(read_npz_arrays(file).get('made_by', 'null')))
        _check_maker(file, made, asked)
    else:
        made_by = np.array(json.dumps(asked))
        write_npz(estimator.estimate(video), file, made_by=made_by)
    # Read the file even if it is new, so that results are the same.
    return read_npz(file)


def _detect(detector: ObjectDetector, video: Path, file: Path) -> FoundObjects:
    """Return the objects in a video, from its file if it exists."""
    asked = {'estimator': detector.settings(), 'bytes': video.stat().st_size}
    if file.exists():
        made = read_json(file, 'mmskelseg poses')
        _check_maker(
            file, made.get('made_by') if isinstance(made, dict) else None, asked
        )
    else:
        found = detector.detect(video)
        write_mmdet(file, found, detector.classes, made_by=asked)
    (objects,) = read_objects(file, 'mmdet')
    return objects


def _check_maker(
    file: Path, made: Mapping[str, object] | None, asked: Mapping[str, object]
) -> None:
    if made != json.loads(json.dumps(asked)):
        raise UserError(
            f'{file}: made by {_shown(made)}, not by {_shown(asked)}; delete it to '
            'estimate this again, or choose another OUT.'
        )


def _annotation(name: str, video: Path, poses: Poses, out: Path) -> VideoAnnotation:
    annotation = {
        **poses.annotation(name),
        'label': np.full(poses.keypoint.shape[1], -1),
        'filename': Path(os.path.relpath(video, out)).as_posix(),
        **poses.arrays,
    }
    return cast('VideoAnnotation', annotation)


def _shown(made: Mapping[str, object] | None) -> str:
    if made is None:
        return 'an unknown estimator'
    return f'{made["estimator"]} from a video of {made["bytes"]} bytes'


@dataclass(frozen=True, kw_only=True)
class EstimatePoses(Job[AnnotationFile]):
    """Estimates the poses in videos, and writes them as a data set without labels.

    VIDEO is a video file, or a folder with video files. OUT gets poses/VIDEO.npz with
    the poses of everybody in a video, and annotations.pkl with all videos in the split
    `test`, without labels (-1). Existing .npz files are reused: a stopped run can be
    continued, and --person can be changed without estimating again. To add
    labels, convert OUT/poses with `mmskelseg convert keypoints`.
    docs/pose_estimation.md says more.

    With --objects, a network of MMDetection finds objects as well, and OUT gets
    objects/VIDEO.json, which --objects of `convert keypoints` and `segment` reads.
    """

    kept = 'poses of finished videos are kept; the same command continues.'
    examples = EXAMPLES
    videos: Sequence[Path] = argument('files or folders', metavar='VIDEO')
    out: Path = argument('folder for annotations.pkl and poses/', metavar='OUT')
    pose_estimator: str = like(PoseEstimation, 'pose_estimator')
    pose_options: Mapping[str, object] | None = like(PoseEstimation, 'pose_options')
    person: str = option(
        'which of several people to use: the longest track by overlap of boxes, the '
        'largest box, the highest score, or everybody (default: %(default)s)',
        'track',
        choices=POLICIES,
    )
    classes: Sequence[str] | None = option(
        'classes of a model that will be tested on these videos, in the order of their '
        f'ids, or a text file with one per line (default: {UNLABELLED})',
        None,
        metavar='NAME',
    )
    name: str | None = option("the data set's name (default: that of OUT)", None)
    objects: str | None = option(
        'also find objects, by a network of MMDetection: its name or alias in the '
        'model zoo, such as rtmdet-s, or the path of a config',
        None,
        metavar='NETWORK',
    )
    object_options: Mapping[str, object] | None = option(
        'options of this network, such as weights=FILE, box_score=0.5 or device=cpu',
        None,
        metavar='KEY=VALUE',
    )
    object_kinds: Sequence[tuple[str, str]] = like(ObjectInput, 'object_kinds')

    def run(self, events: Events) -> AnnotationFile:
        """Estimate the poses that are missing, and write the data set.

        Raises:
            UserError: If OUT is a file, or poses cannot be estimated.
        """
        if self.out.is_file() or is_video(self.out):
            raise UserError(
                f'{self.out}: a file, but the last argument, OUT, must be a folder.'
            )
        videos = _find_videos(self.videos)
        estimator = build_pose_estimator(
            self.pose_estimator, **(self.pose_options or {})
        )
        detector = None
        if self.objects is not None:
            detector = build_detector(self.objects, **(self.object_options or {}))
        objects: list[FoundObjects] = []
        annotations: list[VideoAnnotation] = []
        notes: dict[str, list[str]] = {}
        for i, (name, path) in enumerate(videos.items()):
            file = self.out / 'poses' / f'{file_name(name)}.npz'
            state = f'done, in {file}' if file.exists() else path
            events.progress(f'{name}: {state}', i, len(videos))
            poses = choose_person(
                _extract(estimator, path, file), self.person, str(path)
            )
            annotations.append(_annotation(name, path, poses, self.out))
            if detector is not None:
                file = self.out / 'objects' / f'{file_name(name)}.json'
                found = _detect(detector, path, file).chosen(dict(self.object_kinds))
                objects.append(found)
                shape = poses.keypoint.shape[1], annotations[-1]['fps']
                annotations[-1]['objects'] = found.tracked(*shape, poses.img_shape)
            for note in poses.notes:
                notes.setdefault(note, []).append(name)
        data: AnnotationFile = {
            'split': {'test': list(videos)},
            'annotations': annotations,
            'metainfo': {
                'classes': read_names(self.classes) if self.classes else [UNLABELLED],
                'skeleton': poses.skeleton,
                'dataset': self.name or self.out.resolve().name,
                'background': None,
                'person': self.person,
                'pose_estimator': json.loads(json.dumps(estimator.settings())),
                'notes': with_names(notes, len(videos)),
                **({} if detector is None else {'objects': kinds_of(objects)}),
            },
        }
        save_annotations(data, self.out / 'annotations.pkl')
        for note in data['metainfo']['notes']:
            events.note(note)
        frames = sum(video['total_frames'] for video in annotations)
        events.note(f'videos: {len(annotations)}, frames: {frames:,}')
        events.note(f'written to {self.out / "annotations.pkl"}')
        return data


main = EstimatePoses.main
