"""Skeleton pickles of MMAction2 and pyskl, whose trimmed clips have one label each.

Their ``label`` is one class id, and most of what an annotation file states is missing:
MMAction2's configs state it, or its networks need not know. Here, it is filled in.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.parsing import read_lines
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.structures.annotations import SKELETON_KEYS
from mmskelseg_io.structures.bodies import SIDE, fit_image
from mmskelseg_io.structures.segments import IGNORED

#: The split of all clips of a file that has none.
EVERYTHING = 'all'
#: The layout of MMAction2's skeletons, by their number of joints.
LAYOUT_OF = {17: 'coco17', 18: 'openpose_coco18', 25: 'kinect25'}
# MMAction2's own names of them.
_LAYOUTS = {'coco': 'coco17', 'openpose': 'openpose_coco18', 'nturgb+d': 'kinect25'}
_FPS = 30.0
# Where up is for Kinect.
_UP = 'y'
# The size of NTU RGB+D's images, which MMAction2 assumes, too.
_IMAGE = (1080, 1920)
# The most classes that are numbered, frames of a compressed clip, and persons in one.
_MOST_CLASSES, _MOST_FRAMES, _MOST_PERSONS = 10_000, 1_000_000, 10
# A person in the names of NTU RGB+D, such as S001C002P003R002A013.
_PERSON = re.compile(r'S\d{3}C\d{3}(P\d{3})R\d{3}A\d{3}')
# What is of a compressed clip alone.
_COMPRESSED = ('frame_inds', 'anno_inds', 'box_score', 'valid')


def as_recordings(content: Any, path: Path) -> tuple[Any, str]:
    """Return the content of a pickle of clips as an annotation file's, and a note.

    The label of a clip becomes that of each frame. What the file does not state is
    assumed; the note says so, and metainfo ``assumed``. Anything but clips is returned
    as it is, without a note, as are faults that annotation files can have, too.

    Raises:
        UserError: If a clip cannot be read; the message names the file, clip and key.
    """
    found = (
        [content] if isinstance(content, dict) and 'keypoint' in content else content
    )
    found = {'annotations': found} if isinstance(found, list) else found
    if not _has_clips(found):
        return content, ''
    meta, assumed = found.get('metainfo', {}), dict[str, str]()
    videos = [
        _recording(video, path, meta, assumed) if is_clip(video) else {**video}
        for video in found['annotations']
    ]
    if any('fps' not in video for video in videos) and 'fps' not in meta:
        assumed['fps'] = f'{_FPS:g}'
    for video in videos:
        video.setdefault('fps', meta.get('fps', _FPS))
    meta = _metainfo(meta, videos, path, assumed)
    split, lost = found.get('split', {EVERYTHING: [v['frame_dir'] for v in videos]}), 0
    if isinstance(split, dict):
        split, lost = _known_members(split, found['annotations'])
    clips = sum(map(is_clip, found['annotations']))
    notes = [f'{counted(clips, "clip")} with one label each']
    if len(videos) > clips:
        notes[0] += f', and {counted(len(videos) - clips, "recording")}'
    if lost:
        notes.append(f'left out {counted(lost, "name")} in splits that no clip has')
    if assumed:
        notes.append(assumptions(assumed))
    data = {'split': split, 'annotations': videos, 'metainfo': meta}
    return data, f'{path}: {"; ".join(notes)}.'


def assumptions(assumed: Mapping[str, str]) -> str:
    """Return what metainfo ``assumed`` says, and what to do where it is wrong."""
    return (
        f'assumed {", ".join(f"{key} {value}" for key, value in assumed.items())}; '
        'what differs can be stated as `metainfo` in the file '
        '(docs/data_format.md#clips)'
    )


def is_clip(video: Mapping[str, Any]) -> bool:
    """Return whether a video has no label for each frame, as trimmed clips."""
    label = video.get('label')
    has_labels = isinstance(label, np.ndarray) and label.ndim > 0
    return not has_labels and 'observers' not in video


def _is_id(label: Any) -> bool:
    """Return whether a label is the id of one class."""
    is_number = isinstance(label, int | np.integer | np.ndarray)
    return is_number and np.asarray(label).dtype.kind in 'iu' and np.ndim(label) == 0


def _has_clips(content: Any) -> bool:
    """Return whether content is that of clips, maybe beside recordings."""
    videos = content.get('annotations') if isinstance(content, dict) else None
    if not isinstance(videos, list) or not all(isinstance(v, dict) for v in videos):
        return False
    if not isinstance(content.get('metainfo', {}), dict):
        return False
    if 'metainfo' in content:
        # Other labels, or none, are mistakes in an annotation file.
        return any(_is_id(video.get('label')) for video in videos)
    clips = filter(is_clip, videos)
    return any('keypoint' in clip or 'raw_file' in clip for clip in clips)


def _recording(
    clip: Mapping[str, Any],
    path: Path,
    meta: Mapping[str, Any],
    assumed: dict[str, str],
) -> dict[str, Any]:
    """Return a clip as a recording, except for its rate, and note what is assumed."""
    made = {'frame_dir': clip.get('filename'), **clip}
    place = f'{path}: video {made["frame_dir"]!r}'
    if 'raw_file' in clip and 'keypoint' not in clip:
        remedy = 'put the keypoint of that file into this one'
        raise misfit(place, 'raw_file', clip['raw_file'], 'keypoint', remedy)
    label = clip.get('label', IGNORED)
    if not _is_id(label) or label >= _MOST_CLASSES:
        expected = f'an integer below {_MOST_CLASSES}, or an integer array'
        raise misfit(place, 'label', label, f'class ids of the clip: {expected}')
    if 'frame_inds' in clip and 'keypoint' in clip:
        made |= _decompressed(clip, place)
        made = {key: value for key, value in made.items() if key not in _COMPRESSED}
    if 'keypoint' in made:
        if not _are_skeletons(made['keypoint']):
            expected = 'a numerical array (persons, frames, joints, 2 or 3)'
            remedy = 'leave the clip out if it has no frame'
            raise misfit(place, 'keypoint', made['keypoint'], expected, remedy)
        made |= _skeletons(made, meta, assumed)
        made['label'] = np.full(made['keypoint'].shape[1], int(label))
        made.setdefault('total_frames', len(made['label']))
    if person := _PERSON.fullmatch(str(made['frame_dir'])):
        made.setdefault('person', person[1])
    return made


def _skeletons(
    clip: Mapping[str, Any], meta: Mapping[str, Any], assumed: dict[str, str]
) -> dict[str, Any]:
    """Return the skeletons of a clip and their image, and note what is assumed."""
    points: np.ndarray = clip['keypoint'].astype(np.float32)
    total = clip.get('total_frames')
    if not isinstance(total, int | np.integer) or total <= 0:
        total = None
    # Some are padded with zeros to a common length.
    points = points[:, :total]
    seen = np.any(points, axis=-1)
    made: dict[str, Any] = {'keypoint': points}
    score = clip.get('keypoint_score', seen)
    if isinstance(score, np.ndarray) and score.ndim == 3:
        made['keypoint_score'] = score[:, :total].astype(np.float32)
    if points.shape[-1] == 3:
        view = fit_image(_seen_from_side(points, meta.get('up', _UP)), seen)
        made |= {'keypoint': view, 'keypoint_3d': points, 'img_shape': (SIDE, SIDE)}
        assumed['keypoint'] = 'a view of keypoint_3d'
        if 'up' not in meta:
            assumed['up'] = _UP
    elif 'img_shape' not in clip:
        made['img_shape'] = _IMAGE
        assumed['img_shape'] = 'of {1} x {0} pixels'.format(*_IMAGE)
    # NTU RGB+D has room for two persons; where nobody is found, there may be none.
    there = seen.any(axis=(1, 2))
    for key in SKELETON_KEYS:
        values = made.get(key, clip.get(key))
        if isinstance(values, np.ndarray) and values.shape[:1] == there.shape:
            made[key] = _of_those_there(values, there)
    return made


def _seen_from_side(points: np.ndarray, up: str) -> np.ndarray:
    """Return the view of points (M, T, V, 3) that has this direction upwards."""
    vertical = 'xyz'.find(str(up)[-1:])
    view = points[..., [0 if vertical else 1, vertical]]
    return view if str(up).startswith('-') else view * np.array([1, -1], np.float32)


def _are_skeletons(points: Any) -> bool:
    """Return whether a value is an array (M, T, V, 2 or 3) with frames and joints."""
    return (
        isinstance(points, np.ndarray)
        and points.dtype.kind in 'fiu'
        and points.ndim == 4
        and 0 not in points.shape[1:]
        and points.shape[3] in (2, 3)
    )


def _of_those_there(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return values (M, ...) of the persons who are ever seen, or else of one."""
    if there.any():
        return values if there.all() else values[there]
    return values[:1] if len(values) else np.zeros((1, *values.shape[1:]), values.dtype)


