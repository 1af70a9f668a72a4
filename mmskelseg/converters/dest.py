"""Convert from and to the layout in which skeleton segmentation papers share data.

It comes from DeST's repository: PKU-MMD, LARa, MCFS-22, MCFS-130, TCG-15, HuGaDB.

    features/VIDEO.npy           (C, T, V, M), (C, T, V), (T, V, C) or (T, M*V*C)
    gt_arr/VIDEO.npy             the class id of each frame, (T,)
    gt_boundary_arr/VIDEO.npy    1 where a segment begins, (T,)
    mapping.txt                  the classes, one per line: ID NAME
    splits/train.split1.bundle   the videos of a split, one per line: VIDEO.txt
    csv/train1.csv               or a table of them: feature,label,boundary

`import` makes an annotation file from it, `export` writes it. See `import --help` and
`export --help`, and docs/datasets/dest.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.converters import building, options
from mmskelseg.converters.options import Converter, option
from mmskelseg.converters.shared_layout import (
    EXPORT_OPTIONS,
    IMPORT_OPTIONS,
    NO_SKELETON,
    folder_new,
    folder_whole,
    kept_frames,
    save_features,
    without_poses,
)
from mmskelseg.converters.text_layout import (
    class_names,
    find_labels,
    read_mapping,
    read_splits,
    write_layout,
    write_text,
)
from mmskelseg.runtime.cli.command_line import positive
from mmskelseg.runtime.files.annotations import fold_splits, load_annotations
from mmskelseg.runtime.files.names import file_name
from mmskelseg.runtime.messages.errors import UserError, reads_file
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg.runtime.structures.skeleton import Layout

EXAMPLES = """examples:
  %(prog)s import dataset/PKU-subject data/pku
  %(prog)s export data/mine/annotations.pkl dataset/LARA
"""
IMPORT = """\
Make an annotation file from skeletons and labels in DeST's layout.

SRC contains features/, gt_arr/, mapping.txt and splits/ or csv/. The files do not state
everything; the rest is known for the data sets listed at --release, and must be given
by --skeleton, --fps and --channels for others. Joints in 3D become keypoint_3d, and a
2D view of them keypoint. Signals that are not coordinates become features in
OUT/features/MODALITY/VIDEO.npy.
"""
IMPORT_EXAMPLES = """examples:
  # a data set whose folder has its name: PKU-subject, LARA, MCFS-22, ...
  %(prog)s dataset/LARA data/lara --sample 4
  # another data set: 17 joints in 2D with a score, in pixels
  %(prog)s dataset/mine data/mine \\
      --skeleton coco17 --fps 30 --channels xys --size 1280x720
"""
EXPORT = """\
Write an annotation file in DeST's layout.

OUT gets features/, gt_arr/, gt_boundary_arr/, groundTruth/, mapping.txt, splits/ and
csv/. Joints come from keypoint_3d if it exists, otherwise they are x, y and score from
keypoint; missing joints are 0. In each split, every tenth training video is in
csv/valN.csv, as in DeST.
"""
EXPORT_EXAMPLES = """examples:
  %(prog)s data/mine/annotations.pkl dataset/mine
  # arrays in the form that DeST uses for MCFS, and for PKU-MMD
  %(prog)s data/mine/annotations.pkl dataset/MCFS-22 --axes TVC
  %(prog)s data/mine/annotations.pkl dataset/PKU-view --axes TD
