"""Convert from and to the layout in which skeleton segmentation papers share data.

DeST's repository has PKU-MMD, LARa, MCFS-22, MCFS-130, TCG-15 and HuGaDB in it.

    features/VIDEO.npy           (C, T, V, M), (C, T, V), (T, V, C) or (T, M*V*C)
    gt_arr/VIDEO.npy             the class id of each frame, (T,)
    gt_boundary_arr/VIDEO.npy    1 where a segment begins, (T,)
    mapping.txt                  the classes, one per line: ID NAME
    splits/train.split1.bundle   the videos of a split, one per line: VIDEO.txt
    csv/train1.csv               or a table of them: feature,label,boundary

`import` makes an annotation file from it, `export` writes it. See `import --help` and
`export --help`, and docs/datasets/dest.md.

    %(prog)s import dataset/PKU-subject data/pku
    %(prog)s export data/mine/annotations.pkl dataset/LARA
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from mmskelseg.converters.dest_arrays import (
    AXES,
    BY_COUNT,
    IMAGE_AXES,
    annotate,
    begins,
    joint_array,
    joint_channels,
    read_ids,
    read_joints,
    read_signals,
)
from mmskelseg.converters.shared_layout import (
    NO_SKELETON,
    Exporter,
    ImportOptions,
    LayoutVideo,
    class_names,
    command_of,
    find_labels,
    folder_new,
    read_mapping,
    read_splits,
    read_videos,
    saved_features,
    write_layout,
    write_text,
)
from mmskelseg_io.converters import building
from mmskelseg_io.files.annotations import fold_splits, load_annotations
from mmskelseg_io.files.names import file_name
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument, grouped, option
from mmskelseg_io.poses.layouts import stated_layout
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import SIDE
from mmskelseg_io.structures.skeleton import Layout

IMPORT_EXAMPLES = """examples:
  # a known data set, in a folder of its name: PKU-subject, LARA, MCFS-22, ...
  %(prog)s dataset/LARA data/lara --sample 4
  # another data set: 17 joints in 2D with a score, in pixels
  %(prog)s dataset/mine data/mine \\
      --skeleton coco17 --fps 30 --channels xys --size 1280x720
"""
EXPORT_EXAMPLES = """examples:
  %(prog)s data/mine/annotations.pkl dataset/mine
  # arrays in the form that DeST uses for MCFS, and for PKU-MMD
  %(prog)s data/mine/annotations.pkl dataset/MCFS-22 --axes TVC
  %(prog)s data/mine/annotations.pkl dataset/PKU-view --axes TD
