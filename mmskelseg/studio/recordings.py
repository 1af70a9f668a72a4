"""The recordings in a folder: videos, poses, annotation files, and their labels."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np

from mmskelseg.converters.keypoint_videos import (
    Labels,
    Options,
    find_labels,
    joined_individuals,
    pair,
)
from mmskelseg.converters.label_individuals import by_individual
from mmskelseg.converters.label_tiers import find_tiers
from mmskelseg.runtime.files.annotations import load_annotations
from mmskelseg.runtime.files.formats import suffix_of
from mmskelseg.runtime.files.video import VideoFile, is_video
from mmskelseg.runtime.labels import read_segments, tiers_to_segments
from mmskelseg.runtime.labels.reading import EACH_SUBJECT, LABEL_FORMATS
from mmskelseg.runtime.messages.errors import MissingFileError, UserError
from mmskelseg.runtime.messages.progress import progress_bar
from mmskelseg.runtime.poses import (
    Poses,
    choose_person,
    read_poses,
    with_rate,
    with_size,
)
from mmskelseg.runtime.poses.reading import POSE_FORMATS, is_poses, video_of
from mmskelseg.runtime.poses.tracking import everybody
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg.runtime.structures.bodies import camera_view, joints_seen, up_direction
from mmskelseg.runtime.structures.choices import EACH
from mmskelseg.runtime.structures.individuals import alone, without_absences
from mmskelseg.runtime.structures.skeleton import Layout
from mmskelseg.runtime.structures.tiers import tiers_of
from mmskelseg.studio.project import LabelTier, Project, load_project

#: What the studio writes in a folder: its project, and a folder for all else.
PROJECT, WORK = 'studio.json', 'studio'
# Poses that are estimated lie in this folder within the latter.
ESTIMATED = 'estimated'
_ANNOTATIONS = ('.pkl', '.pickle')
# Recordings whose poses are kept in memory.
_KEPT = 8
# Points of the curve of speed.
_POINTS = 4000
# Speeds above this percentile are drawn alike.
_FASTEST = 99


@dataclass(frozen=True)
class Recording:
    """One row of labels: a video, its poses, or both; or an entry of a file.

    Attributes:
        name: Its name.
        video: The video file.
        poses: The file of poses.
        entry: The entry of an annotation file.
        metainfo: The metainfo of that file.
        individual: Whose labels these are, if there are poses of several.
        of: The name of the recording of several individuals.
    """

    name: str
    video: Path | None = None
    poses: Path | None = None
    entry: VideoAnnotation | None = None
    metainfo: Metainfo | None = None
    individual: str = ''
    of: str = ''

    @property
    def has_poses(self) -> bool:
        """Whether there are poses."""
        return self.poses is not None or self.entry is not None


@dataclass(frozen=True)
class Picture:
    """What is drawn of poses: points (T, M, V, 2), NaN where missing, y downwards.

    ``bounds`` are x and y of the corners of what is shown.
    """

    points: np.ndarray
    bounds: tuple[float, float, float, float]
    skeleton: Skeleton
    speed: np.ndarray


@dataclass
class Folder:
    """A folder with recordings, and the project in it.

    Attributes:
        path: The folder.
        recordings: Recordings by name.
        project: Classes and labels.
        fps: The rate of poses that state none.
        person: Whose poses are segmented, if a file has several people.
        notes: What was left out, and why.
    """

    path: Path
    recordings: dict[str, Recording]
    project: Project
    fps: float | None = None
    person: str = 'track'
    notes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._loaded = lru_cache(_KEPT)(self._load)

    @property
    def work(self) -> Path:
        """The folder for all that the studio writes, but for the project."""
        return self.path / WORK

    def picture(self, name: str) -> Picture:
        """Return what is drawn of a recording's poses."""
        # One after another, so that no file is read twice.
        with self._lock:
            return self._loaded(name)[1]

    def annotation(self, name: str) -> tuple[VideoAnnotation, Layout]:
        """Return the entry of a recording with its labels, and its layout of joints."""
        with self._lock:
            entry, _, layout = self._loaded(name)
        label = self.project.frame_labels(name)
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
            poses = load_poses(recording, self.fps)
            layout = poses.skeleton
            if self.person == EACH:
                poses = own = everybody(poses)
            else:
                own = choose_person(poses, self.person, str(recording.poses))
            entry, shown = (_entry(recording, one) for one in (own, poses))
        known = self.project.recordings.get(name)
        if known and (known.frames, known.fps) != (entry['total_frames'], entry['fps']):
            raise UserError(
                f'{recording.poses or name}: has {entry["total_frames"]} frames of '
                f'poses at {entry["fps"]:g} fps, but its labels are of {known.frames} '
                f'at {known.fps:g}; give the rate (--fps), or remove the recording '
                f'from {self.project.path}.'
            )
        return entry, _picture(shown, recording, layout), layout


