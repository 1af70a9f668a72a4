"""Make a data set from keypoints of a tracker and labels of an annotation tool."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from logging import WARNING
from pathlib import Path

from mmskelseg_io.converters import building
from mmskelseg_io.converters import keypoint_videos as joining
from mmskelseg_io.converters.building import ReleaseOptions
from mmskelseg_io.converters.keypoint_videos import Labels
from mmskelseg_io.converters.label_individuals import by_individual, label_arrays
from mmskelseg_io.converters.label_tiers import LabelTiers, find_tiers
from mmskelseg_io.files.annotations import Files
from mmskelseg_io.files.video import VideoFile
from mmskelseg_io.inputs import LabelInput, ObjectInput, PlaceFile, PoseInput
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.labels.reading import EACH_SUBJECT, infos_of
from mmskelseg_io.labels.segments import painted
from mmskelseg_io.messages.counts import counted, listed, with_names
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.options import argument, grouped, like, option
from mmskelseg_io.objects import FoundObjects, kinds_of, pair_objects
from mmskelseg_io.poses import with_size
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    SKELETON_KEYS,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import VIEWS, camera_view
from mmskelseg_io.structures.places import Place, notes_outside, zones
from mmskelseg_io.structures.segments import to_segments
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.structures.tiers import flat_rows, metainfo_of

EXAMPLES = """examples:
  # poses of MMPose and a BORIS project; frames between its states are `idle`
  %(prog)s predictions data/mine \\
      --labels project.boris --fps 30 --unlabelled background --background idle
  # DeepLabCut and a table of segments for each video; rate and size from the videos
  %(prog)s dlc/*.csv data/mice --labels segments \\
      --videos videos --unlabelled ignore --folds 5
  # with the tracks of cups and plates, of all that a detector found
  %(prog)s poses data/mine --labels labels --fps 30 \\
      --objects tracks --object-kinds cup 45=plate
"""


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


@dataclass(frozen=True, kw_only=True)
class ConvertKeypoints(Job[Path]):
    """Make a data set from keypoints of a tracker and labels of an annotation tool.

    KEYPOINTS are files of MMPose, OpenPose (a folder per video), COCO results,
    MediaPipe, DeepLabCut, SLEAP, JABS or SimBA, datasets of movement (netCDF), NWB,
    tables (CSV) or arrays (npz), one per video, or folders of them; with --pose-format
    movement, whatever movement reads. LABELS are files of BORIS, ELAN, Label Studio,
    VIA, CVAT, SimBA, Bento, MARS, JABS, DeepEthogram, Solomon Coder, The Observer or
    EthoVision, datasets of movement, NWB, tables of segments (CSV), text files with the
    class of each frame, or folders of them.
    Formats are recognised by name and content. Keypoints and labels are paired by name:
    labels of `take1.mp4` belong to `take1.json` or `take1DLC_resnet50_....csv`. OUT
    gets annotations.pkl.

    Labels are converted by time, so their frame rate may differ from that of the poses;
    the data set gets the rate of the poses. See docs/keypoint_formats.md for all
    formats, and docs/object_formats.md for those of --objects: tools, boxes and other
    things in the videos, which models see beside the skeletons.
    """

    examples = EXAMPLES
    usage = '%(prog)s KEYPOINTS... OUT --labels LABELS... [options]'
    keypoints: Sequence[Path] = argument('files or folders', metavar='KEYPOINTS')
    out: Path = like(building.Converter, 'out')
    labels: Sequence[Path] = option('files or folders', metavar='LABELS')
    videos: Path | None = like(ReleaseOptions, 'videos')
    skip_unpaired: bool = option(
        'skip keypoints without labels, and labels without keypoints', False
    )
    test: str | None = option(
        'test videos (default: every fifth; with one recording, its end)',
        None,
        metavar='VIDEO,VIDEO',
    )
    name: str | None = option('name of the data set (default: the name of OUT)', None)
    folds: int = like(ReleaseOptions, 'folds')
    view: str | None = option(
        'view of the camera: training rotates and mirrors skeletons seen from the top '
        '(default: top if bodies point in all directions, else side)',
        None,
        choices=VIEWS,
    )
    places: Path | None = like(PlaceFile, 'places')
    pose_input: PoseInput = grouped('keypoints')
    label_input: LabelInput = grouped('labels')
    object_input: ObjectInput = grouped('objects', ObjectInput())

    def run(self, events: Events) -> Path:
        """Write the annotation file of keypoints and labels, and return it."""
        out, poses, labels = self.out, self.pose_input, self.label_input
        if out.is_file():
            raise UserError(
                f'{out}: a file, expected the folder OUT, which comes after the '
                'keypoints and before --labels.'
            )
        read, left_out = _read_labels(self.labels, labels)
        with _explained(left_out):
            keypoints = joining.find_keypoints(self.keypoints)
            found, lonely = joining.pair(keypoints, read, self.skip_unpaired)
            names = [name for name, *_ in found]
            parts = [by_individual(item, labels) for *_, item in found]
            tiers = find_tiers([p for each in parts for p in each.values()], labels)
            stated = map(infos_of, dict.fromkeys(item.path for item in read))
            option = ' (--overlap)' * (len(tiers.tiers) > 1)
            told = *left_out, *lonely, *(note + option for note in tiers.notes)
            notes: dict[str, list[str]] = {note: [] for note in told}
            clips = building.find_videos(names, self.videos)
            objects = self._objects(names, notes)
            given = (poses, labels, objects, notes)
            annotations, skeleton = _annotate(found, clips, tiers, *given)
            meta: Metainfo = {
                **metainfo_of(painted(tiers.tiers, [*chain.from_iterable(stated)])),
                **_kinds(objects, annotations, notes),
                **self._places(annotations, notes),
                'skeleton': skeleton,
                'dataset': self.name or out.resolve().name,
                'person': poses.person,
                'notes': with_names(notes, len(names)),
            }
            if poses.kpt_thr is not None:
                meta['kpt_thr'] = poses.kpt_thr
            view = self.view
            if view is None:
                view, reason = camera_view(meta, annotations)
                meta['notes'] += [f'view from the {view}, since {reason} (--view)']
            meta['view'] = view
            counts, videos = _counts(annotations, tiers), self.videos
            if len(annotations) == 1 and not self.test:
                annotations, split, note = building.split_in_time(annotations[0])
                meta['notes'] += [note]
                # Frames of the parts are not those of the video file.
                videos = None
            else:
                split = building.choose_split(self.test, names, out)
            if empty := [name for name, count in counts.items() if not count]:
                meta['notes'] += [f'classes without a frame: {", ".join(empty)}']
            path = building.write(
                out,
                {'annotations': annotations, 'split': split, 'metainfo': meta},
                events,
                files=_sources(found), folds=self.folds, videos=videos,
            )  # fmt: skip
        if not labels.classes:
            # A misspelt name shows up as an extra class.
            sizes = (f'{name} ({count})' for name, count in counts.items())
            events.note(f'segments of each class: {", ".join(sizes)}')
        return path

    def _places(
        self, videos: Sequence[VideoAnnotation], notes: dict[str, list[str]]
    ) -> Metainfo:
        """Return the metainfo of places; videos get them if not all have the same."""
        found = PlaceFile(self.places).of(video['frame_dir'] for video in videos)
        if not found:
            return {}
        shared = next(iter(found.values()))
        each = {name: [*map(Place.of, own)] for name, own in found.items()}
        every = {one.name: one for own in each.values() for one in own}
        drawn = [one.name for one in zones(every.values())]
        said = {'places': drawn, 'known lengths': [n for n in every if n not in drawn]}
        lines = [f'{what}: {", ".join(own)}' for what, own in said.items() if own]
        notes['; '.join(lines)] = []
        for video in videos:
            name = video['frame_dir']
            for note in notes_outside(each[name], video['img_shape']):
                notes.setdefault(note, []).append(name)
        if all(own is shared for own in found.values()):
            return {'places': shared}
        for video in videos:
            video['places'] = found[video['frame_dir']]
        return {}

    def _objects(
        self, names: Sequence[str], notes: dict[str, list[str]]
    ) -> dict[str, FoundObjects] | None:
        """Return the objects of recordings by name, if any are given."""
        given, skip = self.object_input, self.skip_unpaired
        if not given.objects:
            return None
        objects = pair_objects(names, given.read(), skip=skip)
        for name in names:
            own = objects.get(name)
            for note in ('no objects',) if own is None else own.notes:
                notes.setdefault(note, []).append(name)
        return objects


def _kinds(
    objects: Mapping[str, FoundObjects] | None,
    videos: Sequence[VideoAnnotation],
    notes: dict[str, list[str]],
) -> Metainfo:
    """Return the metainfo of objects, and note how many instances each kind has."""
    if objects is None:
        return {}
    kinds = kinds_of(objects.values())
    counts = Counter(one['kind'] for video in videos for one in video['objects'])
    sizes = (f'{kind} ({counts[kind]})' for kind in kinds)
    notes[f'objects of each kind: {", ".join(sizes) or "none"}'] = []
    return {'objects': kinds}


def _read_labels(
    paths: Sequence[Path], given: LabelInput
) -> tuple[list[Labels], list[str]]:
    """Return the labels of each video, and notes on parts that are left out."""
    subject = given.reader_options().get('subject', EACH_SUBJECT)
    if given.each and subject != EACH_SUBJECT:
        raise UserError(
            f'--label-option subject={subject}: --person each reads the labels of '
            'everybody; leave out one of the two.'
        )
    labels, left_out = joining.find_labels(paths, given)
    return joining.joined_individuals(labels) if given.each else labels, left_out


@contextmanager
def _explained(left_out: Sequence[str]) -> Iterator[None]:
    """After an error, log what was left out, which may be why poses have no labels."""
    try:
        yield
    except UserError:
        for note in left_out:
            print_log(f'{note}.', WARNING)
        raise


def _sources(found: Sequence[tuple[str, Path, Labels]]) -> Files:
    """Return the file of each array of videos."""
    files: dict[tuple[str, str], Path] = {}
    for name, path, item in found:
        files.update({(name, key): path for key in SKELETON_KEYS})
        files[name, 'label'] = item.path
    return files


def _counts(
    annotations: Sequence[VideoAnnotation], tiers: LabelTiers
) -> dict[str, int]:
    """Return how many segments each class has."""
    counts = Counter(
        k
        for video in annotations
        for label in (video['label'] if 'individuals' in video else [video['label']])
        for row in flat_rows(label, tiers.tiers).values()
        for *_, k in to_segments(row)
    )
    names = metainfo_of(tiers.tiers)['classes']
    return {name: counts[k] for k, name in enumerate(names)}


def _annotate(
    found: Sequence[tuple[str, Path, Labels]],
    clips: Mapping[str, Path],
    tiers: LabelTiers,
    given: PoseInput,
    labels: LabelInput,
    objects: Mapping[str, FoundObjects] | None,
    notes: dict[str, list[str]],
) -> tuple[list[VideoAnnotation], Layout]:
    """Return annotations and their layout; add names of videos to the notes."""
    annotations: list[VideoAnnotation] = []
    skeletons: list[Layout] = []
    changed: dict[str, dict[str, int]] = {}
    for name, path, item in found:
        clip = VideoFile.open(clips[name]) if name in clips else None
        read = joining.load_poses(path, clip, item, given)
        poses = with_size(read)
        assert poses.img_shape is not None, 'with_size gives them a size'
        assert poses.fps is not None, 'load_poses gives them a rate'
        shared = poses.annotation(name)
        if objects is not None:
            shared['objects'] = []
        if objects and name in objects:
            count, rate = poses.keypoint.shape[1], clip.fps if clip else None
            shared['objects'] = objects[name].tracked(
                count, poses.fps, read.img_shape, rate
            )
        if labels.each:
            shared['individuals'] = list(poses.people)
        shared['label'], more, counts = label_arrays(item, poses, path, tiers, labels)
        for what, number in (+counts).items():
            changed.setdefault(what, {})[name] = number
        if given.others:
            shared['individual'] = 0
        annotations.append(shared)
        skeletons.append(poses.skeleton)
        for note in (*poses.notes, *more):
            notes.setdefault(note, []).append(name)
        if difference := _difference(skeletons[-1], skeletons[0]):
            raise UserError(
                f'{path}: its joints differ from those of {found[0][0]}{difference}; '
                'correct their names, convert only videos with the same joints, or, '
                "if they show people, take COCO's joints alone (--coco17)."
            )
    for what, numbers in changed.items():
        count, first = counted(sum(numbers.values()), 'segment'), next(iter(numbers))
        of = counted(len(numbers), 'recording')
        notes[f'{count} of {of} {what}, first in {first}'] = []
    return annotations, next((s for s in skeletons if isinstance(s, str)), skeletons[0])


main = ConvertKeypoints.main
