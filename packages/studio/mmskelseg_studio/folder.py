"""A folder that is labelled: its recordings, the project in it, and training data."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from mmskelseg_io.converters.keypoint_videos import Labels
from mmskelseg_io.converters.label_tiers import find_tiers
from mmskelseg_io.files.names import STUDIO
from mmskelseg_io.files.projects import observer_of, observers, project_file
from mmskelseg_io.files.video import VideoFile
from mmskelseg_io.inputs import LabelInput, ObjectInput, PoseInput
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.objects import FoundObjects, kinds_of, pair_objects
from mmskelseg_io.poses import Poses, choose_person
from mmskelseg_io.poses.poses import NoRateError
from mmskelseg_io.poses.tracking import everybody
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    SKELETON_KEYS,
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import camera_view
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.individuals import without_absences
from mmskelseg_io.structures.objects import ObjectKinds, TrackedObject
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.structures.tiers import Tier, metainfo_of, tiers_of
from mmskelseg_studio.drawn_places import add_places
from mmskelseg_studio.ethogram import LabelTier, with_infos
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.options import inputs_of
from mmskelseg_studio.pictures import Picture, picture_of
from mmskelseg_studio.project import Project
from mmskelseg_studio.recordings import (
    FoundRecording,
    apart,
    check_own,
    find_recordings,
    labels_of,
    length_of,
    load_poses,
    opened,
)

# Point events are read as segments without a duration.
_MOMENTS = [('point_seconds', '0')]
# Recordings whose poses are kept in memory.
_KEPT = 8


@dataclass
class Folder:
    """A folder with recordings, by name, and the project in it.

    Attributes:
        given: How its poses are read, and whose are segmented.
        notes: What was left out, and why.
        labels: What files have of labels, by recording.
        object_input: What is given of objects.
        unrated: Files of poses that do not state how many frames a second has, and
            are left out until that is known.
        objects: Those of recordings.
    """

    path: Path
    recordings: dict[str, FoundRecording]
    project: Project
    given: PoseInput
    notes: list[str] = field(default_factory=list)
    labels: Mapping[str, Sequence[Labels]] = field(default_factory=dict)
    object_input: ObjectInput = ObjectInput()
    unrated: Sequence[str] = ()
    objects: Mapping[str, FoundObjects] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._loaded = lru_cache(_KEPT)(self._load)
        self.objects = _objects_of(self.recordings, self.object_input, self.notes)

    @property
    def observer(self) -> str:
        """Who labels; '' without a name."""
        return observer_of(self.project.path)

    @property
    def shared(self) -> Path:
        """The folder for what is the same for all observers."""
        return self.path / STUDIO

    @property
    def work(self) -> Path:
        """The folder for all else that the studio writes, but for the project."""
        own = self.shared / 'observers' / self.observer
        return own if self.observer else self.shared

    def picture(self, name: str) -> Picture:
        """Return what is drawn of a recording's poses."""
        # One after another, so that no file is read twice.
        with self._lock:
            return self._loaded(name)[1]

    def annotation(
        self, name: str, tiers: Sequence[LabelTier] | None = None
    ) -> tuple[VideoAnnotation, Layout]:
        """Return the entry of a recording with its labels, and its layout of joints."""
        with self._lock:
            entry, _, layout = self._loaded(name)
        label = self.project.frame_labels(name, tiers)
        if 'individual' in entry:
            i = entry['individual']
            score = entry['keypoint_score'][i : i + 1]
            label = without_absences(label, score, entry['fps'])
        return {**entry, 'label': label}, layout

    def _load(self, name: str) -> tuple[VideoAnnotation, Picture, Layout]:
        recording = self.recordings[name]
        if recording.entry is not None and recording.metainfo is not None:
            entry, layout = recording.entry, recording.metainfo['skeleton']
            shown = entry
        else:
            poses = self._poses(name)
            layout = poses.skeleton
            if self.given.person == EACH:
                poses = own = everybody(poses)
            else:
                own = choose_person(poses, self.given.person, str(recording.poses))
                poses = _in_front(own, poses)
            entry, shown = (_entry(recording, one) for one in (own, poses))
        if name in self.objects:
            tracked = _tracked(self.objects[name], entry, recording)
            more: VideoAnnotation = {'objects': tracked}
            entry, shown = {**entry, **more}, {**shown, **more}
        _check_length(recording, self.project, entry['total_frames'], entry['fps'])
        return entry, picture_of(shown, recording, layout), layout

    def _poses(self, name: str) -> Poses:
        """Return the poses of a recording, at the rate at which it was labelled."""
        try:
            return load_poses(self.recordings[name], self.given)
        except NoRateError:
            if name not in self.project.recordings:
                raise
            fps = self.project.recordings[name].fps
            return load_poses(self.recordings[name], replace(self.given, fps=fps))