def _decompressed(clip: Mapping[str, Any], place: str) -> dict[str, np.ndarray]:
    """Return the skeletons of a clip in which they are a list, (N, V, 3): x, y, score.

    ``frame_inds`` has the frame of each. As in MMAction2's ``DecompressPose``, those of
    a frame are persons in this order; frames without any stay.
    """
    listed, frames = clip['keypoint'], clip['frame_inds']
    total = clip.get('total_frames')
    if not isinstance(total, int | np.integer) or not 0 < total <= _MOST_FRAMES:
        expected = f'the number of frames, up to {_MOST_FRAMES}'
        raise misfit(place, 'total_frames', total, expected)
    if not isinstance(listed, np.ndarray) or listed.ndim != 3 or listed.shape[2] != 3:
        expected = 'an array (skeletons, joints, 3) of x, y and score, with frame_inds'
        raise misfit(place, 'keypoint', listed, expected)
    if (
        not isinstance(frames, np.ndarray)
        or frames.dtype.kind not in 'iu'
        or frames.shape != listed.shape[:1]
        or np.any((frames < 0) | (frames >= total))
    ):
        each = f'the frame, 0 to {total - 1}, of each of the {len(listed)} skeletons'
        raise misfit(place, 'frame_inds', frames, f'an integer array with {each}')
    order = np.argsort(frames, kind='stable')
    frames, listed = frames[order], listed[order]
    person = np.arange(len(frames)) - np.searchsorted(frames, frames)
    kept = person < _MOST_PERSONS
    made = np.zeros((person[kept].max(initial=0) + 1, total, *listed.shape[1:]))
    made[person[kept], frames[kept]] = listed[kept]
    return {'keypoint': made[..., :2], 'keypoint_score': made[..., 2]}