def open_folder(
    path: Path,
    *,
    fps: float | None = None,
    person: str = 'track',
    ignore_labels: bool = False,
) -> Folder:
    """Return a folder with all of its recordings, and save its project.

    Recordings that the project does not know get the labels that the folder has.

    Args:
        path: The folder.
        fps: The rate of poses that state none.
        person: Whose poses are segmented, if a file has several people.
        ignore_labels: Whether to begin without the labels of files.

    Raises:
        UserError: If there is no recording, or a file cannot be used.
    """
    if not path.is_dir():
        raise MissingFileError(
            f'{path}: there is no such folder; name one with videos or poses.'
        )
    notes: list[str] = []
    recordings, label_files = _find(path, notes)
    errors: list[UserError] = []
    if person == EACH:
        parts = [p for one in recordings.values() for p in _apart(one, fps, errors)]
        recordings = {one.name: one for one in parts}
    file = path / PROJECT
    if file.exists():
        project = load_project(file)
        absent = project.recordings.keys() - recordings.keys()
        notes += [f'{name}: its labels are kept, but it is gone' for name in absent]
    else:
        project = Project(file, [])
    new = [one for one in recordings.values() if one.name not in project.recordings]
    opened = list(_opened(new, fps, errors))
    notes += [f'left out: {error}' for error in errors]
    recordings = {n: r for n, r in recordings.items() if n in project.recordings}
    recordings |= {one.name: one for one, *_ in opened}
    if not recordings:
        raise errors[0]
    new = [one for one, *_ in opened]
    segments = {} if ignore_labels else _labels(new, label_files, person, notes)
    if not project.tiers:
        project.tiers = _tiers(new, segments, ignore_labels)
    for recording, frames, rate in opened:
        its = segments.get(recording.name, Labels('', path)).segments
        project.add_recording(recording.name, frames, rate, its)
    project.save()
    project.revision = 0
    return Folder(path, dict(sorted(recordings.items())), project, fps, person, notes)