def _tracked(
    found: FoundObjects, entry: VideoAnnotation, recording: FoundRecording
) -> list[TrackedObject]:
    """Return the objects of a recording, whose size the video or the entry states."""
    size = entry['img_shape'] if recording.video or recording.entry else None
    rate = None
    if recording.video is not None and recording.poses is not None:
        rate = VideoFile.open(recording.video).fps
    return found.tracked(entry['total_frames'], entry['fps'], size, rate)


def open_folder(
    path: Path,
    given: Mapping[str, Any] | None = None,
    *,
    ignore_labels: bool = False,
    tiers: Sequence[Tier] | None = None,
    observer: str = '',
) -> Folder:
    """Return a folder with all of its recordings; its project is not saved yet.

    Options of files that are ``given`` replace those that the project has kept.
    Recordings that the project does not know get the labels that the folder has, but
    for ``ignore_labels``, which prefers the classes of a file of them. A new project
    has those of another one in the folder, or else ``tiers``, a model's, if given. That
    of an ``observer`` with a name gets no labels of files, which may be another's.

    Raises:
        UserError: If there is no recording, a file cannot be used, or a project has
            other classes than the model.
    """
    # So that the name of no file is an option of a command, or an address.
    path = path.absolute()
    check_own(path)
    notes, errors = list[str](), list[UserError]()
    project = _open_project(path, observer, tiers or ())
    project.options |= given or {}
    poses, objects = inputs_of(project.options, project.path, notes)
    recordings, files, infos = find_recordings(path, notes, objects.objects)
    if poses.person == EACH:
        recordings = apart(recordings.values(), poses, errors)
    recordings = _of_right_length(recordings, project, errors, notes)
    new = [one for one in recordings.values() if one.name not in project.recordings]
    found = list(opened(new, poses, errors))
    unrated = sorted({one.source for one in errors if isinstance(one, NoRateError)})
    notes += [f'left out: {e}' for e in errors if not isinstance(e, NoRateError)]
    new = [one for one, *_ in found]
    recordings = {n: r for n, r in recordings.items() if n in project.recordings}
    recordings |= {one.name: one for one in new}
    if not (recordings or unrated):
        raise errors[0]
    labels: dict[str, list[Labels]] = {}
    if recordings and not (ignore_labels or observer):
        read = LabelInput(poses.person, label_option=_MOMENTS)
        labels = labels_of([*recordings.values()], files, read, notes)
    if not (project.recordings or any(tier.classes for tier in project.tiers)):
        stating = [] if ignore_labels and infos else new
        first = {one.name: labels[one.name][0] for one in new if one.name in labels}
        project.tiers = with_infos(_tiers(stating, first), infos, notes)
    _leave_out_other_tiers(
        recordings, labels, project, [one.name for one in new], notes
    )
    for recording, frames, rate in found:
        # Those of further files are offered.
        its = [s for one in labels.get(recording.name, [])[:1] for s in one.segments]
        project.add_recording(recording.name, frames, rate, its)
    recordings = dict(sorted(recordings.items()))
    return Folder(path, recordings, project, poses, notes, labels, objects, unrated)