"""
# Side and margin of the square image into which joints that are not in pixels are
# fitted.
SIDE, MARGIN = 512, 32
# Coordinates whose absolute values do not exceed this are not pixels.
LARGEST_PART = 2
AXES = ('CTVM', 'CTV', 'TVC', 'TD')
# The default meaning of the channels of a joint, by their number.
_BY_COUNT = {2: 'xy', 3: 'xyz'}
# The axes of 3D joints that point right and down in the 2D view, with their signs.
_VIEWS = {
    'y-up': ((0, 1), (1, -1)),
    'y-down': ((0, 1), (1, 1)),
    'z-up': ((0, 1), (2, -1)),
}


@dataclass(frozen=True)
class Release:
    """Properties of a data set that its files lack; sources: docs/datasets/dest.md.

    Args:
        channels: The meaning of each channel of a joint; see :func:`channels`.
        fps: Frames per second, 0 if unknown.
        skeleton: Layout of the joints.
        vertical: The vertical axis of 3D joints and its direction.
        size: Height and width of the images to which pixels refer.
    """

    channels: str | None = None
    fps: float = 0
    skeleton: Layout = field(default_factory=lambda: NO_SKELETON)
    vertical: str = 'y-up'
    size: tuple[int, int] | None = None


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


def channels(text: str) -> str:
    """Return a command line value of channels, a letter for each number of a joint."""
    letters = text.replace('.', '')
    once = len(set(letters)) == len(letters)
    if text != 'none' and not (once and set('xy') <= set(letters) <= set('xyzs')):
        raise UserError(
            f'{text} is neither none nor letters that include x and y, such as xyz, '
            'xys or ...xyz'
        )
    return text


def find_release(
    source: Path, name: str | None, told: Mapping[str, Any], sample: int
) -> tuple[Release, dict[str, str]]:
    """Return the properties of a data set, known or given, and which are assumed.

    Args:
        source: The folder, which may have the name of a known data set.
        name: The name of a known data set, if given.
        told: The properties that are given.
        sample: Every how manieth frame is kept.

    Raises:
        UserError: If frame rate or skeleton are neither known nor given.
    """
    folder = source.resolve().name
    by_folder = {name.lower(): name for name in RELEASES}.get(folder.lower())
    release = replace(RELEASES.get(name or by_folder or '', Release()), **told)
    lacking = [] if release.fps else ['--fps']
    if release.channels != 'none' and release.skeleton is NO_SKELETON:
        lacking.append('--skeleton')
    if lacking:
        raise UserError(
            f'{source}: {folder} is not a known data set, and its files do not '
            f'state everything; give {" and ".join(lacking)}, or name a known one by '
            f'--release ({", ".join(RELEASES)}).'
        )
    assumed = {}
    if 'fps' not in told:
        assumed['fps'] = f'{release.fps / sample:g}: the files state none'
    return replace(release, fps=release.fps / sample), assumed


@reads_file
def read_ids(path: Path, classes: Sequence[int]) -> np.ndarray:
    """Return the class of each frame, numbered from 0 in order of ids, (T,) int64."""
    array = building.read_array(path)
    if array.ndim != 1 or array.dtype.kind not in 'fiu' or not array.size:
        raise UserError(
            f'{path}: an array of {array.dtype} with shape {array.shape}, expected the '
            'class id of each frame, numbers of shape (T,).'
        )
    wrong = np.flatnonzero(~np.isin(array, classes))
    if wrong.size:
        raise UserError(
            f'{path}: frame {wrong[0]} is {array[wrong[0]]:g}, the first of '
            f'{wrong.size} that are not a class; mapping.txt has the ids {classes[0]} '
            f'to {classes[-1]}.'
        )
    return np.searchsorted(classes, array).astype(np.int64)


@reads_file
def read_joints(
    path: Path, joints: int, wanted: str | None, told: bool
) -> tuple[np.ndarray, str]:
    """Return the channels of each joint, (M, T, V, C), and the meaning of each channel.

    Args:
        path: An array (C, T, V, M), (C, T, V), (T, V, C) or (T, M * V * C).
        joints: V, which distinguishes these shapes.
        wanted: The meaning of the channels, if known.
        told: Whether the user gave ``wanted``, so that C must match.
    """
    array = building.read_array(path)
    pose = _by_person(array, joints, len(wanted or _BY_COUNT[3]))
    if pose is None or array.dtype.kind not in 'fiu':
        raise UserError(
            f'{path}: an array of {array.dtype} with shape {array.shape}, expected '
            f'numbers of shape (C, T, {joints}, M), (C, T, {joints}), (T, {joints}, C) '
            f'or (T, M*{joints}*C), since the skeleton has {joints} joints; name the '
            'skeleton of these data by --skeleton.'
        )
    count = pose.shape[3]
    meaning = None if told else _BY_COUNT.get(count)
    if wanted and len(wanted) == count:
        meaning = wanted
    if meaning is None:
        raise UserError(
            f'{path}: {count} numbers for each joint, but the channels are '
            f'{wanted or "not known"}; give the meaning of each by --channels, such as '
            'xys or ...xyz, or none if none is a coordinate.'
        )
    building.check_finite(path, pose.swapaxes(0, 1))
    return pose.astype(np.float32), meaning


def _by_person(array: np.ndarray, joints: int, count: int) -> np.ndarray | None:
    """Return an array of a known shape as (M, T, V, C), or None for other shapes.

    Args:
        array: See :func:`read_joints`.
        joints: V.
        count: C, for shapes that do not determine it.
    """
    if not array.size:
        return None
    if array.ndim == 4 and array.shape[2] == joints:
        return array.transpose(3, 1, 2, 0)
    if array.ndim == 3 and array.shape[2] == joints:
        return array.transpose(1, 2, 0)[None]
    if array.ndim == 3 and array.shape[1] == joints:
        return array[None]
    if array.ndim == 2 and array.shape[1] % (joints * count) == 0:
        return array.reshape(len(array), -1, joints, count).swapaxes(0, 1)
    return None


def seen_joints(points: np.ndarray, pixels: bool) -> np.ndarray:
    """Return whether each joint (M, T, V, D) is present, shape (M, T, V).

    Joints at 0 are missing, with one exception: if coordinates are not pixels, a joint
    that is at 0 whenever its person is present is the origin of the coordinates.
    """
    found = np.any(points, axis=-1)
    if pixels:
        return found
    there = np.any(found, axis=-1, keepdims=True)
    return found | (there & ~np.any(found, axis=1, keepdims=True))


def fit_image(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return points (M, T, V, 2) of a video, fitted into a square image with margins.

    The aspect ratio is kept. Joints that are not seen are at 0.
    """
    if not seen.any():
        return np.zeros_like(points)
    low, high = points[seen].min(axis=0), points[seen].max(axis=0)
    extent = float((high - low).max()) or 1.0
    placed = (points - (low + high) / 2) * ((SIDE - 2 * MARGIN) / extent) + SIDE / 2
    return np.where(seen[..., None], placed, 0).astype(np.float32)