def _metainfo(
    stated: Mapping[str, Any],
    videos: Sequence[Mapping[str, Any]],
    path: Path,
    assumed: dict[str, str],
) -> dict[str, Any]:
    """Return what holds for all videos, and note what of it is assumed."""
    meta = {'dataset': path.stem, 'background': None, **stated}
    if 'up' in assumed:
        meta['up'] = assumed['up']
    if isinstance(meta.get('skeleton'), str):
        meta['skeleton'] = _LAYOUTS.get(meta['skeleton'], meta['skeleton'])
    posed = [video for video in videos if _are_skeletons(video.get('keypoint'))]
    if 'skeleton' not in meta and posed:
        joints = posed[0]['keypoint'].shape[2]
        if joints not in LAYOUT_OF:
            known = ', '.join(f'{name} ({n})' for n, name in LAYOUT_OF.items())
            raise UserError(
                f'{path}: keypoint has {joints} joints, which are none of {known}; '
                "name their layout as metainfo skeleton, such as {'skeleton': "
                "'body12'} (docs/data_format.md#clips)."
            )
        meta['skeleton'] = LAYOUT_OF[joints]
        assumed['skeleton'] = LAYOUT_OF[joints]
        if joints == 25 and 'keypoint_3d' not in posed[0]:
            assumed['skeleton'] += ', not openpose_body25'
    if 'classes' not in meta and 'tiers' not in meta:
        names = _label_map(path)
        if names is None:
            labels = (
                v['label'] for v in videos if isinstance(v.get('label'), np.ndarray)
            )
            ids = [one.max() for one in labels if one.dtype.kind in 'iu' and one.size]
            count = min(max([0, *map(int, ids)]) + 1, _MOST_CLASSES)
            meta['classes'] = [f'class {k}' for k in range(count)]
            assumed['classes'] = f'numbered 0 to {count - 1}'
        else:
            meta['classes'] = read_lines(names)
            assumed['classes'] = f'from {names.name}'
    if assumed:
        own = meta.get('assumed')
        meta['assumed'] = {**assumed, **(own if isinstance(own, dict) else {})}
    return meta


def _label_map(path: Path) -> Path | None:
    """Return the file of class names beside a pickle, if there is one for it.

    Of several, it is the one for ``ntu60_hrnet.pkl`` that is ``label_map_ntu60.txt``.
    """
    found = [*path.parent.glob('label_map*.txt')]
    if len(found) > 1:
        found = [f for f in found if f.stem.removeprefix('label_map_') in path.stem]
    return found[0] if len(found) == 1 else None


def _known_members(
    split: Mapping[str, Any], videos: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], int]:
    """Return splits of clips that there are, each once, and how many there are not.

    MMAction2 finds them by their ``filename``, if they have one.
    """
    names = [video.get('frame_dir', video.get('filename')) for video in videos]
    files = [video.get('filename', video.get('frame_dir')) for video in videos]
    pairs = zip([*files, *names], names * 2, strict=True)
    name_of = {one: name for one, name in pairs if isinstance(one, str)}
    made, lost = {}, 0
    for name, members in split.items():
        if not isinstance(members, list | tuple) or not {*map(type, members)} <= {str}:
            made[name] = members
            continue
        known = [name_of[one] for one in dict.fromkeys(members) if one in name_of]
        lost += len({*members} - {*name_of})
        if known:
            made[name] = known
    return made, lost
