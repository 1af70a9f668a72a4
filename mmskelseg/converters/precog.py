"""Convert the skeletons of PRECOG-16 to mmskelseg's annotation file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Literal

import numpy as np

from mmskelseg.converters.data_sets import DataSet
from mmskelseg_io.converters import building
from mmskelseg_io.files.arrays import read_npz
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.parsing import number, release_lines
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.segments import to_segments

EXAMPLES = """examples:
  # the recordings in the package: train on nine subjects, test on 1, 5 and 9
  %(prog)s data/precog
  # the same from the release
  %(prog)s data/precog/raw data/precog
  # the twelve joints that pose estimators also provide
  %(prog)s data/precog_body --layout body12
  # test on other subjects, and replace labels that last one frame
  %(prog)s data/precog/raw data/precog --test 3,7,11 --repair-labels
"""
FOLDER = 'Dataset/CSV'
# The recordings in the package.
PACKED = Path(__file__).parents[1] / 'datasets' / 'open_data' / 'precog16.npz'
# The files only have ids; docs/datasets/precog.md describes how names were verified.
CLASSES = [
    'nothing', 'right_punch', 'left_punch', 'front_right_kick', 'front_left_kick',
    'side_right_kick', 'side_left_kick', 'back_fist', 'elbow_strike',
]  # fmt: skip
BACKGROUND = 0
DATA = DataSet(
    'precog',
    'kinect20',
    up='y',
    background=CLASSES[BACKGROUND],
    remedy='{out}',
    variants={'precog_body12': '{out} --layout body12'},
)
JOINTS = [
    'HipCenter', 'Spine', 'ShoulderCenter', 'Head',
    'ShoulderLeft', 'ElbowLeft', 'WristLeft', 'HandLeft',
    'ShoulderRight', 'ElbowRight', 'WristRight', 'HandRight',
    'HipLeft', 'KneeLeft', 'AnkleLeft', 'FootLeft',
    'HipRight', 'KneeRight', 'AnkleRight', 'FootRight',
]  # fmt: skip
FPS = 30.0
TEST = ('01', '05', '09')
SUBJECTS = (TEST, ('02', '06', '10'), ('03', '07', '11'), ('04', '08', '12'))
# Sequences to hold out together. Only sequence 6 has elbow strikes, so it is always in
# training. The others form two sets; holding out either leaves all classes in training.
# Of all such pairs of sets, this one has the fewest transitions in common.
ORDERS = (('1', '4'), ('2', '3', '5'))
IMG_SHAPE = (480, 640)
# Kinect 1's depth camera: NUI_CAMERA_DEPTH_NOMINAL_FOCAL_LENGTH_IN_PIXELS of its SDK is
# 285.63 for an image of 320 x 240.
FOCAL_LENGTH = 2 * 285.63
CAMERA = f'pinhole, focal length {FOCAL_LENGTH:g} pixels, centred, not mirrored'
# Segments of fewer frames are reported.
SHORT = 5


def find_recordings(source: Path) -> dict[str, Path]:
    """Return the file of each recording by its id, such as Seq1_09.

    Raises:
        UserError: If a name is none of the release, or is there twice.
    """
    release = source / FOLDER
    root = release if release.is_dir() else source
    building.check_folder(root, 'name the folder of the release')
    found: dict[str, Path] = {}
    for path in sorted(root.glob('[!.]*.csv')):
        match = re.fullmatch(r'Seq(\d+)_(\d+)\.csv', path.name)
        if not match:
            raise UserError(
                f'{path}: not a file name of the release, such as Seq1_9.csv; rename '
                'or remove the file.'
            )
        video = f'Seq{int(match[1])}_{int(match[2]):02d}'
        if video in found:
            raise UserError(
                f'{path}: the same recording as {found[video].name}; keep one of them.'
            )
        found[video] = path
    if not found:
        raise MissingFileError(
            f'{root}: neither this folder nor {FOLDER} in it contains SeqS_P.csv, such '
            'as Seq1_9.csv; name the folder of the release.'
        )
    return dict(sorted(found.items()))


@reads_file
def read_release(source: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return joints (T, 20, 3) in metres and classes (T,) of each recording by id.

    The source is the release, or a file that :func:`pack` wrote.
    """
    if source.suffix == '.npz':
        arrays = read_npz(source)
        names, ends = arrays['videos'].tolist(), np.cumsum(arrays['frames'])[:-1]
        pose = arrays['pose'].T.reshape(-1, len(JOINTS), 3).astype(np.float32)
        label = arrays['label'].astype(np.int64)
        return (
            dict(zip(names, np.split(pose, ends), strict=True)),
            dict(zip(names, np.split(label, ends), strict=True)),
        )
    poses, labels = {}, {}
    for video, path in find_recordings(source).items():
        poses[video], labels[video] = read_recording(path)
    return poses, labels