def _find(folder: Path, notes: list[str]) -> tuple[dict[str, Recording], list[Path]]:
    """Return the recordings by name, and the files of labels."""
    found: dict[str, Recording] = {}
    labels = []
    for path in _files(folder):
        suffix = suffix_of(path)
        if suffix in _ANNOTATIONS:
            data = load_annotations(path)
            for entry in data['annotations']:
                video = path.parent / entry['filename'] if 'filename' in entry else None
                if entry['frame_dir'] in found:
                    raise UserError(
                        f'{path}: another file has a recording {entry["frame_dir"]!r} '
                        'as well; leave one of the two in the folder.'
                    )
                found[entry['frame_dir']] = Recording(
                    entry['frame_dir'],
                    video if video and video.is_file() else None,
                    entry=entry,
                    metainfo=data['metainfo'],
                )
        elif is_video(path):
            _add(found, Recording(path.stem, video=path))
        elif _is_labels(path):
            labels.append(path)
        elif is_poses(path):
            _add(found, Recording(video_of(path), poses=path))
    if not found:
        raise UserError(
            f'{folder}: has no videos, no poses and no annotations.pkl, nor have the '
            'folders in it; name a folder that does.'
        )
    return found, labels


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder and, one level deep, in its folders."""
    estimated = folder / WORK / ESTIMATED / 'poses'
    for path in [*sorted(folder.iterdir()), estimated]:
        if path.name.startswith('.') or path.name in (PROJECT, WORK):
            continue
        if path.is_dir() and not is_poses(path):
            yield from (one for one in sorted(path.iterdir()) if one.name[0] != '.')
        elif path.exists():
            yield path


def _is_labels(path: Path) -> bool:
    suffix = suffix_of(path)
    if path.is_dir() or suffix not in LABEL_FORMATS.suffixes:
        return False
    if suffix not in POSE_FORMATS.file_suffixes:
        return True
    try:
        # Any table may be one of joints.
        if POSE_FORMATS.recognise(path) != 'csv':
            return False
        read_segments(path, notes=[])
    except UserError:
        return suffix == '.json'
    return True


def _add(found: dict[str, Recording], new: Recording) -> None:
    """Add a video or poses to the recording of the same name, if there is one."""
    old = found.get(new.name)
    if old is None:
        found[new.name] = new
        return
    if old.entry is not None:
        # The entry has the poses.
        found[new.name] = Recording(
            old.name, old.video or new.video, entry=old.entry, metainfo=old.metainfo
        )
        return
    if (old.video and new.video) or (old.poses and new.poses):
        raise UserError(
            f'{new.video or new.poses}: has the same name as '
            f'{old.video if new.video else old.poses}; rename one of them.'
        )
    found[new.name] = Recording(
        old.name, old.video or new.video, old.poses or new.poses
    )


def _opened(
    recordings: Sequence[Recording], fps: float | None, errors: list[UserError]
) -> Iterator[tuple[Recording, int, float]]:
    """Yield recordings, and number and rate of their frames.

    Folders have tables and the like that are no poses; of what cannot be read, the
    error is appended. A video whose poses cannot be read is a recording without poses.
    """
    with progress_bar('Opening recordings', len(recordings)) as count:
        for one in recordings:
            has_both = one.video is not None and one.poses is not None
            for part in [one, *[replace(one, poses=None)] * has_both]:
                try:
                    yield part, *_length(part, fps)
                    break
                except UserError as error:
                    errors.append(error)
            count(1)


def _apart(
    recording: Recording, fps: float | None, errors: list[UserError]
) -> Iterator[Recording]:
    """Yield the individuals of a recording, if it has poses of several."""
    names: tuple[str, ...] = ()
    if recording.poses is not None:
        try:
            names = everybody(load_poses(recording, fps)).people
        except UserError as error:
            errors.append(error)
    if len(names) < 2:
        yield recording
        return
    of = recording.name
    for name in names:
        yield replace(recording, name=f'{of}_{name}', individual=name, of=of)


def _length(recording: Recording, fps: float | None) -> tuple[int, float]:
    """Return the number of frames of a recording, and how many a second has."""
    if recording.entry is not None:
        return recording.entry['total_frames'], recording.entry['fps']
    if recording.poses is None:
        assert recording.video is not None
        file = VideoFile.open(recording.video)
        return file.frames, file.fps
    poses = load_poses(recording, fps)
    assert poses.fps is not None
    return poses.keypoint.shape[1], poses.fps


def load_poses(recording: Recording, fps: float | None) -> Poses:
    """Return the poses of everybody in a recording, at their rate."""
    assert recording.poses is not None
    video = VideoFile.open(recording.video) if recording.video else None
    poses = read_poses(recording.poses, img_shape=video.img_shape if video else None)
    return with_size(with_rate(poses, video, fps, str(recording.poses)))


def _labels(
    recordings: Sequence[Recording],
    files: Sequence[Path],
    person: str,
    notes: list[str],
) -> dict[str, Labels]:
    """Return the labels that files have for recordings, by their names."""
    found: dict[str, Labels] = {}
    for one in recordings:
        if one.entry is not None and one.metainfo is not None:
            tiers = tiers_of(one.metainfo)
            its = tiers_to_segments(one.entry['label'], one.entry['fps'], tiers)
            found[one.name] = Labels(one.name, Path(one.name), tuple(its))
    # Labels are of recordings, in which individuals are named.
    named = {one.of or one.name for one in recordings if one.entry is None}
    for name, item in _of_files(named, files, person, notes).items():
        parts = by_individual(item, replace(_OPTIONS, person=person))
        own = {
            one.individual.casefold(): one.name
            for one in recordings
            if name in (one.of, one.name)
        }
        for who, part in parts.items():
            key = '' if len(parts) == 1 and '' in own else who.casefold()
            if key in own:
                found[own[key]] = part
            else:
                notes.append(f'{part.path}: has labels of {who!r}, but no poses')
    return found


def _of_files(
    names: Collection[str], files: Sequence[Path], person: str, notes: list[str]
) -> dict[str, Labels]:
    """Return the labels in files by the names of recordings."""
    read: list[Labels] = []
    for file in files:
        try:
            options = {'subject': EACH_SUBJECT} if person == EACH else {}
            labels, more = find_labels([file], None, options)
            notes += more
            for item in labels:
                # Raises an error for labels of several individuals that nobody wants.
                by_individual(item, replace(_OPTIONS, person=person))
            read += labels
        except UserError as error:
            notes.append(f'left out: {error}')
    read = joined_individuals(read) if person == EACH else read
    if not (read and names):
        return {}
    try:
        pairs, lonely = pair({name: Path(name) for name in names}, read, skip=True)
    except UserError as error:
        notes.append(f'labels are left out: {error}')
        return {}
    notes += lonely
    return {str(path): item for _, path, item in pairs}


_OPTIONS = Options((), Path(), (), unlabelled='ignore')


def _tiers(
    recordings: Iterable[Recording], labels: Mapping[str, Labels], ignore: bool
) -> list[LabelTier]:
    """Return the tiers of a new project."""
    stated = [one.metainfo for one in recordings if one.metainfo is not None]
    if stated:
        return [
            LabelTier(tier.name, [*tier.classes], tier.background)
            for tier in tiers_of(stated[0])
        ]
    if not labels:
        return [LabelTier('', [])]
    found = find_tiers([*labels.values()], _OPTIONS)
    return [LabelTier(t.name, [*t.classes], t.background) for t in found.tiers]


def _entry(recording: Recording, poses: Poses) -> VideoAnnotation:
    people, frames = poses.keypoint.shape[:2]
    entry = {
        'frame_dir': recording.name,
        'total_frames': frames,
        'img_shape': poses.img_shape,
        'fps': poses.fps,
        'keypoint': poses.keypoint,
        'keypoint_score': poses.keypoint_score,
    }
    if recording.video is not None:
        entry['filename'] = str(recording.video.resolve())
    if recording.individual:
        entry['individual'] = poses.people.index(recording.individual)
        entry['people'] = [*poses.people]
        entry['person'], entry['video'] = recording.individual, recording.of
    return cast(VideoAnnotation, entry)


def _picture(entry: VideoAnnotation, recording: Recording, layout: Layout) -> Picture:
    entry = entry if recording.video is not None else alone(entry)
    if 'keypoint' in entry:
        points = np.asarray(entry['keypoint'], np.float32)
        seen = joints_seen(entry, 'keypoint')
    else:
        seen = joints_seen(entry, 'keypoint_3d')
        points = _projected(entry, recording.metainfo)
    points = np.where(seen[..., None], points, np.nan).swapaxes(0, 1)
    bounds = (0.0, 0.0, 1.0, 1.0)
    if recording.video is not None:
        height, width = entry['img_shape']
        bounds = (0.0, 0.0, float(width), float(height))
    elif seen.any():
        flat = points.reshape(-1, 2)
        low, high = np.nanpercentile(flat, [0.5, 99.5], axis=0)
        space = 0.08 * max(*(high - low), 1e-6)
        (left, top), (right, bottom) = low - space, high + space
        bounds = (float(left), float(top), float(right), float(bottom))
    own = points[:, entry.get('individual', 0)]
    speed = _speed(own, np.asarray(bounds))
    return Picture(points, bounds, Skeleton.get(layout), speed)


def _projected(entry: VideoAnnotation, metainfo: Metainfo | None) -> np.ndarray:
    """Return 3D joints as seen from the side, or from above if up is unknown."""
    points = np.asarray(entry['keypoint_3d'], np.float32)
    up, _ = up_direction(metainfo or cast(Metainfo, {}), [entry])
    if up is None:
        return points[..., :2]
    across = [axis for axis in range(3) if axis != 'xyz'.index(up[-1])]
    spread = [np.ptp(points[..., axis]) for axis in across]
    sign = 1 if up.startswith('-') else -1
    side = points[..., across[int(np.argmax(spread))]]
    return np.stack([side, sign * points[..., 'xyz'.index(up[-1])]], axis=-1)


def _speed(points: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return how fast joints (T, V, 2) move, 0 to 1, in at most ``_POINTS`` values."""
    steps = np.linalg.norm(np.diff(points, axis=0, prepend=points[:1]), axis=-1)
    known = ~np.isnan(steps)
    mean = np.where(known, steps, 0).sum(1) / np.maximum(known.sum(1), 1)
    parts = np.array_split(mean, min(len(mean), _POINTS))
    curve = np.array([part.mean() for part in parts])
    return np.clip(curve / max(np.percentile(curve, _FASTEST), 1e-9), 0, 1)


def training_data(folder: Folder, names: Sequence[str]) -> dict[str, object]:
    """Return the annotations of some recordings, all of which are for training.

    Raises:
        UserError: If they have different joints.
    """
    entries, layouts = [], []
    for name in names:
        entry, layout = folder.annotation(name)
        entries.append(entry)
        layouts.append(layout)
        if Skeleton.get(layout) != Skeleton.get(layouts[0]):
            raise UserError(
                f'{name}: its joints differ from those of {names[0]}; a model reads '
                'one layout, so keep recordings with others in another folder.'
            )
    first = folder.recordings[names[0]].metainfo
    meta = cast(Metainfo, {**(first or {}), **folder.project.metainfo()})
    if 'tiers' not in folder.project.metainfo():
        meta.pop('tiers', None)
    meta['skeleton'] = layouts[0]
    meta.setdefault('dataset', folder.path.resolve().name)
    if 'view' not in meta and all('keypoint' in entry for entry in entries):
        meta['view'] = camera_view(meta, entries)[0]
    return {'split': {'train': [*names]}, 'annotations': entries, 'metainfo': meta}
