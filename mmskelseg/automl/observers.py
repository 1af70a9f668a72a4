"""Labels of several people, with which those of a model can be compared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from mmskelseg.automl.job import Fit
from mmskelseg_behaviour.agreement import offset_words, offsets
from mmskelseg_behaviour.recordings import Recording, paired, read_sources
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.labels import Segment, VideoSegments
from mmskelseg_io.labels.bouts import to_bouts
from mmskelseg_io.messages.counts import counted, listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, class_name, label_rows, tiers_of

#: Names of the observer of the annotation file, and of the one of another file.
FIRST, SECOND = 'the first', 'the second'
# Lengths that differ by less are the same, in seconds.
_ABOUT = 0.1


@dataclass(frozen=True)
class Observers:
    """Labels of several people, with which those of a model are compared.

    Attributes:
        labels: Those of each observer in each recording that several have labelled,
            (G, T), with ids within each of the G tiers; -1 without a label.
        tiers: The tiers; classes of which the model does not know come last.
        notes: What the user should know.
        persons: Who is in each recording.
    """

    labels: Mapping[str, Mapping[str, np.ndarray]]
    tiers: Sequence[Tier]
    notes: Sequence[str] = ()
    persons: Mapping[str, str] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each two people who labelled the same recording."""
        names = dict.fromkeys(who for own in self.labels.values() for who in own)
        return [pair for pair in combinations(names, 2) if self.of_both(*pair)]

    def of_both(
        self, first: str, second: str
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the labels (G, T) of two people, by recording."""
        return {
            name: (own[first], own[second])
            for name, own in self.labels.items()
            if first in own and second in own
        }


def find_observers(
    job: Fit, data: AnnotationFile, persons: Mapping[str, str]
) -> Observers:
    """Return the labels of the second observer, or of those in the annotation file.

    ``data`` are the annotations in use, which have the labels of the first, and
    ``persons`` who is in each recording.

    Raises:
        UserError: If a file cannot be read, or has nothing in common with the data; it
            names file, recording and value.
    """
    found = _in_file(data) if job.second_observer is None else _second(job, data)
    fps = {video['frame_dir']: float(video['fps']) for video in data['annotations']}
    notes = [*found.notes, *_offsets(found, fps)]
    return replace(found, notes=notes, persons=persons)


def _in_file(data: AnnotationFile) -> Observers:
    shared = {
        video['frame_dir']: {who: label_rows(own) for who, own in labels.items()}
        for video in data['annotations']
        if len(labels := video.get('observers', {})) > 1
    }
    names = [video['frame_dir'] for video in data['annotations']]
    notes = []
    if shared and (alone := [name for name in names if name not in shared]):
        notes = [
            f'{counted(len(alone), "recording")} without labels of several observers: '
            f'{listed(sorted(alone))}'
        ]
    return Observers(shared, tiers_of(data['metainfo']), notes)


def _second(job: Fit, data: AnnotationFile) -> Observers:
    path = job.second_observer
    assert path is not None
    given = LabelInput(
        person=EACH,
        label_format=job.label_format,
        label_fps=job.label_fps,
        label_option=job.label_option,
    )
    read = read_sources([[path]], given, None)
    videos = {video['frame_dir']: video for video in data['annotations']}
    ours = {
        name: Recording(
            VideoSegments(name, (), float(v['fps']), v['total_frames']),
            job.ann_file,
            (),
        )
        for name, v in videos.items()
    }
    # The order of names is that in notes and errors.
    sources = {str(job.ann_file): ours, str(path): read.recordings[0]}
    pairs, notes = paired(sources)
    own = {name: pair[str(path)] for name, pair in pairs.items()}
    known = tiers_of(data['metainfo'])
    own = {name: _placed(one, known, job) for name, one in own.items()}
    grounds = {
        t.name: t.classes[t.background] for t in known if t.background is not None
    }
    tiers, more = _with_others(own.values(), known, grounds, job)
    notes = [f'in the comparison of observers, {note}' for note in notes]
    notes += [*read.notes, *more]
    labels = {}
    for name, one in own.items():
        # Files that state their classes have a label wherever their observer gave one.
        absences = {} if one.classes else grounds
        second, remarks = _labels(one, videos[name], tiers, absences)
        labels[name] = {FIRST: label_rows(videos[name]['label']), SECOND: second}
        notes += remarks
    if grounds and not all(one.classes for one in own.values()):
        notes.append(
            f'where {path} has no label, its observer is taken to say '
            f'{listed([*map(repr, grounds.values())])}, the background'
        )
    return Observers(labels, tiers, notes)


def _placed(one: Recording, tiers: Sequence[Tier], job: Fit) -> Recording:
    """Return a recording with its segments in tiers of the data."""
    names = [tier.name for tier in tiers]

    def tier_of(segment: Segment) -> str:
        if segment.tier in names or len(names) == 1:
            return segment.tier if segment.tier in names else names[0]
        having = [tier.name for tier in tiers if segment.label in tier.classes]
        if len(having) == 1:
            return having[0]
        raise UserError(
            f'{one.path}: recording {one.video.name!r} has the class '
            f'{segment.label!r}, which {listed(having) or "none"} of the tiers '
            f'{listed(names)} of {job.ann_file} has; state the tier in the file.'
        )

    placed = [replace(own, tier=tier_of(own)) for own in one.video.segments]
    return one._replace(video=replace(one.video, segments=placed))


def _with_others(
    own: Iterable[Recording],
    tiers: Sequence[Tier],
    grounds: Mapping[str, str],
    job: Fit,
) -> tuple[list[Tier], list[str]]:
    """Return tiers with classes of the second observer that the data lack, and notes.

    Raises:
        UserError: If there is none in common.
    """
    used = {(s.tier, s.label) for one in own for s in one.video.segments}
    classes = {tier.name: [*tier.classes] for tier in tiers}
    known = {(tier, name) for tier, names in classes.items() for name in names}
    others = sorted(used - known)
    if not used & known:
        raise UserError(
            f'{job.second_observer}: has the classes '
            f'{listed([repr(name) for _, name in others]) or "of no label"}, none of '
            f'which {job.ann_file} has; expected '
            f'{listed([repr(name) for _, name in sorted(known)])}.'
        )
    for tier, name in others:
        classes[tier].append(name)
    notes = [
        f'{class_name(name, tier)!r} of {job.second_observer} is no class of '
        f'{job.ann_file}, so nobody agrees on it'
        for tier, name in others
    ]
    return tiers_of({'tiers': classes, 'background': grounds}), notes


def _labels(
    one: Recording,
    video: VideoAnnotation,
    tiers: Sequence[Tier],
    absences: Mapping[str, str],
) -> tuple[np.ndarray, list[str]]:
    """Return the labels of frames of the data, (G, T), and notes.

    A recording lasts as long as its file states, or else as the data. ``absences`` are
    the classes of time without a label, by tier.
    """
    frames, fps, name = video['total_frames'], float(video['fps']), video['frame_dir']
    last = max((segment.end for segment in one.video.segments), default=0.0)
    seconds, stated = frames / fps, one.video.seconds
    bouts = to_bouts(
        one.video,
        {tier.name: tier.classes for tier in tiers},
        f'{one.path}: video {one.video.name!r}',
        absences=absences,
        duration=stated or max(seconds, last),
    )
    notes = []
    if abs(bouts.duration - seconds) > _ABOUT:
        notes.append(
            f'{name!r} is {seconds:.2f} s long, but {bouts.duration:.2f} s in '
            f'{one.path}; what one lacks does not count'
        )
    if one.video.fps and one.video.fps != fps:
        notes.append(
            f'{one.path} has {one.video.fps:g} frames per second, and {name!r} '
            f'{fps:g}, at which labels are compared'
        )
    flat = bouts.labels(fps, frames)
    begins = np.array([[tier.rows.start] for tier in tiers])
    return np.where(flat == IGNORED, IGNORED, flat - begins), notes


def _offsets(people: Observers, fps: Mapping[str, float]) -> Iterator[str]:
    """Yield whose labels look moved in time."""
    for first, second in people.pairs:
        both = people.of_both(first, second)
        frames = {name: np.stack(pair, axis=1) for name, pair in both.items()}
        for row in offsets([first, second], frames, fps[next(iter(both))]):
            yield f'of the observers, {offset_words(row)}'