def pack(source: Path, path: Path) -> None:
    """Write all recordings of a release, with LICENCE.txt, as an npz of float16."""
    poses, labels = read_release(source)
    flat = np.concatenate(list(poses.values())).astype(np.float16).reshape(-1, 60)
    with atomic_write(path) as file:
        np.savez_compressed(
            file,
            videos=np.array(list(poses)),
            frames=np.array([len(pose) for pose in poses.values()]),
            # Frames are the last axis, which compresses better.
            pose=np.ascontiguousarray(flat.T),
            label=np.concatenate(list(labels.values())).astype(np.uint8),
            licence=np.array((source / 'LICENCE.txt').read_text('utf-8')),
        )


@reads_file
def read_recording(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return joints in metres, (T, 20, 3), and the class of each frame, (T,).

    Raises:
        UserError: If a line does not fit; the message names it.
    """
    header, *lines = release_lines(path)
    if [name.strip() for name in header.split(';')] != JOINTS:
        raise UserError(
            f'{path}: line 1 is {header[:60]!r}, expected the names of {len(JOINTS)} '
            f'joints, {"; ".join(JOINTS[:2])}; ...; copy the release again.'
        )
    if not lines:
        raise UserError(f'{path}: no frame after line 1; copy the release again.')
    poses, labels = [], []
    for n, line in enumerate(lines, 2):
        *cells, label = line.split(';')
        place = f'{path}: line {n}'
        if len(cells) != len(JOINTS):
            raise UserError(
                f'{place} has {len(cells) + 1} columns separated by `;`, expected '
                f'{len(JOINTS) + 1}: {len(JOINTS)} joints and a class.'
            )
        if label.strip() not in map(str, range(len(CLASSES))):
            raise UserError(
                f'{place} has the class {label.strip()!r}, expected 0 to '
                f'{len(CLASSES) - 1}.'
            )
        named = zip(JOINTS, cells, strict=True)
        poses.append([_read_joint(cell, f'{place}, {name}') for name, cell in named])
        labels.append(int(label))
    return np.array(poses, np.float32), np.array(labels, np.int64)


def _read_joint(cell: str, place: str) -> list[float]:
    joint = [number(text, place, 'a coordinate') for text in cell.split()]
    if len(joint) != 3 or (any(joint) and joint[2] <= 0):
        raise UserError(
            f'{place} is {cell.strip()!r}, expected three numbers, `x y z`, with a '
            'depth z above 0, or `0 0 0` for a missing joint.'
        )
    return joint


def project(pose: np.ndarray) -> np.ndarray:
    """Return the projection of joints by a nominal Kinect, in pixels, (..., 2).

    Joints are in metres, (..., 3): left as seen from the Kinect, up, depth. Unlike the
    Kinect's own images, the image is not mirrored: the left hand of a person who faces
    the Kinect is on the right. A missing joint, 0 in all axes, stays at 0. Nothing is
    clipped.

    >>> project(np.array([-1.0, 0.5, 2.0]))
    array([605.63 ,  97.185], dtype=float32)
    """
    left, up, depth = np.moveaxis(pose, -1, 0)
    seen = depth > 0
    image = np.stack([-left, -up], axis=-1) / np.where(seen, depth, 1)[..., None]
    height, width = IMG_SHAPE
    pixels = image * FOCAL_LENGTH + (width / 2, height / 2)
    return np.where(seen[..., None], pixels, 0).astype(np.float32)


def glitches(label: np.ndarray) -> list[int]:
    """Return the frames with a label that lasts one frame and must be a mistake.

    Such a label is an action, or interrupts an action that continues afterwards. A
    single frame of nothing between two different actions is a pause instead.

    >>> glitches(np.array([1, 1, 2, 0, 0, 6, 6, 0, 6, 6, 0, 5, 5]))
    [2, 7]
    """
    segments = to_segments(label)
    before_after = zip(segments, segments[1:], segments[2:], strict=False)
    return [
        start
        for (_, _, before), (start, end, own), (_, _, after) in before_after
        if end - start == 1 and (own != BACKGROUND or before == after)
    ]


def repair(label: np.ndarray) -> np.ndarray:
    """Return labels in which each glitch has the label of the previous frame."""
    label = label.copy()
    for frame in glitches(label):
        label[frame] = label[frame - 1]
    return label


def label_notes(video: str, label: np.ndarray, repaired: bool) -> Iterator[str]:
    """Yield a note for each suspicious label of a video."""
    odd, final = glitches(label), repair(label) if repaired else label
    for frame in odd:
        before, own, after = (CLASSES[i] for i in label[frame - 1 : frame + 2])
        now = f', now {CLASSES[final[frame]]}' if repaired else ''
        place = f'between {before} and {after}'
        yield f'{video}: frame {frame} alone is {own}, {place}{now}'
    for start, end, action in to_segments(final):
        if end - start < SHORT and action != BACKGROUND and start not in odd:
            frames = f'{end - start} frames'
            yield f'{video}: {CLASSES[action]} from frame {start} lasts {frames}'


def pause_notes(labels: dict[str, np.ndarray]) -> Iterator[str]:
    """Yield a note on short pauses between two actions, if there are any."""
    pauses = [
        (video, start)
        for video, label in labels.items()
        for start, end, own in to_segments(label)[1:-1]
        if own == BACKGROUND and end - start < SHORT and start not in glitches(label)
    ]
    if pauses:
        video, frame = pauses[0]
        yield (
            f'{len(pauses)} pauses ({CLASSES[BACKGROUND]}) between two actions are '
            f'shorter than {SHORT} frames, in {len(dict(pauses))} videos; the first is '
            f'in {video} at frame {frame}'
        )


def pose_notes(poses: dict[str, np.ndarray]) -> Iterator[str]:
    """Yield a note for each video with missing joints or another video's poses."""
    owners: dict[bytes, str] = {}
    for video, pose in poses.items():
        missing = ~pose.any(-1)
        empty = int(missing.all(-1).sum())
        if empty == len(pose):
            yield f'{video}: no skeleton in any of {len(pose)} frames; in no split'
            continue
        if missing.any():
            yield (
                f'{video}: {empty} frames without a skeleton, '
                f'{missing.sum() - empty * len(JOINTS)} more joints missing'
            )
        owner = owners.setdefault(pose.tobytes(), video)
        if owner != video:
            yield f'{video}: the same skeletons as {owner}'


def make_folds(videos: Sequence[str]) -> dict[str, list[str]]:
    """Return the splits of all folds that have both training and test videos.

    Training and test of an ``unseen_order`` fold share neither subjects nor sequences.
    """
    folds: dict[str, tuple[Sequence[str], Sequence[str]]]
    folds = {f'fold{i}': ((), held) for i, held in enumerate(SUBJECTS, 1)}
    pairs = enumerate(product(ORDERS, SUBJECTS), 1)
    folds |= {f'unseen_order_{i}': pair for i, pair in pairs}
    split: dict[str, list[str]] = {}
    for fold, (orders, subjects) in folds.items():
        halves: dict[bool, list[str]] = {False: [], True: []}
        for video in videos:
            order, subject = video.removeprefix('Seq').split('_')
            held = {subject in subjects} | ({order in orders} if orders else set())
            if len(held) == 1:
                halves[held.pop()].append(video)
        if all(halves.values()):
            split |= {f'{fold}/train': halves[False], f'{fold}/test': halves[True]}
    return split


def told_labels(
    labels: dict[str, np.ndarray], repaired: bool
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the labels of each video, repaired if asked to, and notes on odd ones."""
    each = (label_notes(*item, repaired) for item in labels.items())
    notes = [*chain.from_iterable(each)]
    if repaired:
        labels = {video: repair(label) for video, label in labels.items()}
    return labels, [*notes, *pause_notes(labels)]


def annotate(
    poses: dict[str, np.ndarray], labels: dict[str, np.ndarray], layout: str
) -> list[VideoAnnotation]:
    """Return the annotations of poses (T, 20, 3), with the joints of a layout."""
    kinect = Skeleton.get('kinect20')
    columns = Skeleton.get(layout).columns_of(kinect.joints, kinect.name)
    shared: VideoAnnotation = {'img_shape': IMG_SHAPE, 'fps': FPS}
    return [
        building.annotation(
            {**shared, 'keypoint_3d': pose, 'person': subject_of(video)},
            video,
            project(pose),
            np.any(pose, axis=-1).astype(np.float32),
            labels[video],
        )
        for video, whole in poses.items()
        for pose in [whole[None, :, columns]]
    ]


def subject_of(video: str) -> str:
    """Return the subject of a video.

    >>> subject_of('Seq2_05')
    '05'
    """
    return video.rpartition('_')[2]


@dataclass(frozen=True, kw_only=True)
class ConvertPRECOG(building.Converter):
    """Convert the skeletons of PRECOG-16 to mmskelseg's annotation file.

    SRC is the release (GitHub DavidJardim/precog_dataset_16) or its folder Dataset/CSV,
    with a table for each recording: subject P performs the strikes and kicks of
    sequence S.

        SeqS_P.csv    the names of 20 Kinect joints, then a line for each frame: `x y z`
                      of each joint in metres and a class from 0 to 8, separated by `;`

    Without SRC, the copy in the package is converted. Its joints are rounded to
    float16, by 1 mm at most (MIT licence, Copyright 2016 David Jardim).

    OUT/annotations.pkl gets the joints, their projection to 2D, four folds of three
    test subjects each (fold1 to fold4), and eight folds that test on orders of actions
    that do not occur in training (unseen_order_1 to unseen_order_8). Suspicious labels
    are reported and kept, unless --repair-labels is given. See docs/datasets/precog.md
    for details.
    """

    examples = EXAMPLES
    source: Path = argument(
        f'folder of the release, or its {FOLDER} (default: the copy in the package)',
        PACKED,
        metavar='SRC',
    )
    layout: Literal['kinect20', 'body12'] = option(
        'all joints, or the twelve that pose estimators also provide (default: '
        '%(default)s)',
        'kinect20',
    )
    test: str | None = option(
        'subjects whose videos are for testing (default: 1,5,9)',
        None,
        metavar='SUBJECT,SUBJECT',
    )
    repair_labels: bool = option(
        'replace labels that last a single frame, which must be mistakes, by the label '
        'before (default: only report them)',
        False,
    )

    def run(self, events: Events) -> Path:
        """Write the annotation file of the recordings."""
        poses, labels = read_release(self.source)
        labels, notes = told_labels(labels, self.repair_labels)
        videos = [video for video, pose in poses.items() if pose.any()]
        subjects = sorted({*map(subject_of, videos)})
        chosen = building.choose_split(
            self.test, subjects, self.source, TEST, kind='subject'
        )
        split = {
            part: [video for video in videos if subject_of(video) in members]
            for part, members in chosen.items()
        }
        meta = DATA.metainfo({
            'classes': CLASSES,
            'skeleton': self.layout,
            'notes': [*pose_notes(poses), *notes],
            'assumed': {'camera': CAMERA},
        })  # fmt: skip
        data: AnnotationFile = {
            'annotations': annotate(poses, labels, self.layout),
            'split': split | make_folds(videos),
            'metainfo': meta,
        }
        return building.write(self.out, data, events, source=self.source)


main = ConvertPRECOG.main
