"""Make a data set from keypoints of a tracker and labels of an annotation tool.

KEYPOINTS are files of MMPose, OpenPose (a folder per video), COCO results, MediaPipe,
DeepLabCut or SLEAP, tables (CSV) or arrays (npz), one per video, or folders of them.
LABELS are files of BORIS, ELAN, Label Studio, VIA or CVAT, tables of segments (CSV),
texts with the class of each frame, one per line, or folders of them. Formats are
recognised by name and content. Keypoints and labels are paired by name: labels of
`take1.mp4` belong to `take1.json` or `take1DLC_resnet50_....csv`. OUT gets
annotations.pkl.

Labels are converted by time, so their frame rate may differ from that of the poses; the
data set gets the rate of the poses. See docs/keypoint_formats.md for all formats.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mmskelseg.converters import building
from mmskelseg.converters import keypoint_videos as joining
from mmskelseg.converters.keypoint_videos import Labels
from mmskelseg.runtime.cli.command_line import (
    add_person,
    add_pose_file_options,
    positive,
)
from mmskelseg.runtime.files.parsing import read_lines
from mmskelseg.runtime.files.video import VideoFile
from mmskelseg.runtime.labels import READERS
from mmskelseg.runtime.messages.counts import listed
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.segments import to_segments
from mmskelseg.runtime.structures.skeleton import Layout

EXAMPLES = """examples:
  # poses of MMPose and a BORIS project; frames between its states are `idle`
  %(prog)s predictions data/mine \\
      --labels project.boris --fps 30 --unlabelled background --background idle
  # DeepLabCut and a table of segments for each video; frame rate and size of the videos
  %(prog)s dlc/*.csv data/mice --labels segments \\
      --videos videos --unlabelled ignore --folds 5
"""


def class_names(
    wanted: Sequence[str] | None, labels: Sequence['Labels'], background: str | None
) -> list[str]:
    """Return the classes in the order of --classes, or in alphabetical order."""
    if wanted is None:
        used = {name for item in labels for name in item.lines if name}
        used |= {segment.label for item in labels for segment in item.segments}
        classes = sorted(used)
    elif len(wanted) == 1 and Path(wanted[0]).is_file():
        classes = read_lines(wanted[0])
    else:
        classes = list(wanted)
    if background is not None and background not in classes:
        classes.append(background)
    return classes


def assignment(text: str) -> tuple[str, str]:
    """Return name and value of a text.

    >>> assignment('hand_l=left_wrist'), assignment('subject=')
    (('hand_l', 'left_wrist'), ('subject', ''))
    """
    name, equals, value = text.partition('=')
    if not name or not equals:
        raise argparse.ArgumentTypeError(f'{text} is not NAME=VALUE')
    return name, value


def label_options(given: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return the options given by --label-option, observations of BORIS as a list.

    >>> label_options([('observation', 'a'), ('subject', 'ann'), ('observation', 'b')])
    {'observation': ['a', 'b'], 'subject': 'ann'}
    """
    options: dict[str, object] = {}
    observations: list[str] = []
    for name, value in given:
        if name == 'observation':
            options[name] = observations
            observations.append(value)
        elif name in options:
            raise UserError(f'--label-option {name} is given twice; choose one.')
        else:
            options[name] = value
    return options


def _noted(note: str, videos: Sequence[str], names: Sequence[str]) -> str:
    if len(videos) in (0, len(names)):
        return note
    listed = ', '.join(videos[:3]) + (', ...' if len(videos) > 3 else '')
    return f'{note} ({listed})'


def _same(one: Layout, other: Layout) -> bool:
    """Return whether two layouts agree, even if only one of them is a name."""
    a, b = Skeleton.get(one), Skeleton.get(other)
    return a.joints == b.joints and all(
        {frozenset(pair) for pair in pairs[0]} == {frozenset(pair) for pair in pairs[1]}
        for pairs in ((a.limbs, b.limbs), (a.flip_pairs, b.flip_pairs))
    )


def _difference(these: Layout, those: Layout) -> str:
    """Return which joints only one of two layouts has, such as ' (it lacks nose)'."""
    own, other = Skeleton.get(these).joints, Skeleton.get(those).joints
    more = [joint for joint in own if joint not in other]
    less = [joint for joint in other if joint not in own]
    if not (more or less):
        return ' in order, limbs or sides'
    texts = [f'it has {listed(more, 3)}'] * bool(more) + [
        f'it lacks {listed(less, 3)}'
    ] * bool(less)
    return f' ({" and ".join(texts)})'


def _add_pose_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('keypoints')
    group.add_argument(
        '--fps',
        type=positive,
        help='frames per second of the poses, instead of the rate that their files or '
        'the video files (--videos) state',
    )
    group.add_argument(
        '--size',
        type=building.image_size,
        metavar='WxH',
        help='size of the images to which the pixels refer',
    )
    add_person(group)
    group.add_argument(
        '--skeleton',
        type=building.skeleton,
        help='layout of the joints: coco17, mmpose:NAME, or a JSON file with joints '
        'and limbs',
    )
    group.add_argument(
        '--coco17',
        action='store_true',
        help="convert all poses to COCO's 17 joints, by the names of joints",
    )
    group.add_argument(
        '--part',
        type=assignment,
        action='append',
        metavar='NAME=JOINT',
        help='with --coco17, the COCO joint that corresponds to a joint of the file, '
        'such as hand_l=left_wrist; may be given several times',
    )
    add_pose_file_options(group, '--format')
    building.add_videos(parser)


def _add_label_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('labels')
    group.add_argument(
        '--label-format', choices=[*READERS, 'framewise'], help='format of LABELS'
    )
    group.add_argument(
        '--label-fps',
        type=positive,
        metavar='FPS',
        help='frames per second of labels that are given in frames',
    )
    group.add_argument(
        '--label-option',
        type=assignment,
        action='append',
        metavar='NAME=VALUE',
        help='what to read from a label file, such as subject=ann or '
        'point_seconds=0.1 (BORIS), tier=actions (ELAN), attribute=action (VIA, CVAT); '
        'may be repeated for several observations of BORIS',
    )
    group.add_argument(
        '--strict',
        action='store_true',
        help='stop with an error if an observation (BORIS), task (Label Studio, CVAT), '
        'annotation (ELAN) or video (VIA) does not fit, instead of skipping it',
    )
    group.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='classes in the order of their ids, or a text with one per line '
        '(default: those of the labels, in alphabetical order)',
    )
    group.add_argument(
        '--background',
        metavar='NAME',
        help='class that Edit and F1 ignore (default: none)',
    )
    group.add_argument(
        '--unlabelled',
        choices=('error', 'background', 'ignore'),
        default='error',
        help='treat frames without a label as an error, as background, or ignore them '
        'in training and scores (default: %(default)s)',
    )
    group.add_argument(
        '--overlap',
        choices=('error', 'background', 'later'),
        default='error',
        help='treat frames with labels of two classes as an error, as background, or '
        'take the class that starts later (default: %(default)s)',
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = '%(prog)s KEYPOINTS... OUT --labels LABELS... [options]'
    parser.add_argument(
        'keypoints', metavar='KEYPOINTS', nargs='+', type=Path, help='files or folders'
    )
    building.add_out(parser)
    parser.add_argument(
        '--labels', metavar='LABELS', nargs='+', type=Path, required=True,
        help='files or folders',
    )  # fmt: skip
    _add_pose_options(parser)
    _add_label_options(parser)
    parser.add_argument(
        '--skip-unpaired',
        action='store_true',
        help='skip keypoints without labels, and labels without keypoints',
    )
    building.add_test(parser, 'VIDEO,VIDEO', 'every fifth')
    parser.add_argument(
        '--name', help='name of the data set (default: the name of OUT)'
    )
    building.add_folds(parser)


def _run(args: argparse.Namespace) -> None:
    if 'background' in (args.unlabelled, args.overlap) and args.background is None:
        raise UserError('name the class by --background NAME.')
    if args.out.is_file():
        raise UserError(
            f'{args.out}: a file, expected the folder OUT, which comes after the '
            'keypoints and before --labels.'
        )
    options = label_options(args.label_option or ())
    if args.label_fps is not None:
        options['fps'] = args.label_fps
    labels, left_out = joining.find_labels(
        args.labels, args.label_format, options, args.strict
    )
    keypoints = joining.find_keypoints(args.keypoints)
    found, lonely = joining.pair(keypoints, labels, args.skip_unpaired)
    classes = class_names(args.classes, [item for *_, item in found], args.background)
    names = [name for name, *_ in found]
    files = {
        name: VideoFile.open(path)
        for name, path in building.find_videos(names, args.videos).items()
    }
    notes: dict[str, list[str]] = {note: [] for note in [*left_out, *lonely]}
    annotations: list[VideoAnnotation] = []
    skeletons, sources = [], {}
    for name, path, item in found:
        sources.update({(name, 'keypoint'): path, (name, 'keypoint_score'): path})
        sources[name, 'label'] = item.path
        poses = joining.load_poses(path, files.get(name), args)
        label, more = joining.frame_labels(item, poses, classes, args)
        # Both are set by load_poses.
        assert poses.img_shape is not None
        assert poses.fps is not None
        annotations.append(
            {
                'frame_dir': name,
                'total_frames': len(label),
                'img_shape': poses.img_shape,
                'fps': poses.fps,
                'keypoint': poses.keypoint,
                'keypoint_score': poses.keypoint_score,
                'label': label,
            }
        )
        skeletons.append(poses.skeleton)
        for note in (*poses.notes, *more):
            notes.setdefault(note, []).append(name)
        if not _same(skeletons[-1], skeletons[0]):
            raise UserError(
                f'{path}: its joints differ from those of {names[0]}'
                f'{_difference(skeletons[-1], skeletons[0])}; '
                'correct their names, convert only videos of one layout, or convert '
                'all to COCO joints by --coco17.'
            )
    building.write(
        args.out,
        annotations,
        building.choose_split(args.test, names, args.out),
        classes=classes,
        skeleton=next((s for s in skeletons if isinstance(s, str)), skeletons[0]),
        dataset=args.name or args.out.resolve().name,
        background=args.background,
        files=sources,
        folds=args.folds,
        videos=args.videos,
        person=args.person,
        notes=[_noted(note, videos, names) for note, videos in notes.items()],
    )
    if args.classes is None:
        # Where misspelt names can be seen.
        found_ids = (k for v in annotations for *_, k in to_segments(v['label']))
        counts = Counter(found_ids)
        listed = (f'{name} ({counts[k]})' for k, name in enumerate(classes))
        print(f'segments of each class: {", ".join(listed)}')


main = building.converter(__doc__, EXAMPLES, _add_arguments, _run)