"""
# The folders of arrays, in the order of the columns of tables.
PARTS = ('features', 'gt_arr', 'gt_boundary_arr')


def channels(text: str) -> str:
    """Return the value of --channels, a letter for each number of a joint.

    Raises:
        UserError: If it is neither ``none`` nor letters with x and y.
    """
    letters = text.replace('.', '')
    once = len(set(letters)) == len(letters)
    if text != 'none' and not (once and set('xy') <= set(letters) <= set('xyzs')):
        raise UserError(
            f'{text} is neither none nor letters that include x and y, such as xyz, '
            'xys or ...xyz'
        )
    return text


@dataclass(frozen=True)
class Release:
    """Properties of a data set that its files lack; sources: docs/datasets/dest.md.

    What is empty is unknown.
    """

    channels: str | None = option(
        'meaning of each number of a joint: x, y, z, s (score), or a dot to ignore it; '
        'none without coordinates (default: those of the release, or xy for two '
        'numbers and xyz for three)',
        None,
        type=channels,
        metavar='xyz|xys|...',
    )
    fps: float = option(
        'frames per second of the files (default: those of the release)', 0.0
    )
    skeleton: Layout = option(
        'layout of the joints: a name such as kinect25, mmpose:NAME, or a JSON file '
        'with joints and limbs (default: that of the release)',
        '',
        type=stated_layout,
    )
    vertical: str = option(
        'vertical axis of 3D joints and its direction (default: that of the release, '
        'or y-up)',
        '',
        choices=IMAGE_AXES,
    )
    size: tuple[int, int] | None = option(
        'size of the images if x and y are pixels (default: that of the release; '
        'without it, coordinates are fitted into an image)',
        None,
    )


_MCFS = Release('xys', 30, 'openpose_body25', size=(720, 1280))
_PKU = Release('xyz', 30, 'kinect25')
_TCG = Release('xyz', 100, 'tcg17', vertical='z-up')
RELEASES = {
    'PKU-subject': _PKU,
    'PKU-view': _PKU,
    'LARA': Release('...xyz', 200, 'lara19', vertical='z-up'),
    'MCFS-22': _MCFS,
    'MCFS-130': _MCFS,
    'TCG-15': _TCG,
    'tcg': _TCG,
    'hugadb': Release('none', 58.8),
}


def find_release(
    source: Path, name: str | None, stated: Release, sample: int
) -> tuple[Release, dict[str, str]]:
    """Return the properties of a data set, and which of them are assumed.

    The folder may have the name of a known data set; the user may have
    ``stated`` some of them. Keeping every ``sample``-th frame divides the frame rate.

    Raises:
        UserError: If something is neither known nor stated.
    """
    folder = source.resolve().name
    by_folder = {name.lower(): name for name in RELEASES}.get(folder.lower())
    own = {key: value for key, value in vars(stated).items() if value}
    release = replace(RELEASES.get(name or by_folder or '', Release()), **own)
    lacking = [] if release.fps else ['--fps']
    if release.channels != 'none' and not release.skeleton:
        lacking.append('--skeleton')
    if lacking:
        raise UserError(
            f'{source}: {folder} is not a known data set, and its files do not '
            f'state everything; give {" and ".join(lacking)}, or name a known one '
            f'with --release ({", ".join(RELEASES)}).'
        )
    assumed = {}
    if not stated.fps:
        assumed['fps'] = f'{release.fps / sample:g}: the files state none'
    vertical = release.vertical or 'y-up'
    return replace(release, fps=release.fps / sample, vertical=vertical), assumed


@dataclass(frozen=True, kw_only=True)
class ImportDeST(building.Converter):
    """Make an annotation file from skeletons and labels in DeST's layout.

    SRC contains features/, gt_arr/, mapping.txt and splits/ or csv/. The files do not
    state skeleton, frame rate or channels: they are known for the data sets listed at
    --release; for others, give --skeleton, --fps and --channels. 3D joints become
    keypoint_3d, and their 2D view becomes keypoint. Signals that are not coordinates
    become features in OUT/features/MODALITY/VIDEO.npy.
    """

    examples = IMPORT_EXAMPLES
    source: Path = argument(
        'folder with features, gt_arr, mapping.txt and splits', metavar='SRC'
    )
    release: str | None = option(
        'the data set (default: the one with the name of the folder)',
        None,
        choices=RELEASES,
    )
    stated: Release = grouped(default=Release())
    splits: Path | None = option(
        'folder of the splits (default: SRC/splits, or SRC/csv)', None
    )
    given: ImportOptions = grouped(default=ImportOptions())
    modality: str = option(
        'key of signals that are not coordinates (default: %(default)s)', 'imu'
    )

    def run(self, events: Events) -> Path:
        """Write the annotation file of a folder."""
        source, given = self.source, self.given
        known, assumed = find_release(source, self.release, self.stated, given.sample)
        classes = read_mapping(source)
        kind = 'an array for each video, with the class id of each frame'
        labels = find_labels(source / 'gt_arr', kind)
        splits = self.splits or source / 'splits'
        if self.splits is None and not splits.is_dir():
            splits = source / 'csv'
        parts, files = read_splits(splits, given.split)
        read_label = partial(read_ids, classes=list(classes))
        read = partial(read_videos, source, labels, read_label=read_label, given=given)
        meta: Metainfo = {
            'classes': list(classes.values()),
            'skeleton': known.skeleton or NO_SKELETON,
            'dataset': source.resolve().name,
            'background': given.background,
            'assumed': assumed,
        }
        write = partial(
            building.write, self.out, events=events, source=source, files=files
        )
        data: AnnotationFile = {'annotations': [], 'split': parts, 'metainfo': meta}
        if known.channels == 'none':
            target, signals = self.out / 'features' / self.modality, read(read_signals)
            with saved_features(target, signals, known.fps, events) as videos:
                return write({**data, 'annotations': videos})
        for name in labels:
            for key in ('keypoint', 'keypoint_score'):
                files[name, key] = source / 'features' / f'{name}.npy'
        stated = self.stated.channels is not None
        videos = _annotate_all(read, known, stated, assumed)
        if 'keypoint_3d' in videos[0]:
            axis, _, direction = known.vertical.partition('-')
            meta['up'] = f'-{axis}' if direction == 'down' else axis
        return write({**data, 'annotations': videos})


def _annotate_all(
    read: Callable[..., Iterator[LayoutVideo]],
    known: Release,
    stated: bool,
    assumed: dict[str, str],
) -> list[VideoAnnotation]:
    """Return the annotations of all videos, and add to ``assumed``."""
    joints = Skeleton.get(known.skeleton).num_joints
    count = len(known.channels or BY_COUNT[3])
    videos = []
    read_pose = partial(read_joints, joints=joints, count=count)
    make = partial(annotate, fps=known.fps, vertical=known.vertical, size=known.size)
    for name, file, pose, label in read(read_pose):
        meaning = joint_channels(file, pose.shape[3], known.channels, stated)
        videos.append(make(name, pose.swapaxes(0, 1), meaning, label))
        if not stated:
            assumed['channels'] = f'{meaning}: the files do not state their meaning'
        if videos[-1]['img_shape'] != known.size:
            axis = f', {known.vertical}' if 'z' in meaning else ''
            assumed['camera'] = f'coordinates{axis}, fitted into {SIDE} x {SIDE} pixels'
    return videos


def write_tables(data: AnnotationFile, out: Path, name: str) -> None:
    """Write the split tables of a data set of this name."""
    for number, pair in enumerate(fold_splits(data), 1):
        train, test = (data['split'][split] for split in pair)
        tables = {
            'train': [video for i, video in enumerate(train) if i % 10 != 9],
            'val': train[9::10],
            'test': test,
        }
        for table, members in tables.items():
            lines = ['feature,label,boundary']
            for video in members:
                file = f'{file_name(video)}.npy'
                lines.append(','.join(f'./dataset/{name}/{p}/{file}' for p in PARTS))
            write_text(out / 'csv' / f'{table}{number}.csv', lines)


@dataclass(frozen=True, kw_only=True)
class ExportDeST(Exporter):
    """Write an annotation file in DeST's layout.

    OUT gets features/, gt_arr/, gt_boundary_arr/, groundTruth/, mapping.txt, splits/
    and csv/. Joints come from keypoint_3d if it exists, otherwise from keypoint as x, y
    and score; missing joints are 0. In each split, every tenth training video is in
    csv/valN.csv, as in DeST.
    """

    examples = EXPORT_EXAMPLES
    axes: str = option(
        'axes of the joint arrays; TD is (T, M*V*C) (default: %(default)s)',
        'CTVM',
        choices=AXES,
    )

    def run(self, events: Events) -> Path:
        """Write annotations in the layout, and return the folder."""
        unlabelled = self.unlabelled
        with folder_new(self.out) as folder:
            data = load_annotations(self.source)
            notes = write_layout(data, folder, unlabelled)
            names = class_names(data, unlabelled)
            for part in PARTS:
                (folder / part).mkdir()
            for video in data['annotations']:
                label, name = video['label'], file_name(video['frame_dir'])
                if unlabelled:
                    label = np.where(label < 0, names.index(unlabelled), label)
                joints = joint_array(video, self.axes)
                arrays = (joints, label.astype(np.int64), begins(label))
                for part, array in zip(PARTS, arrays, strict=True):
                    np.save(folder / part / f'{name}.npy', array)
            write_tables(data, folder, self.out.resolve().name)
        events.note('\n'.join([*notes, f'written to {self.out}']))
        return self.out


main = command_of({'import': ImportDeST, 'export': ExportDeST}, __doc__)
