"""Convert labels and 2D poses of Desktop Assembly to mmskelseg's annotation file.

SRC holds a text of labels and a pose for each video (of which there are 76):

    groundTruth/VIDEO           the name of the class of each frame, a line each
    mapping/mapping.txt         a class a line: its id, a space, its name (23 of them)
    keypoints/VIDEO.npy         (T, 17, 3) COCO joints: x and y in pixels, and a score
    splits/*.split1.bundle      the videos of `train` and of `test`, a line each

Labels and mapping are as their authors release them (VIDEO.txt and SRC/mapping.txt are
read as well; without a mapping, the 23 names as published stand in). The release has
image features and no poses, so **keypoints is an assumption**: estimate them with HRNet
or another COCO model, and write NaN or a score of 0 where a joint was not found. The
release has no splits either; give bundles or --test, or every fifth video tests.
docs/datasets/desktop_assembly.md says more.
"""

import argparse
from pathlib import Path

import numpy as np
from converting import (
    ReleaseError,
    add_folds,
    add_paths,
    add_videos,
    choose_test,
    converter_parser,
    faults,
    image_size,
    name_folds,
    name_videos,
    positive,
    read_array,
    split_by_test,
    write,
)
from text_layout import (
    check_background,
    find_labels,
    find_mapping,
    read_classes,
    read_label,
    read_splits,
)

EXAMPLES = """examples:
  # every fifth video tests
  python tools/dataset_converters/desktop_assembly.py RAW data/desktop_assembly
  # test videos of your own, poses from elsewhere, the size and rate of the videos
  python tools/dataset_converters/desktop_assembly.py RAW data/desktop_assembly \\
      --test 2020-04-02-150120,2020-04-19_14-03-25 --keypoints hrnet \\
      --size 1280x720 --fps 10
"""
JOINTS = 17
CLASSES = dict(
    enumerate(
        [
            'Pick_up_chip',
            'Place_chip_on_motherboard',
            'Close_cover',
            'Pick_up_screw_and_screwdriver',
            'Tighten_screw',
            'Plug_stick_in',
            'Pick_up_fan',
            'Place_fan_on_motherboard',
            'Tighten_screw_1',
            'Tighten_screw_2',
            'Tighten_screw_3',
            'Tighten_screw_4',
            'Put_screwdriver_down',
            'Connect_wire_to_motherboard',
            'Pick_up_RAM',
            'Install_RAM',
            'Pick_up_HDD',
            'Install_HDD',
            'Connect_wire_1_to_HDD',
            'Connect_wire_2_to_HDD',
            'Pick_up_lid',
            'Close_lid',
            'Background',
        ]
    )
)


def read_keypoints(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels (T, 17, 2) and scores (T, 17), 0 where a joint is missing."""
    pose = read_array(path)
    if pose.dtype.kind != 'f' or pose.shape[1:] != (JOINTS, 3) or not len(pose):
        raise ReleaseError(
            f'{path}: an array of {pose.dtype} with shape {pose.shape}, expected '
            f'floats of shape (frames, {JOINTS}, 3): x, y and score of COCO joints.'
        )
    wrong = np.isinf(pose).any(-1) | (pose[..., 2] < 0)
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        raise ReleaseError(
            f'{path}: frame {frame}, joint {joint} is {pose[frame, joint].tolist()}, '
            f'the first of {wrong.sum()}; expected finite pixels and a score of 0 or '
            'more, or NaN for a joint that was not found.'
        )
    pose = np.where(np.isnan(pose).any(-1, keepdims=True), 0, pose).astype(np.float32)
    return pose[..., :2], pose[..., 2]


def read_video(
    video: str, label: Path, poses: Path, classes: dict[int, str], fps: float
) -> dict:
    keypoint, score = read_keypoints(poses / f'{video}.npy')
    result = read_label(label, classes)
    if len(result) != len(keypoint):
        raise ReleaseError(
            f'{label}: {len(result)} lines, expected {len(keypoint)} as '
            f'{poses / video}.npy has {len(keypoint)} frames; estimate poses on the '
            'frames that are labelled.'
        )
    return {
        'frame_dir': video,
        'total_frames': len(keypoint),
        'fps': fps,
        'keypoint': keypoint[None],
        'keypoint_score': score[None],
        'label': result,
    }


def convert(args: argparse.Namespace) -> dict:
    """Return the annotations of the release in a folder."""
    labels = find_labels(args.source / 'groundTruth')
    mapping = find_mapping(args.source)
    classes = read_classes(mapping) if mapping else CLASSES
    check_background(args.background, classes)
    assumed = {
        'fps': f'{args.fps:g}: the release states none',
        'img_shape': f'{args.size[1]}x{args.size[0]}: the release states none',
    }
    splits = args.source / 'splits'
    if args.test is None and splits.is_dir():
        split = read_splits(splits, 1, labels)
    else:
        test = choose_test(args.test, list(labels), args.source)
        split = split_by_test(list(labels), test)
        if args.test is None:
            assumed['split'] = 'every fifth video tests: the release names no split'
    poses = args.keypoints or args.source / 'keypoints'
    if not poses.is_dir():
        raise ReleaseError(
            f'{poses}: no such folder; it must hold VIDEO.npy with the joints of each '
            'video (or name it by --keypoints).'
        )
    videos = [
        read_video(video, label, poses, classes, args.fps)
        for video, label in labels.items()
    ]
    return {
        'split': split,
        'annotations': [{**video, 'img_shape': args.size} for video in videos],
        'metainfo': {
            'classes': list(classes.values()),
            'skeleton': 'coco17',
            'dataset': 'desktop_assembly',
            'background': args.background,
            'assumed': assumed,
        },
    }


def parse_args() -> argparse.Namespace:
    parser = converter_parser(__doc__, EXAMPLES)
    add_paths(parser, 'folder with groundTruth, mapping and keypoints')
    parser.add_argument(
        '--test',
        metavar='VIDEO,VIDEO',
        help='test videos (default: those of SRC/splits, else every fifth)',
    )
    parser.add_argument(
        '--keypoints',
        type=Path,
        metavar='DIR',
        help='folder of the poses (default: SRC/keypoints)',
    )
    parser.add_argument(
        '--background',
        metavar='NAME',
        help='class that Edit and F1 leave out (default: none, as in the paper)',
    )
    parser.add_argument(
        '--size',
        type=image_size,
        default=(480, 640),
        metavar='WxH',
        help='size of the images that the pixels are of (default: 640x480)',
    )
    parser.add_argument(
        '--fps',
        type=positive,
        default=10.0,
        help='frames per second of poses and labels (default: %(default)g)',
    )
    add_folds(parser)
    add_videos(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with faults():
        data = convert(args)
        name_folds(data, args.folds)
        name_videos(data['annotations'], args.videos, args.out)
        write(data, args.out)


if __name__ == '__main__':
    main()