def annotate(
    name: str, pose: np.ndarray, meaning: str, label: np.ndarray, release: Release
) -> VideoAnnotation:
    """Return the annotation of a video with joints (M, T, V, C)."""
    dims = 'xyz' if 'z' in meaning else 'xy'
    points = pose[..., [meaning.index(letter) for letter in dims]]
    in_pixels = dims == 'xy' and np.abs(points).max() > LARGEST_PART
    size = release.size if in_pixels else None
    seen = seen_joints(points, size is not None)
    score = seen.astype(np.float32)
    if 's' in meaning:
        score *= pose[..., meaning.index('s')]
    annotation: VideoAnnotation = {
        'frame_dir': name,
        'total_frames': len(label),
        'img_shape': size or (SIDE, SIDE),
        'fps': release.fps,
        'keypoint': points,
        'keypoint_score': score,
        'label': label,
    }
    if dims == 'xyz':
        annotation['keypoint_3d'] = points
        view = [sign * points[..., axis] for axis, sign in _VIEWS[release.vertical]]
        points = np.stack(view, axis=-1)
    if size is None:
        annotation['keypoint'] = fit_image(points, seen)
    return annotation


@reads_file
def read_signals(path: Path) -> np.ndarray:
    """Return all numbers of each frame, (T, D), from (C, T, V) or (C, T, V, M)."""
    array = building.read_array(path)
    if array.ndim not in (3, 4) or array.dtype.kind not in 'fiu' or not array.size:
        raise UserError(
            f'{path}: an array of {array.dtype} with shape {array.shape}, expected '
            'numbers of shape (C, T, V) or (C, T, V, M).'
        )
    signals = array.swapaxes(0, 1).reshape(array.shape[1], -1)
    building.check_finite(path, signals)
    return signals


