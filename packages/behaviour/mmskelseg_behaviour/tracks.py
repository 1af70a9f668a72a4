"""Where individuals are in recordings, and the places there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mmskelseg_behaviour.recordings import is_dump
from mmskelseg_io.converters.keypoint_videos import find_keypoints
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.names import find_named
from mmskelseg_io.inputs import PlaceFile, PoseInput
from mmskelseg_io.messages.counts import with_names
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import (
    Factor,
    Fraction,
    Positive,
    checked,
    like,
    option,
)
from mmskelseg_io.places import Places, places_for, read_places
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE, Metainfo, VideoAnnotation
from mmskelseg_io.structures.bodies import up_direction
from mmskelseg_io.structures.individuals import main_person, part_name
from mmskelseg_io.structures.places import (
    Place,
    Plane,
    notes_outside,
    places_of,
    plane_of,
    zones,
)
from mmskelseg_io.structures.whole import whole

_PICKLES = ('.pkl', '.pickle')
_IN_PIXELS = 'lengths by place are in pixels, since no known length turns them into cm'


@checked
@dataclass(frozen=True)
class PlaceInput:
    """Which places and tracks numbers by place are about."""

    by_place: bool = option(
        'also write entries, times, distances and behaviours of each place, and maps '
        'of where individuals are; poses are those of annotation files, or --poses',
        False,
    )
    places: Path | None = like(PlaceFile, 'places')
    poses: Sequence[Path] = option(
        'files of poses, or folders of them, named after the recordings, or annotation '
        'files',
        (),
        metavar='POSES',
    )
    fps: Positive | None = option(
        'frames per second of --poses that do not state it', None
    )
    kpt_thr: Fraction | None = like(PoseInput, 'kpt_thr')
    joint: str | None = option(
        'joint that stands for an individual (default: the mean of the root joints of '
        'the skeleton)',
        None,
        flag='--place-joint',
        metavar='NAME',
    )
    least: Factor = option(
        'ignore absences, and then stays, that are shorter, when counting entries '
        '(default: none)',
        0.0,
        flag='--place-least',
        metavar='SECONDS',
    )
    cm_per_pixel: Positive | None = option(
        'size of a pixel on the floor (default: as known lengths among the places say, '
        'or the annotation file; else lengths are in pixels)',
        None,
        metavar='CM',
    )

    def check(self) -> None:
        """Raise a UserError for options that have no effect without ``by_place``."""
        if not self.by_place:
            for one in fields(self):
                if getattr(self, one.name) != one.default:
                    flag = one.metadata['option'].flag or f'--{one.name}'
                    raise UserError(
                        f'{flag.replace("_", "-")} is for numbers by place; add '
                        '--by-place.'
                    )


@dataclass(frozen=True, eq=False)
class PlaceTrack:
    """Where an individual is in each frame of a recording, and the places there.

    Args:
        xy: Its position, (T, 2), NaN where it is not seen: in pixels, or on the floor.
        fps: Frames per second.
        img_shape: Height and width of the image, None if it is not known.
        places: The places, without known lengths.
        plane: What turns positions into centimetres, if it is known.
    """

    xy: np.ndarray
    fps: float
    img_shape: tuple[int, int] | None
    places: Sequence[Place]
    plane: Plane | None

    @property
    def seen(self) -> np.ndarray:
        """Whether it is seen in each frame, (T,)."""
        return ~np.isnan(self.xy[:, 0])


def find_tracks(
    given: PlaceInput, labels: Sequence[Path], recordings: Sequence[str]
) -> tuple[dict[str, PlaceTrack], list[str]]:
    """Return the track of each recording, none unless asked for, and notes to the user.

    Raises:
        UserError: If a recording has no poses or no places.
    """
    if not given.by_place:
        return {}, []
    found = read_places(given.places) if given.places else None
    pickles = [path for path in given.poses if path.suffix in _PICKLES]
    pickles += [p for p in labels if p.suffix in _PICKLES and not is_dump(p)]
    videos: dict[str, tuple[VideoAnnotation, Metainfo, Path]] = {}
    for path in pickles:
        data = whole(load_annotations(path))
        for video in data['annotations']:
            videos.setdefault(video['frame_dir'], (video, data['metainfo'], path))
    files = find_keypoints([p for p in given.poses if p.suffix not in _PICKLES])
    tracks = {}
    for name in recordings:
        if name in videos:
            video, meta, path = videos[name]
        else:
            video, meta, path = _of_poses(name, files, given)
        tracks[name] = _track(given, name, video, meta, path, found)
    notes: dict[str, list[str]] = {}
    for name, one in tracks.items():
        own = [*notes_outside(one.places, one.img_shape)]
        if one.plane is None:
            own.append(_IN_PIXELS)
        for note in own:
            notes.setdefault(note, []).append(name)
    if _IN_PIXELS in notes:
        tracks = {name: replace(one, plane=None) for name, one in tracks.items()}
    return tracks, with_names(notes, len(tracks))


def _of_poses(
    name: str, files: Mapping[str, Path], given: PlaceInput
) -> tuple[VideoAnnotation, Metainfo, Path]:
    """Return the poses of a recording as an annotation."""
    own = find_named(name, files.items()) or [
        path for video, path in files.items() if find_named(video, [(name, path)])
    ]
    if len(own) != 1:
        raise UserError(
            f'{name!r} has {len(own)} files of poses, expected one; name them by '
            '--poses, and after their recordings.'
        )
    poses = _read_poses(own[0], given.kpt_thr)
    fps = poses.fps or given.fps
    if fps is None:
        raise UserError(f'{own[0]}: states no frame rate; give it by --fps.')
    video: VideoAnnotation = {
        'keypoint': poses.keypoint, 'keypoint_score': poses.keypoint_score, 'fps': fps
    }  # fmt: skip
    if poses.img_shape:
        video['img_shape'] = poses.img_shape
    stem = next(n for n, path in files.items() if path == own[0])
    names = [part_name(stem, who) for who in poses.people]
    if name in names:
        video['individual'] = names.index(name)
    return video, {'skeleton': poses.skeleton}, own[0]


# Recordings of one file, such as individuals, follow each other.
@lru_cache(1)
def _read_poses(path: Path, kpt_thr: float | None) -> Poses:
    return PoseInput(kpt_thr=kpt_thr).read(path)


def _track(
    given: PlaceInput,
    name: str,
    video: VideoAnnotation,
    meta: Metainfo,
    path: Path,
    found: Places | None,
) -> PlaceTrack:
    places, source = places_of(meta, video), f'{path}: {name!r}'
    if found is not None and given.places:
        source = f'{given.places}: {name!r}'
        places = [*places_for(found, name, given.places)]
    if not zones(places):
        raise UserError(f'{source} has no places; name their file by --places.')
    plane = plane_of(places, source)
    scale = given.cm_per_pixel or meta.get('cm_per_pixel')
    if scale and (given.cm_per_pixel or not plane):
        plane = Plane.scaled(scale, scale)
    points = np.asarray(video['keypoint'], float)
    if places[0].space == 'floor':
        # Joints in 3D are in metres.
        points, plane = _on_floor(video, meta, source), Plane.scaled(100, 100)
    score = np.asarray(video['keypoint_score'])
    person = video.get('individual', main_person(score))
    seen = score[person] >= max(meta.get('kpt_thr') or 0, MIN_SCORE)
    joints = _joints(Skeleton.get(meta['skeleton']), given.joint, path)
    xy = _mean(points[person], seen, joints)
    shape = video.get('img_shape')
    return PlaceTrack(xy, float(video['fps']), shape, zones(places), plane)


def _on_floor(video: VideoAnnotation, meta: Metainfo, source: str) -> np.ndarray:
    """Return the joints in the coordinates that are not up, (M, T, V, 2)."""
    up = up_direction(meta, [video])[0] if 'keypoint_3d' in video else None
    if up is None:
        raise UserError(
            f'{source}: its places are on the floor, but it has no keypoint_3d with a '
            'direction `up`; draw them in the image.'
        )
    axes = [axis for axis in range(3) if axis != 'xyz'.index(up[-1])]
    return np.asarray(video['keypoint_3d'], float)[..., axes]


def _joints(skeleton: Skeleton, name: str | None, path: Path) -> Sequence[int]:
    if name is None:
        return skeleton.root
    if name not in skeleton.joints:
        raise UserError(
            f'--place-joint {name}: is none of the joints of {path}, '
            f'{", ".join(skeleton.joints)}; correct it.'
        )
    return [skeleton.joints.index(name)]


def _mean(points: np.ndarray, seen: np.ndarray, joints: Sequence[int]) -> np.ndarray:
    """Return the mean (T, 2) of the seen ones of some joints, NaN without any."""
    weights = seen[:, [*joints], None]
    total = (points[:, [*joints]] * weights).sum(axis=1)
    count = weights.sum(axis=1)
    return np.where(count, total / np.maximum(count, 1), np.nan)


def occupancy(
    tracks: Sequence[PlaceTrack], cells: int
) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Return the seconds in each cell of a map, (rows, columns), and its edges.

    The edges are left, right, bottom and top, as matplotlib's ``extent``. The map is
    that of the largest image, or of all positions, with so many cells along its longer
    side.
    """
    xy = np.concatenate([one.xy[one.seen] for one in tracks])
    seconds = np.concatenate([np.full(one.seen.sum(), 1 / one.fps) for one in tracks])
    low, high = np.zeros(2), np.ones(2)
    if shapes := [one.img_shape for one in tracks if one.img_shape and _in_image(one)]:
        high = np.max(shapes, axis=0)[::-1].astype(float)
    elif len(xy):
        low, high = xy.min(axis=0), xy.max(axis=0)
    size = (high - low).max() / cells or 1.0
    numbers = np.maximum(np.ceil((high - low) / size - 1e-9).astype(int), 1)
    edges = [a + size * np.arange(n + 1) for a, n in zip(low, numbers, strict=True)]
    found, *_ = np.histogram2d(xy[:, 1], xy[:, 0], edges[::-1], weights=seconds)
    return found, (edges[0][0], edges[0][-1], edges[1][-1], edges[1][0])


def _in_image(track: PlaceTrack) -> bool:
    return all(one.space == 'image' for one in track.places)