def _objects_of(
    recordings: Mapping[str, FoundRecording], given: ObjectInput, notes: list[str]
) -> dict[str, FoundObjects]:
    """Return the objects of recordings; those without are noted."""
    if not given.objects:
        return {}
    names = [*dict.fromkeys(one.of or one.name for one in recordings.values())]
    found = pair_objects(names, given.read(), skip=True)
    note = f'no objects of {listed([name for name in names if name not in found])}'
    # It may stand there since the folder was opened.
    if len(found) < len(names) and note not in notes:
        notes.append(note)
    of = {name: one.of or name for name, one in recordings.items()}
    return {name: found[own] for name, own in of.items() if own in found}


def _open_project(folder: Path, observer: str, tiers: Sequence[Tier]) -> Project:
    """Return the project of an observer, which has the tiers of a model, if given."""
    file = project_file(folder, observer)
    if file.exists():
        project = load_project(file)
    else:
        others = (project_file(folder, one) for one in observers(folder))
        known = next(map(load_project, others), None)
        project = Project(file, (known and known.tiers) or _label_tiers(tiers))
        project.options |= known.options if known else {}
    _check_classes(project, tiers)
    return project


def _of_right_length(
    recordings: Mapping[str, FoundRecording],
    project: Project,
    errors: list[UserError],
    notes: list[str],
) -> dict[str, FoundRecording]:
    """Return recordings without those whose labels are of other frames.

    Those that are gone are noted. What has poses in a file is compared when they are
    read, which takes its time.
    """
    absent = project.recordings.keys() - recordings.keys()
    notes += [f'{one}: no longer in the folder; its labels are kept' for one in absent]
    found = {}
    for name, one in recordings.items():
        try:
            if name in project.recordings and one.poses is None:
                _check_length(one, project, *length_of(one, PoseInput()))
            found[name] = one
        except UserError as error:
            errors.append(error)
    return found


def _check_length(
    recording: FoundRecording, project: Project, frames: int, fps: float
) -> None:
    """Raise a UserError if the labels of a recording are of other frames."""
    known = project.recordings.get(recording.name)
    if known is None or (known.frames, known.fps) == (frames, fps):
        return
    # Poses that were there when it was labelled may be a little longer or shorter.
    seconds, labelled = frames / fps, known.frames / known.fps
    if not recording.has_poses and abs(seconds - labelled) <= max(1, 0.1 * seconds):
        return
    raise UserError(
        f'{recording.poses or recording.video or recording.name}: has {frames} frames '
        f'at {fps:g} fps, but the labels of {recording.name!r} in {project.path} are '
        f'of {known.frames} at {known.fps:g}; start the studio with the rate that was '
        f'labelled (--fps {known.fps:g}), or rename the file to label it anew.'
    )


def _leave_out_other_tiers(
    recordings: Mapping[str, FoundRecording],
    labels: dict[str, list[Labels]],
    project: Project,
    new: Collection[str],
    notes: list[str],
) -> None:
    """Remove the labels of annotation files that have other tiers than the project.

    It is noted of recordings that are new.
    """
    names = [tier.name for tier in project.states]
    for one in recordings.values():
        if one.metainfo is None or one.name not in labels:
            continue
        theirs = [tier.name for tier in tiers_of(one.metainfo)]
        # The only tier may have got a name.
        if {*theirs}.difference(names, [''] * (len(names) == 1)):
            del labels[one.name][0]
            if one.name in new:
                notes.append(
                    f'{one.name}: its labels are left out, since they have the tiers '
                    f'{theirs}, and others {names}'
                )


def _tiers(
    recordings: Iterable[FoundRecording], labels: Mapping[str, Labels]
) -> list[LabelTier]:
    """Return the tiers of a new project."""
    stated = [one.metainfo for one in recordings if one.metainfo is not None]
    if stated:
        found = tiers_of(stated[0])
    elif labels:
        states = [
            replace(own, segments=[s for s in own.segments if not s.is_point])
            for own in labels.values()
        ]
        found = [*find_tiers(states, LabelInput()).tiers]
    else:
        return [LabelTier('')]
    return _label_tiers(found)


