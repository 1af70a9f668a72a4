"""Convert the mice of CalMS21, of any of its tasks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg.converters.data_sets import DataSet
from mmskelseg_io.converters import building
from mmskelseg_io.files.calms21 import FPS, LabSequence, read_sequences
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.labels.calms21 import frame_classes
from mmskelseg_io.messages.errors import MissingFileError, UserError, reading
from mmskelseg_io.messages.options import argument
from mmskelseg_io.poses.calms21 import MOUSE7, poses_of
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation

EXAMPLES = """examples:
  %(prog)s task1_classic_classification data/calms21
"""
BACKGROUND = 'other'
DATA = DataSet('calms21', MOUSE7, view='top', background=BACKGROUND)


@dataclass(frozen=True, kw_only=True)
class ConvertCalMS21(building.Converter):
    """Convert the mice of CalMS21, of any of its tasks.

    SRC is the folder of a task of the release (CaltechDATA s0vdx-0k302), with the files
    that end in train.json and test.json; files of features are left out. A video has
    two mice, resident and intruder, and the classes of the task, such as attack,
    investigation, mount and other.
    """

    examples = EXAMPLES
    source: Path = argument('folder of a task of the release', metavar='SRC')

    def run(self, events: Events) -> Path:
        """Write the annotation file of a task.

        Raises:
            UserError: If a file is missing or faulty, or names repeat.
        """
        building.check_folder(self.source, 'it must contain calms21_task1_train.json')
        found: dict[str, tuple[str, LabSequence]] = {}
        for part in ('train', 'test'):
            paths = self.source.glob(f'*{part}.json')
            for path in sorted(p for p in paths if 'features' not in p.name):
                for name, one in read_sequences(path).items():
                    if name in found:
                        raise UserError(
                            f'{one.place}: a sequence of this name is in another file '
                            'as well; name a folder of one task.'
                        )
                    found[name] = part, one
        if not found:
            raise MissingFileError(
                f'{self.source}: has no file that ends in train.json or test.json; '
                'name the folder of a task of the release.'
            )
        classes = list(dict.fromkeys(c for _, one in found.values() for c in _own(one)))
        split: dict[str, list[str]] = {'train': [], 'test': []}
        for name, (part, _) in found.items():
            split[part].append(name)
        meta: Metainfo = {'classes': classes}
        meta['background'] = BACKGROUND if BACKGROUND in classes else None
        with reading(self.source):
            videos = [_video(name, one, classes) for name, (_, one) in found.items()]
        return building.write(
            self.out,
            {'annotations': videos, 'split': split, 'metainfo': DATA.metainfo(meta)},
            events,
            source=self.source,
        )


def _own(one: LabSequence) -> list[str]:
    """Return the classes of a recording in the order of their ids."""
    return [one.classes[number] for number in sorted(one.classes)]


def _video(name: str, one: LabSequence, classes: list[str]) -> VideoAnnotation:
    poses = poses_of(one)
    if not one.content.annotations or poses.img_shape is None:
        raise UserError(
            f'{one.place}: expected annotations and keypoints of two mice with seven '
            'joints; name the folder of a task of CalMS21.'
        )
    label = frame_classes(one)
    if label.shape != poses.keypoint.shape[1:2]:
        raise UserError(
            f'{one.place}: annotations of shape {label.shape}, but keypoints of '
            f'{poses.keypoint.shape[1]} frames; copy the release again.'
        )
    ids = {number: classes.index(own) for number, own in one.classes.items()}
    label = np.array([ids.get(k, -1) for k in label.tolist()], np.int64)
    shared: VideoAnnotation = {'img_shape': poses.img_shape, 'fps': FPS}
    return building.annotation(
        shared, name, poses.keypoint, poses.keypoint_score, label
    )


main = ConvertCalMS21.main
