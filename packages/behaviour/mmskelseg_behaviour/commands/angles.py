"""Measures joint angles, REBA and RULA of each frame, without a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg_behaviour.commands.bouts import DescribeBouts
from mmskelseg_behaviour.drawing.angles import draw_angles
from mmskelseg_behaviour.posture.angles import SIDES, Posture
from mmskelseg_behaviour.posture.scores import read_station
from mmskelseg_behaviour.posture.tasks import Risk, assess, frame_rows
from mmskelseg_behaviour.risks import report
from mmskelseg_io.converters.keypoint_videos import find_keypoints
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.names import file_names
from mmskelseg_io.inputs import PoseInput
from mmskelseg_io.jobs.declared import from_options
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.labels.bouts import write_table
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Fraction, Positive, argument, like, option
from mmskelseg_io.poses import choose_person, each_person, with_rate
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.bodies import camera_view
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.individuals import part_name
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.structures.tiers import flat_label, tiers_of
from mmskelseg_runtime.drawing.images import save_png

_PICKLES = ('.pkl', '.pickle')
# The panels of a picture, and whether each side has a line of its own.
_PANELS = {
    'trunk flexion': False,
    'trunk side bend': False,
    'trunk twist': False,
    'neck flexion': False,
    'shoulder flexion': True,
    'elbow flexion': True,
    'knee flexion': True,
}


@dataclass(frozen=True, kw_only=True)
class MeasureAngles(Job[list[Path]]):
    """Measures joint angles, REBA and RULA of each frame, without a model.

        %(prog)s data/assembly/poses
        %(prog)s shift.json --fps 30 --out shift
        %(prog)s data/assembly/annotations.pkl --station station.csv

    FILES are the poses of people, of any format in docs/keypoint_formats.md, folders of
    them, or annotation files. Joints may be in 3D, or in 2D from a camera at the side,
    which shows flexion while people are in profile, or from above. OUT gets, for each
    recording:

      NAME_angles.csv  a row for each frame: its time, its class in annotation files,
                       whether it is scored, REBA and RULA from their lowest to their
                       highest possible score, and angles in degrees, 0 in an upright
                       stance
      NAME_angles.png  scores and angles over time

    Frames are left out in which angles are out of human range, or jump as no joint
    does; how many, and why, is printed. Scores by task, and the worst moments as a
    picture: mmskelseg bouts --risk. See docs/ergonomics.md.
    """

    files: Sequence[Path] = argument(
        'files of poses, folders of them, or annotation files', metavar='FILES'
    )
    out: Path = option(
        'folder for the files (default: %(default)s)', Path('angles'), metavar='DIR'
    )
    station: Path | None = like(DescribeBouts, 'station')
    person: str = like(PoseInput, 'person')
    fps: Positive | None = like(PoseInput, 'fps')
    img_shape: tuple[int, int] | None = like(PoseInput, 'img_shape')
    pose_format: str | None = like(PoseInput, 'pose_format')
    first_frame: int | None = like(PoseInput, 'first_frame')
    skeleton: Layout | None = like(PoseInput, 'skeleton')
    kpt_thr: Fraction | None = like(PoseInput, 'kpt_thr')

    def run(self, events: Events) -> list[Path]:
        """Write the files, and return them.

        Raises:
            UserError: If a file cannot be read, or names repeat.
        """
        found = [*self._of_annotations(), *self._of_poses()]
        names = [video['frame_dir'] for video, _ in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(
                f'{twice[0]!r} is the name of several recordings; measure their files '
                'one after the other, each with another --out.'
            )
        postures, written = {}, []
        files = file_names(names)
        for video, meta in found:
            classes, name = meta['classes'], video['frame_dir']
            work = read_station(self.station, classes) if self.station else {}
            label = flat_label(video['label'], tiers_of(meta))
            posture, risk = assess(video, label, meta, work)
            postures[name] = posture
            table, picture = (
                self.out / f'{files[name]}_angles{end}' for end in ('.csv', '.png')
            )
            write_table(table, frame_rows(posture, risk, classes))
            save_png(draw_angles(_panels(posture, risk), risk.fps, name), picture)
            for one in (table, picture):
                events.note(str(one))
                written.append(one)
        report(postures)
        return written

    def _of_annotations(self) -> Iterator[tuple[VideoAnnotation, Metainfo]]:
        for path in self.files:
            if path.suffix in _PICKLES:
                data = load_annotations(path)
                for video in data['annotations']:
                    yield video, data['metainfo']

    def _of_poses(self) -> Iterator[tuple[VideoAnnotation, Metainfo]]:
        """Yield the people in files of poses as annotations without labels."""
        paths = [path for path in self.files if path.suffix not in _PICKLES]
        if self.station and paths:
            raise UserError(
                f'--station {self.station}: states the work in each class, but '
                f'{paths[0]} has no labels; name annotation files, or leave it out.'
            )
        given = from_options(PoseInput, vars(self))
        for name, path in find_keypoints(paths).items():
            poses = with_rate(given.read(path), None, given.fps, str(path))
            assert poses.fps is not None, 'with_rate gives them a rate'
            people = (
                {part_name(name, who): one for who, _, one in each_person(poses)}
                if given.person == EACH
                else {name: choose_person(poses, given.person, str(path))}
            )
            for who, one in people.items():
                video: VideoAnnotation = {
                    'frame_dir': who,
                    'keypoint': one.keypoint,
                    'keypoint_score': one.keypoint_score,
                    'label': np.full(one.keypoint.shape[1], IGNORED),
                    'fps': poses.fps,
                }
                if one.keypoint_3d is not None:
                    video['keypoint_3d'] = one.keypoint_3d
                meta: Metainfo = {
                    'classes': [], 'background': None, 'skeleton': one.skeleton
                }  # fmt: skip
                meta['view'] = camera_view(meta, [video])[0]
                yield video, meta


def _panels(
    posture: Posture, risk: Risk
) -> Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]:
    """Return the panels of a picture: the scores, and the angles that are known."""
    panels = {}
    for name, score in risk.scores.items():
        low, high = (
            np.where(risk.seen, end, np.nan) for end in (score.low, score.high)
        )
        panels[f'{name.upper()}, lowest to highest'] = {'': (low, high)}
    for name, is_sided in _PANELS.items():
        key = name.replace(' ', '_')
        lines = {
            side: posture[f'{side}_{key}' if side else key]
            for side in (SIDES if is_sided else ('',))
        }
        if any(np.isfinite(line).any() for line in lines.values()):
            panels[f'{name} (°)'] = {side: (x, x) for side, x in lines.items()}
    return panels


main = MeasureAngles.main