def import_layout(
    source: Path,
    out: Path,
    *,
    release: str | None = None,
    skeleton: Layout | None = None,
    fps: float | None = None,
    channels: str | None = None,
    size: tuple[int, int] | None = None,
    vertical: str | None = None,
    splits: Path | None = None,
    sample: int = 1,
    cut: int = 0,
    split: int = 1,
    background: str | None = None,
    modality: str = 'imu',
) -> None:
    """Write the annotation file of a folder; see the options below."""
    given = {
        'channels': channels,
        'fps': fps,
        'skeleton': skeleton,
        'vertical': vertical,
        'size': size,
    }
    told = {key: value for key, value in given.items() if value is not None}
    known, assumed = find_release(source, release, told, sample)
    classes = read_mapping(source)
    labels = find_labels(
        source / 'gt_arr', 'an array for each video, with the class id of each frame'
    )
    folder = splits or source / 'splits'
    if not folder.is_dir() and not splits:
        folder = source / 'csv'
    parts, files = read_splits(folder, split)
    write = partial(
        building.write,
        out,
        split=parts,
        classes=list(classes.values()),
        skeleton=NO_SKELETON if known.channels == 'none' else known.skeleton,
        dataset=source.resolve().name,
        background=background,
        source=source,
        files=files,
        assumed=assumed,
    )
    keep = partial(kept_frames, cut=cut, sample=sample)
    pairs = {
        name: (source / 'features' / f'{name}.npy', label)
        for name, label in labels.items()
    }
    if known.channels == 'none':
        target = out / 'features' / modality
        _import_signals(target, pairs, list(classes), known.fps, keep, write)
        return
    files |= {
        (name, key): file
        for name, (file, _) in pairs.items()
        for key in ('keypoint', 'keypoint_score')
    }
    is_told = channels is not None
    write(_import_joints(pairs, list(classes), known, is_told, keep, assumed))


def _import_joints(
    pairs: Mapping[str, tuple[Path, Path]],
    classes: Sequence[int],
    known: Release,
    told: bool,
    keep: Callable[..., slice],
    assumed: dict[str, str],
) -> list[VideoAnnotation]:
    """Return the annotations of all videos, and add to what was assumed."""
    joints = Skeleton.get(known.skeleton).num_joints
    videos = []
    for name, (file, labelled) in pairs.items():
        pose, meaning = read_joints(file, joints, known.channels, told)
        label = read_ids(labelled, classes)
        kept = keep(file, pose.shape[1], labelled, len(label))
        videos.append(annotate(name, pose[:, kept], meaning, label[kept], known))
        if not told:
            assumed['channels'] = f'{meaning}: the files do not state their meaning'
        if videos[-1]['img_shape'] != known.size:
            axis = f', {known.vertical}' if 'z' in meaning else ''
            assumed['camera'] = f'coordinates{axis}, fitted into {SIDE} x {SIDE} pixels'
    return videos


def _import_signals(
    target: Path,
    pairs: Mapping[str, tuple[Path, Path]],
    classes: Sequence[int],
    fps: float,
    keep: Callable[..., slice],
    write: Callable[[list[VideoAnnotation]], None],
) -> None:
    """Write the signals of all videos as features, and annotations without poses."""
    videos: list[VideoAnnotation] = []
    width = None
    with folder_whole(target) as aside:
        for name, (file, labelled) in pairs.items():
            signals, label = read_signals(file), read_ids(labelled, classes)
            kept = keep(file, len(signals), labelled, len(label))
            width = save_features(aside, name, signals[kept], file, width)
            videos.append(without_poses(name, label[kept], fps))
        write(videos)
    print(f'{width} features per frame in {target}')


def begins(label: np.ndarray) -> np.ndarray:
    """Return 1 in the first frame and the first two of each further segment, else 0.

    >>> begins(np.array([0, 0, 1, 1, 1, 2]))
    array([1., 0., 1., 1., 0., 1.], dtype=float32)
    """
    boundary = np.zeros(len(label), np.float32)
    first = np.flatnonzero(np.diff(label)) + 1
    boundary[0] = 1
    boundary[first] = 1
    boundary[np.minimum(first + 1, len(label) - 1)] = 1
    return boundary


def joint_array(video: VideoAnnotation, axes: str) -> np.ndarray:
    """Return the joints of a video for a file: x, y, z or x, y, score, float32.

    Args:
        video: Its annotation.
        axes: One of ``AXES``. In TD, each row has all numbers of a frame, ordered by
            person, then joint, then channel.

    Raises:
        UserError: If there are several persons, but no axis for them.
    """
    score = video['keypoint_score'][..., None]
    points = video.get('keypoint_3d')
    if points is None:
        points = np.concatenate([video['keypoint'], score], axis=-1)
    pose = np.where(score > 0, points, 0).astype(np.float32)
    if axes == 'CTVM':
        return np.ascontiguousarray(pose.transpose(3, 1, 2, 0))
    if axes == 'TD':
        frames = pose.shape[1]
        return pose.swapaxes(0, 1).reshape(frames, -1)
    if len(pose) > 1:
        raise UserError(
            f'video {video["frame_dir"]}: {len(pose)} persons, for which {axes} has no '
            'axis; choose CTVM or TD by --axes.'
        )
    return np.ascontiguousarray(
        pose[0].transpose(2, 0, 1) if axes == 'CTV' else pose[0]
    )


