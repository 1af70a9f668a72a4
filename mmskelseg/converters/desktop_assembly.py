"""Convert labels and 2D poses of Desktop Assembly to mmskelseg's annotation file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg.converters.data_sets import DataSet
from mmskelseg.converters.shared_layout import (
    ImportOptions,
    find_labels,
    read_label,
    read_mapping,
    read_splits,
)
from mmskelseg_io.converters import building
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.options import argument, grouped, like, option
from mmskelseg_io.structures.annotations import VideoAnnotation

EXAMPLES = """examples:
  # every fifth video is for testing
  %(prog)s RAW data/desktop_assembly
  # your own test videos, poses from another folder, size and frame rate of the videos
  %(prog)s RAW data/desktop_assembly \\
      --test 2020-04-02-150120,2020-04-19_14-03-25 --keypoints hrnet \\
      --size 1280x720 --fps 10
"""
FPS = 10.0
CLASSES = (
    'Pick_up_chip', 'Place_chip_on_motherboard', 'Close_cover',
    'Pick_up_screw_and_screwdriver', 'Tighten_screw', 'Plug_stick_in', 'Pick_up_fan',
    'Place_fan_on_motherboard', 'Tighten_screw_1', 'Tighten_screw_2', 'Tighten_screw_3',
    'Tighten_screw_4', 'Put_screwdriver_down', 'Connect_wire_to_motherboard',
    'Pick_up_RAM', 'Install_RAM', 'Pick_up_HDD', 'Install_HDD', 'Connect_wire_1_to_HDD',
    'Connect_wire_2_to_HDD', 'Pick_up_lid', 'Close_lid', 'Background',
)  # fmt: skip

DATA = DataSet('desktop_assembly', 'coco17')


def read_poses(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return joints (1, T, 17, 2) and scores (1, T, 17), 0 where a joint is missing."""
    meaning = '(frames, 17, 3): x, y and score of COCO joints'
    joints = building.read_numbers(path, meaning, (None, 17, 3))
    missing = np.isnan(joints).any(-1, keepdims=True)
    pose = np.where(missing, 0, joints).astype(np.float32)[None]
    return pose[..., :2], pose[..., 2]


def _choose_split(
    test: str | None, videos: list[str], source: Path
) -> tuple[dict[str, list[str]], dict[tuple[str, str], Path], dict[str, str]]:
    """Return the split, the file of each of its parts, and what was assumed."""
    if test is None and (source / 'splits').is_dir():
        return *read_splits(source / 'splits', 1), {}
    assumed = 'every fifth video is for testing: the release has none'
    split = building.choose_split(test, videos, source)
    return split, {}, {'split': assumed} if test is None else {}


@dataclass(frozen=True, kw_only=True)
class ConvertDesktopAssembly(building.Converter):
    """Convert labels and 2D poses of Desktop Assembly to mmskelseg's annotation file.

    SRC contains labels and poses for each of the 76 videos:

        groundTruth/VIDEO           the class name of each frame, one per line
        mapping/mapping.txt         the 23 classes, one per line: ID NAME
        keypoints/VIDEO.npy         (T, 17, 3) COCO joints: x and y in pixels, and a
                                    score
        splits/*.split1.bundle      the videos of `train` and of `test`, one per line

    Labels and mapping are as the authors released them (VIDEO.txt and SRC/mapping.txt
    are also read; without a mapping, the 23 published names are used). The release has
    image features but no poses, so **keypoints/ is our convention**: estimate poses
    with HRNet or another COCO model, and write NaN or a score of 0 for joints that were
    not found. The release has no splits either: provide bundles or --test; otherwise
    every fifth video is for testing. See docs/datasets/desktop_assembly.md.
    """

    examples = EXAMPLES
    source: Path = argument(
        'folder with groundTruth, mapping and keypoints', metavar='SRC'
    )
    test: str | None = option(
        'test videos (default: those of SRC/splits, or every fifth)',
        None,
        metavar='VIDEO,VIDEO',
    )
    keypoints: Path | None = option(
        'folder of the poses (default: SRC/keypoints)', None
    )
    background: str | None = like(ImportOptions, 'background')
    size: tuple[int, int] = option(
        'size of the images to which the pixels refer (default: 640x480)', (480, 640)
    )
    given: building.ReleaseOptions = grouped(default=building.ReleaseOptions(FPS))

    def run(self, events: Events) -> Path:
        """Write the annotation file of the release."""
        source, size, given = self.source, self.size, self.given
        labels = find_labels(source / 'groundTruth')
        classes = read_mapping(source, CLASSES)
        split, files, assumed = _choose_split(self.test, list(labels), source)
        assumed = {
            'fps': f'{given.fps:g}: the release states none',
            'img_shape': f'{size[1]}x{size[0]}: the release states none',
            **assumed,
        }
        folder = self.keypoints or source / 'keypoints'
        building.check_folder(folder, 'name the one with VIDEO.npy with --keypoints')
        annotations: list[VideoAnnotation] = []
        shared: VideoAnnotation = {'img_shape': size, 'fps': given.fps}
        for video, label in labels.items():
            pose = folder / f'{video}.npy'
            files |= {(video, key): pose for key in ('keypoint', 'keypoint_score')}
            files[video, 'label'] = label
            arrays = (*read_poses(pose), read_label(label, classes))
            annotations.append(building.annotation(shared, video, *arrays))
        meta = DATA.metainfo({
            'classes': list(classes.values()),
            'background': self.background,
            'assumed': assumed,
        })  # fmt: skip
        return building.write(
            self.out,
            {'annotations': annotations, 'split': split, 'metainfo': meta},
            events,
            source=source, files=files, folds=given.folds, videos=given.videos,
        )  # fmt: skip


main = ConvertDesktopAssembly.main
