"""Make a data set of keypoints that a tracker wrote and labels that people made.

KEYPOINTS are files of MMPose, OpenPose (a folder a video), COCO results, MediaPipe,
DeepLabCut or SLEAP, tables (CSV) or arrays (npz), one a video, or a folder of these.
LABELS are files of BORIS, ELAN, Label Studio, VIA or CVAT, tables of segments (CSV), or
texts with the class of each frame in a line, or a folder of these. Formats are told by
name and content. Both are paired by name: labels of `take1.mp4` belong to `take1.json`
or to `take1DLC_resnet50_....csv`. OUT gets annotations.pkl.

Times of labels are seconds, so that their rate may differ from that of the poses, which
is the one that counts. docs/keypoint_formats.md says how each format is read.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from converting import (
    ReleaseError,
    add_folds,
    add_videos,
    choose_test,
    converter_parser,
    faults,
    image_size,
    name_folds,
    name_videos,
    positive,
    split_by_test,
    write,
)
from keypoint_files import (
    LABEL_FORMATS,
    Labels,
    find_keypoints,
    find_labels,
    find_videos,
    pair,
)
from keypoint_videos import frame_labels, load_poses

from mmskelseg.cli import user_errors
from mmskelseg.interchange.poses import FORMATS, POLICIES, Poses

EXAMPLES = """examples:
  # poses of MMPose and a project of BORIS; what is between its states is `idle`
  python tools/dataset_converters/keypoints.py predictions data/mine \\
      --labels project.boris --fps 30 --unlabelled background --background idle
  # DeepLabCut and a table of segments for each video; rate and size from the videos
  python tools/dataset_converters/keypoints.py dlc/*.csv data/mice --labels segments \\
      --videos videos --unlabelled ignore --folds 5
"""


def convert(args: argparse.Namespace) -> dict[str, Any]:
    """Return the annotations that keypoints and labels make."""
    if 'background' in (args.unlabelled, args.overlap) and args.background is None:
        raise ReleaseError('name the class by --background NAME.')
    if args.out.is_file():
        raise ReleaseError(
            f'{args.out}: a file, expected OUT, a folder; it comes after the keypoints '
            'and before --labels.'
        )
    options = {**dict(args.label_option or ()), 'fps': args.label_fps}
    options = {key: value for key, value in options.items() if value is not None}
    labels = find_labels(args.labels, args.label_format, options)
    found, lonely = pair(find_keypoints(args.keypoints), labels, args.skip_unpaired)
    classes = class_names(args.classes, [item for *_, item in found], args.background)
    names = [name for name, *_ in found]
    files = find_videos(names, args.videos, args.out)
    notes: dict[str, list[str]] = {note: [] for note in lonely}
    annotations, skeletons = [], []
    for name, path, item in found:
        poses = load_poses(path, files.get(name), args)
        label, more = frame_labels(item, poses, classes, args)
        annotations.append(annotation(name, poses, label))
        skeletons.append(poses.skeleton)
        for note in (*poses.notes, *more):
            notes.setdefault(note, []).append(name)
        if skeletons[-1] != skeletons[0]:
            raise ReleaseError(
                f'{path}: other joints than those of {names[0]}; convert videos of one '
                'layout alone, or bring all to that of COCO by --coco17.'
            )
    name_videos(annotations, args.videos, args.out)
    test = choose_test(args.test, names, args.out)
    data = {
        'split': split_by_test(names, test),
        'annotations': annotations,
        'metainfo': {
            'classes': classes,
            'skeleton': skeletons[0],
            'dataset': args.name or args.out.resolve().name,
            'background': args.background,
            'person': args.person,
            'notes': [_told(note, videos, names) for note, videos in notes.items()],
        },
    }
    name_folds(data, args.folds)
    return data


def annotation(name: str, poses: Poses, label: Any) -> dict[str, Any]:
    return {
        'frame_dir': name,
        'total_frames': len(label),
        'img_shape': poses.img_shape,
        'fps': poses.fps,
        'keypoint': poses.keypoint,
        'keypoint_score': poses.keypoint_score,
        'label': label,
    }


def class_names(
    wanted: Sequence[str] | None, labels: Iterable[Labels], background: str | None
) -> list[str]:
    """Return the classes in the order of --classes, else of the alphabet."""
    if wanted is None:
        used = {name for item in labels for name in item.lines if name}
        used |= {segment.label for item in labels for segment in item.segments}
        classes = sorted(used)
    elif len(wanted) == 1 and Path(wanted[0]).is_file():
        lines = Path(wanted[0]).read_text('utf-8-sig').splitlines()
        classes = [line.strip() for line in lines if line.strip()]
    else:
        classes = list(wanted)
    if background is not None and background not in classes:
        classes.append(background)
    return classes


def skeleton(text: str) -> str | dict[str, Any]:
    """Return the skeleton of a name, or of a JSON file with joints and limbs."""
    if not text.endswith('.json'):
        return text
    try:
        layout = json.loads(Path(text).read_text('utf-8'))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f'{text} cannot be read: {error}') from None
    if not isinstance(layout, dict) or not {'joints', 'limbs'} <= layout.keys():
        raise argparse.ArgumentTypeError(f'{text} has no joints and limbs')
    return layout


def assignment(text: str) -> tuple[str, str]:
    """Return both sides of a text such as hand_l=left_wrist."""
    name, _, value = text.partition('=')
    if not name or not value:
        raise argparse.ArgumentTypeError(f'{text} is not NAME=VALUE')
    return name, value


def _told(note: str, videos: Sequence[str], names: Sequence[str]) -> str:
    if len(videos) in (0, len(names)):
        return note
    listed = ', '.join(videos[:3]) + (', ...' if len(videos) > 3 else '')
    return f'{note} ({listed})'


def add_pose_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('keypoints')
    group.add_argument('--format', choices=FORMATS, help='of KEYPOINTS')
    group.add_argument(
        '--fps',
        type=positive,
        help='frames per second of the poses, where neither the files state it nor '
        '--videos has it',
    )
    group.add_argument(
        '--size',
        type=image_size,
        metavar='WxH',
        help='size of the images that the pixels are of',
    )
    group.add_argument(
        '--person',
        default='track',
        metavar='|'.join((*POLICIES, 'NAME')),
        help='which of several people: the longest track, the largest box, the highest '
        'score, everybody, or the one of a name (default: %(default)s)',
    )
    group.add_argument(
        '--skeleton',
        type=skeleton,
        help='layout of the joints: coco17, mmpose:NAME, or a JSON file with joints '
        'and limbs',
    )
    group.add_argument(
        '--coco17',
        action='store_true',
        help="bring all to COCO's 17 joints, by their names",
    )
    group.add_argument(
        '--part',
        type=assignment,
        action='append',
        metavar='NAME=JOINT',
        help="with --coco17, the joint of COCO's 17 that a joint of the file stands "
        'for, such as hand_l=left_wrist; may be given several times',
    )
    group.add_argument(
        '--first-frame',
        type=int,
        metavar='N',
        help='image_id of the first frame of COCO results (default: 0 or 1)',
    )
    add_videos(parser)


def add_label_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('labels')
    group.add_argument('--label-format', choices=LABEL_FORMATS, help='of LABELS')
    group.add_argument(
        '--label-fps',
        type=positive,
        metavar='FPS',
        help='frames per second of labels that are counted in frames',
    )
    group.add_argument(
        '--label-option',
        type=assignment,
        action='append',
        metavar='NAME=VALUE',
        help='which of several things in a label file, such as subject=ann (BORIS), '
        'tier=actions (ELAN), attribute=action (VIA, CVAT)',
    )
    group.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='classes in the order of their ids, or a text with one a line (default: '
        'those of the labels, by alphabet)',
    )
    group.add_argument(
        '--background',
        metavar='NAME',
        help='class that Edit and F1 leave out (default: none)',
    )
    group.add_argument(
        '--unlabelled',
        choices=('error', 'background', 'ignore'),
        default='error',
        help='what a frame without a label is: an error, the background, or ignored '
        'in training and scores (default: %(default)s)',
    )
    group.add_argument(
        '--overlap',
        choices=('error', 'background', 'later'),
        default='error',
        help='what a frame with labels of two classes is: an error, the background, '
        'or of the class that starts later (default: %(default)s)',
    )


def parse_args() -> argparse.Namespace:
    parser = converter_parser(__doc__, EXAMPLES)
    parser.usage = '%(prog)s KEYPOINTS... OUT --labels LABELS... [options]'
    parser.add_argument(
        'keypoints', metavar='KEYPOINTS', nargs='+', type=Path, help='files or folders'
    )
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='folder for annotations.pkl'
    )
    parser.add_argument(
        '--labels', metavar='LABELS', nargs='+', type=Path, required=True,
        help='files or folders',
    )  # fmt: skip
    add_pose_options(parser)
    add_label_options(parser)
    parser.add_argument(
        '--skip-unpaired',
        action='store_true',
        help='leave out keypoints without labels, and labels without keypoints',
    )
    parser.add_argument(
        '--test', metavar='VIDEO,VIDEO', help='test videos (default: every fifth)'
    )
    parser.add_argument('--name', help="the data set's name (default: that of OUT)")
    add_folds(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with faults(), user_errors():
        data = convert(args)
        for note in data['metainfo']['notes']:
            print(note)
        write(data, args.out)


if __name__ == '__main__':
    main()