def _label_tiers(tiers: Iterable[Any]) -> list[LabelTier]:
    return [LabelTier.of(t.name, t.classes, t.background, t.colors) for t in tiers]


def _check_classes(project: Project, tiers: Sequence[Tier]) -> None:
    """Raise a UserError unless the first classes of a project were those of a model.

    Some may have been deleted since.
    """
    wanted = [[*tier.classes] for tier in tiers]
    own = [
        [tier.names.get(k, name) for k, name in enumerate(names) if k < tier.made]
        for tier, names in zip(project.tiers, wanted, strict=False)
    ]
    if own != wanted:
        raise UserError(
            f'{project.path}: has the classes {shown(own)}, but the model '
            f'{shown(wanted)}; segment with it in another folder.'
        )


def _in_front(own: Poses, poses: Poses) -> Poses:
    """Return poses to draw: one person, before all with this one among them.

    In each frame it may be another row, which is the same over itself.
    """
    if len(own.keypoint) == len(poses.keypoint):
        return poses
    pairs = ((k, getattr(own, k), getattr(poses, k)) for k in SKELETON_KEYS)
    rows = {k: np.concatenate(both) for k, *both in pairs if both[0] is not None}
    return poses.noting(**rows)


def _entry(recording: FoundRecording, poses: Poses) -> VideoAnnotation:
    entry = poses.annotation(recording.name)
    if recording.video is not None:
        entry['filename'] = str(recording.video.resolve())
    if recording.individual:
        entry['individual'] = poses.people.index(recording.individual)
        entry['people'] = [*poses.people]
        entry['person'], entry['video'] = recording.individual, recording.of
    return entry


def _kinds(folder: Folder, names: Sequence[str]) -> ObjectKinds:
    """Return the kinds of objects of recordings, in files and in their entries."""
    kinds: dict[str, Sequence[str]] = {}
    for name in names:
        meta = folder.recordings[name].metainfo
        own = (meta or {}).get('objects', {})
        if name in folder.objects:
            own = kinds_of([folder.objects[name]])
        for kind, points in own.items():
            if [*kinds.setdefault(kind, points)] != [*points]:
                raise UserError(
                    f'{name}: its {kind} has the points {", ".join(points)}, others '
                    f'have {", ".join(kinds[kind])}; keep it in another folder.'
                )
    return kinds


def training_data(
    folder: Folder, names: Sequence[str], tiers: Sequence[LabelTier] | None = None
) -> AnnotationFile:
    """Return the annotations of some recordings, all of which are for training.

    They have labels of these tiers, by default of all.

    Raises:
        UserError: If they have different joints.
    """
    entries, layouts = [], []
    for name in names:
        entry, layout = folder.annotation(name, tiers)
        entries.append(entry)
        layouts.append(layout)
        if Skeleton.get(layout) != Skeleton.get(layouts[0]):
            raise UserError(
                f'{name}: its joints differ from those of {names[0]}; a model reads '
                'one layout, so keep recordings with others in another folder.'
            )
    add_places(folder.path, entries)
    first = folder.recordings[names[0]].metainfo
    project = folder.project
    wanted = [one.name for one in (project.states if tiers is None else tiers)]
    own = [tier for tier in project.painted if tier.name in wanted]
    stated = metainfo_of([tier.plain() for tier in own])
    meta = cast(Metainfo, {**(first or {}), **stated})
    if 'tiers' not in stated:
        meta.pop('tiers', None)
    meta['skeleton'] = layouts[0]
    if any('objects' in entry for entry in entries):
        # A recording without a file of objects has none of them.
        entries = [cast(VideoAnnotation, {'objects': [], **one}) for one in entries]
        meta['objects'] = _kinds(folder, names)
    meta.setdefault('dataset', folder.path.resolve().name)
    if folder.given.kpt_thr is not None:
        meta['kpt_thr'] = folder.given.kpt_thr
    if 'view' not in meta and all('keypoint' in entry for entry in entries):
        meta['view'] = camera_view(meta, entries)[0]
    return {'split': {'train': [*names]}, 'annotations': entries, 'metainfo': meta}
