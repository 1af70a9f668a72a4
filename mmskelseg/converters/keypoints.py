"""Make a data set from keypoints of a tracker and labels of an annotation tool.

KEYPOINTS are files of MMPose, OpenPose (a folder per video), COCO results, MediaPipe,
DeepLabCut or SLEAP, tables (CSV) or arrays (npz), one per video, or folders of them.
LABELS are files of BORIS, ELAN, Label Studio, VIA or CVAT, tables of segments (CSV),
text files with the class of each frame, or folders of them. Formats are recognised by
name and content. Keypoints and labels are paired by name: labels of
`take1.mp4` belong to `take1.json` or `take1DLC_resnet50_....csv`. OUT gets
annotations.pkl.

Labels are converted by time, so their frame rate may differ from that of the poses; the
data set gets the rate of the poses. See docs/keypoint_formats.md for all formats.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from logging import WARNING
from pathlib import Path

from mmskelseg.converters import building, options
from mmskelseg.converters import keypoint_videos as joining
from mmskelseg.converters.keypoint_videos import Labels, Options
from mmskelseg.converters.label_individuals import by_individual, label_arrays
from mmskelseg.converters.label_tiers import LabelTiers, find_tiers
from mmskelseg.converters.options import Option
from mmskelseg.runtime.cli.arguments import add_pose_file_options
from mmskelseg.runtime.cli.command_line import add_kpt_thr, add_person, positive
from mmskelseg.runtime.files.video import VideoFile
from mmskelseg.runtime.labels import READERS
from mmskelseg.runtime.labels.reading import EACH_SUBJECT
from mmskelseg.runtime.messages.counts import counted, listed
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.logs import print_log
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg.runtime.structures.bodies import VIEWS, camera_view
from mmskelseg.runtime.structures.choices import EACH
from mmskelseg.runtime.structures.segments import to_segments
from mmskelseg.runtime.structures.skeleton import Layout
from mmskelseg.runtime.structures.tiers import flat_rows, metainfo_of

EXAMPLES = """examples:
  # poses of MMPose and a BORIS project; frames between its states are `idle`
  %(prog)s predictions data/mine \\
      --labels project.boris --fps 30 --unlabelled background --background idle
  # DeepLabCut and a table of segments for each video; rate and size from the videos
  %(prog)s dlc/*.csv data/mice --labels segments \\
      --videos videos --unlabelled ignore --folds 5
"""


# Options of label files that may be repeated.
_SEVERAL = ('observation', 'tier', 'attribute', 'control')


def assignment(text: str) -> tuple[str, str]:
    """Return the name and the value of a text NAME=VALUE.

    >>> assignment('hand_l=left_wrist'), assignment('subject=')
    (('hand_l', 'left_wrist'), ('subject', ''))
    """
    name, equals, value = text.partition('=')
    if not name or not equals:
        raise UserError(f'{text} is not NAME=VALUE')
    return name, value


def label_options(given: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return the values of --label-option, as lists where several are given.

    >>> label_options([('observation', 'a'), ('subject', 'ann'), ('observation', 'b')])
    {'observation': ['a', 'b'], 'subject': 'ann'}
    """
    found: dict[str, list[str]] = {}
    for name, value in given:
        found.setdefault(name, []).append(value)
        if len(found[name]) > 1 and name not in _SEVERAL:
            raise UserError(f'--label-option {name} is given twice; choose one.')
    return {n: values if values[1:] else values[0] for n, values in found.items()}


def _difference(these: Layout, those: Layout) -> str:
    """Return how two layouts differ, such as ' (it lacks nose)', '' if they agree."""
    a, b = Skeleton.get(these), Skeleton.get(those)
    more = [joint for joint in a.joints if joint not in b.joints]
    less = [joint for joint in b.joints if joint not in a.joints]
    if not (more or less):
        sets = [
            [{*map(frozenset, pairs)} for pairs in (one.limbs, one.flip_pairs)]
            for one in (a, b)
        ]
        same = a.joints == b.joints and sets[0] == sets[1]
        return '' if same else ' in order, limbs or sides'
    texts = [
        f'it {verb} {listed(joints, 3)}'
        for verb, joints in (('has', more), ('lacks', less))
        if joints
    ]
    return f' ({" and ".join(texts)})'


def _read_labels(given: Options) -> tuple[list[Labels], list[str]]:
    """Return the labels of each video, and notes on parts that are left out."""
    reading = label_options(given.label_option or ())
    if given.label_fps is not None:
        reading['fps'] = given.label_fps
    each = given.person == EACH
    if each and reading.setdefault('subject', EACH_SUBJECT) != EACH_SUBJECT:
        raise UserError(
            f'--label-option subject={reading["subject"]}: --person each reads the '
            'labels of everybody; leave out one of the two.'
        )
    labels, left_out = joining.find_labels(
        given.labels, given.label_format, reading, given.strict
    )
    return joining.joined_individuals(labels) if each else labels, left_out


def convert(given: Options) -> None:
    """Write the annotation file of keypoints and labels."""
    if given.out.is_file():
        raise UserError(
            f'{given.out}: a file, expected the folder OUT, which comes after the '
            'keypoints and before --labels.'
        )
    labels, left_out = _read_labels(given)
    try:
        _join(labels, left_out, given)
    except UserError:
        # It may be why poses have no labels.
        for note in left_out:
            print_log(f'{note}.', WARNING)
        raise


def _join(labels: Sequence[Labels], left_out: Sequence[str], given: Options) -> None:
    """Write labels with their poses; notes say which labels are left out."""
    keypoints = joining.find_keypoints(given.keypoints)
    found, lonely = joining.pair(keypoints, labels, given.skip_unpaired)
    parts = [by_individual(item, given) for *_, item in found]
    tiers = find_tiers([part for each in parts for part in each.values()], given)
    names = [name for name, *_ in found]
    made = [f'{note} (--overlap)' for note in tiers.notes]
    notes: dict[str, list[str]] = {note: [] for note in (*left_out, *lonely, *made)}
    annotations, skeletons = _annotate(found, tiers, given, notes)
    sources = {}
    for name, path, item in found:
        sources.update({(name, 'keypoint'): path, (name, 'keypoint_score'): path})
        sources[name, 'label'] = item.path
    skeleton = next((s for s in skeletons if isinstance(s, str)), skeletons[0])
    stated = metainfo_of(tiers.tiers)
    meta: Metainfo = {
        'classes': stated['classes'],
        'skeleton': skeleton,
        'dataset': given.name or given.out.resolve().name,
        'background': stated['background'],
        'person': given.person,
        'notes': [
            note if len(files) in (0, len(names)) else f'{note} ({listed(files, 3)})'
            for note, files in notes.items()
        ],
        **stated,
    }
    if given.kpt_thr is not None:
        meta['kpt_thr'] = given.kpt_thr
    if given.view is not None:
        meta['view'] = given.view
    else:
        meta['view'], reason = camera_view(meta, annotations)
        meta['notes'] += [f'view from the {meta["view"]}, since {reason} (--view)']
    videos = given.videos
    if len(annotations) == 1 and not given.test:
        annotations, split, note = building.split_in_time(annotations[0])
        meta['notes'] += [note]
        # Frames of the parts are not those of the video file.
        videos = None
    else:
        split = building.choose_split(given.test, names, given.out)
    building.write(
        given.out, annotations, split, meta,
        files=sources, folds=given.folds, videos=videos,
    )  # fmt: skip
    if given.classes is None:
        # A misspelt name shows up as an extra class.
        print(_counts(annotations, tiers))


def _counts(annotations: Sequence[VideoAnnotation], tiers: LabelTiers) -> str:
    """Return in words how many segments each class has."""
    counts = Counter(
        k
        for video in annotations
        for label in (video['label'] if 'individuals' in video else [video['label']])
        for row in flat_rows(label, tiers.tiers).values()
        for *_, k in to_segments(row)
    )
    names = metainfo_of(tiers.tiers)['classes']
    each = (f'{name} ({counts[k]})' for k, name in enumerate(names))
    return f'segments of each class: {", ".join(each)}'


def _annotate(
    found: Sequence[tuple[str, Path, Labels]],
    tiers: LabelTiers,
    given: Options,
    notes: dict[str, list[str]],
) -> tuple[list[VideoAnnotation], list[Layout]]:
    """Return annotations and layouts of videos; add their names to the notes."""
    names = [name for name, *_ in found]
    files = {
        name: VideoFile.open(path)
        for name, path in building.find_videos(names, given.videos).items()
    }
    annotations: list[VideoAnnotation] = []
    skeletons: list[Layout] = []
    joined: dict[str, int] = {}
    for name, path, item in found:
        poses = joining.load_poses(path, files.get(name), item, given)
        # Both are set by load_poses.
        assert poses.img_shape is not None
        assert poses.fps is not None
        shared: VideoAnnotation = {'img_shape': poses.img_shape, 'fps': poses.fps}
        if given.person == EACH:
            shared['individuals'] = list(poses.people)
        label, more, number = label_arrays(item, poses, path, tiers, given)
        if number:
            joined[name] = number
        arrays = (poses.keypoint, poses.keypoint_score, label)
        if given.others:
            shared['individual'] = 0
        annotations.append(building.annotation(shared, name, *arrays))
        skeletons.append(poses.skeleton)
        for note in (*poses.notes, *more):
            notes.setdefault(note, []).append(name)
        if difference := _difference(skeletons[-1], skeletons[0]):
            raise UserError(
                f'{path}: its joints differ from those of {names[0]}{difference}; '
                'correct their names, convert only videos of one layout, or convert '
                'all to COCO joints with --coco17.'
            )
    if joined:
        count = counted(sum(joined.values()), 'segment')
        first = next(iter(joined))
        note = f'joined with a neighbour of their class: {count}, the first in {first}'
        notes[note] = []
    return annotations, skeletons


POSE_OPTIONS: options.Options = {
    '--fps': 'frames per second of the poses, instead of the rate that their files or '
    'the video files (--videos) state',
    '--size': 'size of the images to which the pixels refer',
    '--person': add_person,
    '--others': 'also keep the other people or animals of a video, for mmskelseg '
    'make-config --pairs',
    '--subjects': Option(
        'with --person each, a table with the columns subject and individual, if '
        'names in labels differ from those in poses',
        type=Path,
        metavar='FILE',
    ),
    '--skeleton': Option(
        'layout of the joints: coco17, mmpose:NAME, or a JSON file with joints and '
        'limbs',
        type=options.skeleton,
    ),
    '--kpt-thr': add_kpt_thr,
    '--view': Option(
        'view of the camera: training rotates and mirrors skeletons seen from the top '
        '(default: top if bodies point in all directions, else side)',
        choices=VIEWS,
    ),
    '--coco17': "convert all poses to COCO's 17 joints, by the names of joints",
    '--part': Option(
        'with --coco17, the COCO joint that corresponds to a joint of the file, such '
        'as hand_l=left_wrist; may be repeated',
        type=assignment,
        action='append',
        metavar='NAME=JOINT',
    ),
    '--format': partial(add_pose_file_options, format_option='--format'),
}
LABEL_OPTIONS = {
    '--label-format': Option('format of LABELS', choices=[*READERS, 'framewise']),
    '--label-fps': Option(
        'frames per second of labels that are given in frames',
        type=positive,
        metavar='FPS',
    ),
    '--label-option': Option(
        'what to read from a label file, such as subject=ann or point_seconds=0.1 '
        '(BORIS), tier=actions (ELAN), attribute=action (VIA, CVAT); observation, '
        'tier, attribute and control (Label Studio) may be repeated',
        type=assignment,
        action='append',
        metavar='NAME=VALUE',
    ),
    '--strict': Option(
        'stop with an error if an observation (BORIS), task (Label Studio, CVAT), '
        'annotation (ELAN) or video (VIA) does not fit, instead of skipping it'
    ),
    '--classes': Option(
        'classes in the order of their ids, or a text file with one per line (default: '
        'those of the labels, in alphabetical order)',
        nargs='+',
        metavar='NAME',
    ),
    '--background': Option(
        'class that Edit and F1 ignore (default: none); with several tiers, that of '
        'all tiers which have it, or TIER=NAME, which may be repeated',
        action='append',
        metavar='NAME',
    ),
    '--tiers': Option(
        'JSON file with the classes of each tier, such as {"posture": ["stand", '
        '"sit"], "sniff": ["sniff"]}; a single class gets its absence, `no sniff`, as '
        'background (default: as label files state, or else as --overlap says)',
        metavar='FILE',
    ),
    '--unlabelled': Option(
        'treat frames without a label as an error, as background, or ignore them in '
        'training and scores (default: %(default)s)',
        choices=('error', 'background', 'ignore'),
    ),
    '--overlap': Option(
        'where labels of two classes overlap, give these classes tiers of their own '
        '(unless they share less than 0.3 s at a boundary, which is an error), or keep '
        'one tier and treat such frames as an error, as background, or take the class '
        'that starts later (default: %(default)s)',
        choices=('tiers', 'error', 'background', 'later'),
    ),
}
PATHS = {'nargs': '+', 'type': Path}
CONVERTER = options.Converter(
    lambda **values: convert(Options(**values)),
    {
        'keypoints': Option('files or folders', metavar='KEYPOINTS', **PATHS),
        'out': options.OUT,
        '--labels': Option('files or folders', metavar='LABELS', **PATHS),
        '--videos': options.VIDEOS,
        '--skip-unpaired': 'skip keypoints without labels, and labels without '
        'keypoints',
        '--test': options.test(
            'VIDEO,VIDEO', 'every fifth; with one recording, its end'
        ),
        '--name': 'name of the data set (default: the name of OUT)',
        '--folds': options.FOLDS,
    },
    {'keypoints': POSE_OPTIONS, 'labels': LABEL_OPTIONS},
    examples=EXAMPLES,
    takes=Options,
    usage='%(prog)s KEYPOINTS... OUT --labels LABELS... [options]',
)