def export(
    data: AnnotationFile, out: Path, unlabelled: str | None, axes: str, name: str
) -> list[str]:
    """Write the layout into a folder, and return lines about it.

    Args:
        data: The annotations.
        out: The folder.
        unlabelled: Class of frames without a label.
        axes: See :func:`joint_array`.
        name: Name of the data set in the tables.
    """
    told = write_layout(data, out, unlabelled)
    names = class_names(data, unlabelled)
    parts = ('features', 'gt_arr', 'gt_boundary_arr')
    for part in (*parts, 'csv'):
        (out / part).mkdir()
    for video in data['annotations']:
        label = video['label']
        if unlabelled:
            label = np.where(label < 0, names.index(unlabelled), label)
        arrays = (joint_array(video, axes), label.astype(np.int64), begins(label))
        for part, array in zip(parts, arrays, strict=True):
            np.save(out / part / f'{file_name(video["frame_dir"])}.npy', array)
    for number, pair in enumerate(fold_splits(data), 1):
        train, test = (data['split'][split] for split in pair)
        tables = {
            'train': [video for i, video in enumerate(train) if i % 10 != 9],
            'val': train[9::10],
            'test': test,
        }
        for table, members in tables.items():
            paths = [
                ','.join(
                    f'./dataset/{name}/{part}/{file_name(v)}.npy' for part in parts
                )
                for v in members
            ]
            lines = ['feature,label,boundary', *paths]
            write_text(out / 'csv' / f'{table}{number}.csv', lines)
    return told


def export_layout(
    source: Path, out: Path, *, unlabelled: str | None = None, axes: str = 'CTVM'
) -> None:
    """Write annotations in the layout; see the options below."""
    with folder_new(out) as folder:
        data = load_annotations(source)
        name = out.resolve().name
        told = export(data, folder, unlabelled, axes, name)
    print('\n'.join([*told, f'written to {out}']))


CONVERTER = Converter(
    parts={
        'import': Converter(
            import_layout,
            (
                options.source('folder with features, gt_arr, mapping.txt and splits'),
                options.OUT,
                option(
                    '--release',
                    'the data set (default: the one with the name of the folder)',
                    choices=RELEASES,
                ),
                option(
                    '--skeleton',
                    'layout of the joints: a name such as kinect25, mmpose:NAME, or a '
                    'JSON file with joints and limbs (default: that of the release)',
                    type=options.skeleton,
                ),
                option(
                    '--fps',
                    'frames per second of the files (default: those of the release)',
                    type=positive,
                ),
                option(
                    '--channels',
                    'meaning of each number of a joint: x, y, z, s (score), or a dot '
                    'to ignore it; none if none is a coordinate (default: those of the '
                    'release, or xy for two numbers and xyz for three)',
                    type=channels,
                    metavar='xyz|xys|...',
                ),
                option(
                    '--size',
                    'size of the images if x and y are pixels (default: that of the '
                    'release; without it, coordinates are fitted into an image)',
                    type=options.image_size,
                    metavar='WxH',
                ),
                option(
                    '--vertical',
                    'vertical axis of 3D joints and its direction (default: that of '
                    'the release, or y-up)',
                    choices=_VIEWS,
                ),
                option(
                    '--splits',
                    'folder of the splits (default: SRC/splits, or SRC/csv)',
                    type=Path,
                    metavar='DIR',
                ),
                *IMPORT_OPTIONS,
                option(
                    '--modality',
                    'key of signals that are not coordinates (default: %(default)s)',
                ),
            ),
            summary='make an annotation file',
            description=IMPORT,
            examples=IMPORT_EXAMPLES,
        ),
        'export': Converter(
            export_layout,
            (
                options.source('an annotation file'),
                *EXPORT_OPTIONS,
                option(
                    '--axes',
                    'axes of the joint arrays; TD is (T, M*V*C) (default: %(default)s)',
                    choices=AXES,
                ),
            ),
            summary='write skeletons for other code',
            description=EXPORT,
            examples=EXPORT_EXAMPLES,
        ),
    },
    examples=EXAMPLES,
)
