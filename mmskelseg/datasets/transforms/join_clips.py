"""Clips of one action each as recordings of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from math import ceil
from operator import attrgetter
from typing import NamedTuple, TypeAlias, TypeVar, cast

import numpy as np

from mmskelseg.datasets.items import Item, ItemSource
from mmskelseg.datasets.transforms.augment import Augmentation
from mmskelseg.datasets.transforms.joining import (
    Moves,
    joined,
    middle,
    moved,
    part_of,
)
from mmskelseg.engine.lengths import CROP_FRAMES
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.messages.options import Count, Factor
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    PLACE_KEYS,
    SKELETON_KEYS,
    PlaceKey,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import joints_seen
from mmskelseg_io.structures.clips import (
    Action,
    Place,
    kind_of,
    one_action,
    places_in_recordings,
)
from mmskelseg_io.structures.individuals import main_person, placed
from mmskelseg_io.structures.persons import persons_of
from mmskelseg_io.structures.skeleton import SkeletonLike

# The keys that may tell who is seen. A recording alone does not tell.
_OWNERS = ('frame_dir', 'person')
_ORIGINS = ('frame_dir', 'part_of', 'label')
# A recording has at least so many pieces; longer clips are divided.
_PIECES = 4
#: A clip or a part of it: the index of the video, the first frame, and the end.
_Piece: TypeAlias = tuple[int, int, int]


_Any = TypeVar('_Any')


class _Clip(NamedTuple):
    """A clip of a data set, by its index; person and place are empty if not known."""

    video: int
    name: str
    person: str
    action: Action
    kind: tuple[object, ...]
    frames: int
    place: Place = '', ()


@TRANSFORMS.register_module()
class JoinClips(Augmentation):
    """Joins clips of one action each into recordings, anew in each epoch.

    So a model of clips, which never show an action begin or end, learns to find actions
    in recordings. If the file or names tell where in a recording clips were cut, they
    are in the order of that recording; see :func:`.places_in_recordings`. Otherwise,
    the clips of a class follow each other in runs of random length, and runs in a
    random order, with rests between them if the file has a background class.
    A run shows one person, if the file or names tell who is seen. An epoch shows each
    clip once: the data set has as many items as the clips fill recordings of its
    ``crop_frames``, or 600 frames. Clips of over a quarter of that are divided.

    A clip is moved to where the one before ends, and scaled to the limbs of the first.
    Around the joint, joints that are seen on both sides bend from one pose to the
    other, without further frames. The main person of all clips is the first. Videos of
    several actions stay as they are, as those of which most frames have no label.
    Clips of different frame rates, or arrays, are in recordings of their own.

    It belongs first into the pipeline.

    Reads: frame_dir; fps; dataset, the :class:`ActionSegDataset` of the clip; tiers;
    crop and crops, the number of the recording; crop_frames; epoch; label (T,), risk
    (T,), votes (K, T) and the arrays of skeletons. Writes: frame_dir, label, risk,
    votes, skeletons, objects, places and total_frames of the recording.

    Args:
        skeleton: The layout of the joints; see :meth:`Skeleton.get`.
        runs: The largest number of clips of a run, which also ends at half a recording.
        blend: The longest time around a joint in which poses bend, in seconds.
        seed: Different seeds give different recordings.

    Raises:
        ValueError: If the model reads features from files, which cannot be joined.
    """

    def __init__(
        self,
        skeleton: SkeletonLike,
        runs: Count = 8,
        *,
        blend: Factor = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.limbs = np.reshape(Skeleton.get(skeleton).limbs, (-1, 2)).astype(int)
        self.runs = int(runs)
        self.blend = float(blend)
        self._clips: dict[str, _Clip] | None = None
        # Of which epoch and kind, and its recordings.
        self._planned: tuple[object, list[list[_Piece]]] = None, []

    def transform(self, results: Item) -> Item:
        """Write the frames of a recording."""
        self.check_online(results)
        dataset = results['dataset']
        if self._clips is None:
            self._clips = {clip.name: clip for clip in _clips_of(dataset)}
        if results['frame_dir'] not in self._clips:
            return results
        pieces = self._recordings(results, self._clips)[results['crop']]
        videos = [_main_first(dataset.video(index)) for index, *_ in pieces]
        people = max(map(_people, videos))
        parts: list[Item] = []
        first: Mapping[PlaceKey, np.ndarray] = {}
        for video, (_, begin, end) in zip(videos, pieces, strict=True):
            part = part_of(_with_people(video, people), slice(begin, end))
            lengths = _limb_lengths(part, self.limbs)
            if parts:
                part = moved(part, _moves(part, parts[-1], lengths, first))
            else:
                first = lengths
            parts.append(part)
        rng = self.generator(results)
        for i in range(1, len(parts)):
            frames = round(rng.uniform(0, self.blend) * results['fps'] / 2)
            parts[i - 1 : i + 1] = _bent(parts[i - 1], parts[i], frames)
        made = joined(results, parts)
        made['frame_dir'] += f'_joined_{results["crop"]}'
        if 'individual' in made:
            made['individual'] = 0
        return made

    def _recordings(
        self, results: Item, clips: Mapping[str, _Clip]
    ) -> list[list[_Piece]]:
        """Return the pieces of each recording of an epoch, made of clips of a kind."""
        kind, number = kind_of(results), results['crops']
        key = results['epoch'], results['run_seed'], kind
        if self._planned[0] != key:
            own = [clip for clip in clips.values() if clip.kind == kind]
            rng = self.generator(cast(Item, {**results, 'frame_dir': '', 'crop': 0}))
            longest = max((results['crop_frames'] or CROP_FRAMES) // _PIECES, 1)
            backgrounds = (tier.background for tier in results['tiers'])
            rest = tuple(-1 if own is None else own for own in backgrounds)
            order = self._ordered(own, rest, longest, rng)
            ends = np.cumsum([end - begin for _, begin, end in order])
            recordings: list[list[_Piece]] = [[] for _ in range(number)]
            which = (ends - 1) * number // ends[-1]
            for piece, n in zip(order, which.tolist(), strict=True):
                recordings[n].append(piece)
            self._planned = key, recordings
        return self._planned[1]

    def _ordered(
        self,
        clips: Sequence[_Clip],
        rest: Action,
        longest: int,
        rng: np.random.Generator,
    ) -> list[_Piece]:
        """Return all pieces of clips in the order in which they are joined."""
        if all(clip.place[1] for clip in clips):
            recordings: dict[str, list[_Piece]] = {}
            for clip in sorted(clips, key=attrgetter('place')):
                pieces = recordings.setdefault(clip.place[0], [])
                pieces += _divided(clip, longest, rng)
            return [*chain(*_shuffled([*recordings.values()], rng))]
        own: dict[str, dict[Action, list[_Piece]]] = {}
        for clip in clips:
            pieces = own.setdefault(clip.person, {}).setdefault(clip.action, [])
            pieces += _divided(clip, longest, rng)
        order: list[_Piece] = []
        for actions in _shuffled([*own.values()], rng):
            shuffled = {k: _shuffled(pieces, rng) for k, pieces in actions.items()}
            rests = shuffled.pop(rest, [])
            runs = [
                run
                for pieces in shuffled.values()
                for run in self._runs(pieces, 2 * longest, rng)
            ]
            order += _with_rests(_shuffled(runs, rng), rests, rng)
        return order

    def _runs(
        self, pieces: Sequence[_Piece], longest: int, rng: np.random.Generator
    ) -> Iterator[list[_Piece]]:
        """Yield pieces of an action in runs of random length.

        A run of several has at most so many frames.
        """
        run: list[_Piece] = []
        size = frames = 0
        for piece in pieces:
            _, begin, end = piece
            frames += end - begin
            if run and (len(run) == size or frames > longest):
                yield run
                run, frames = [], end - begin
            size = size if run else int(rng.integers(1, self.runs + 1))
            run.append(piece)
        if run:
            yield run


def _with_rests(
    runs: Sequence[Sequence[_Piece]],
    rests: Sequence[_Piece],
    rng: np.random.Generator,
) -> Iterator[_Piece]:
    """Yield the pieces of runs, with rests in as many gaps between them as possible."""
    gaps: list[list[_Piece]] = [[] for _ in range(len(runs) + 1)]
    places: list[int] = []
    while len(places) < len(rests):
        places += rng.permutation(len(gaps)).tolist()
    for i, piece in zip(places, rests, strict=False):
        gaps[i].append(piece)
    yield from gaps[0]
    for run, after in zip(runs, gaps[1:], strict=True):
        yield from (*run, *after)


def _shuffled(items: Sequence[_Any], rng: np.random.Generator) -> list[_Any]:
    """Return items in a random order."""
    return [items[i] for i in rng.permutation(len(items))]


def _divided(clip: _Clip, longest: int, rng: np.random.Generator) -> list[_Piece]:
    """Return a clip, or pieces of about equal length if it is too long."""
    count = ceil(clip.frames / longest)
    cuts = np.arange(1, count) + rng.uniform(-0.4, 0.4, count - 1)
    ends = [0, *np.rint(cuts * clip.frames / count).astype(int).tolist(), clip.frames]
    return [(clip.video, begin, end) for begin, end in pairwise(ends) if begin < end]


def _clips_of(dataset: ItemSource) -> Iterator[_Clip]:
    """Yield the clips of a data set."""
    clips, videos, origins = [], [], []

    def known(video: Item, keys: Sequence[str]) -> VideoAnnotation:
        # Without skeletons, which may be too many for the memory.
        return cast(VideoAnnotation, {k: v for k, v in video.items() if k in keys})

    for index, video in dataset.videos():
        videos.append(known(video, _OWNERS))
        action = one_action(video['label'])
        if action is not None:
            origins.append(known(video, _ORIGINS))
            name, frames = video['frame_dir'], video['total_frames']
            clips.append(_Clip(index, name, '', action, kind_of(video), frames))
    persons, _ = persons_of(videos)
    is_known = len({*persons.values()}) < len(persons)
    places = places_in_recordings(origins)
    for clip in clips:
        person = persons[clip.name] if is_known else ''
        yield clip._replace(person=person, place=places.get(clip.name, clip.place))


def _people(video: Item) -> int:
    """Return how many people a video shows."""
    return len(next(video[key] for key in SKELETON_KEYS if key in video))


def _main_first(video: Item) -> Item:
    """Return a video whose main person, or individual, is the first."""
    main = 0
    if 'keypoint_score' in video:
        main = main_person(np.asarray(video['keypoint_score']))
    own = cast(VideoAnnotation, {'individual': main, **video})
    return cast(Item, placed(own, 0))


def _with_people(video: Item, people: int) -> Item:
    """Return a video with further people, who are not seen."""
    if _people(video) == people:
        return video
    made = video.copy()
    for key in SKELETON_KEYS:
        if key in video:
            array = np.asarray(video[key])
            around = [(0, people - len(array)), *[(0, 0)] * (array.ndim - 1)]
            made[key] = np.pad(array, around)
    return made


def _limb_lengths(part: Item, limbs: np.ndarray) -> dict[PlaceKey, np.ndarray]:
    """Return the mean length (L,) of each limb of the first person, 0 if not seen."""
    found: dict[PlaceKey, np.ndarray] = {}
    for key in PLACE_KEYS:
        if key in part:
            ends = np.asarray(part[key][0], np.float32)[:, limbs]
            seen = joints_seen(part, key)[0][:, limbs].all(axis=-1)
            lengths = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
            found[key] = (lengths * seen).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return found


def _moves(
    part: Item,
    before: Item,
    lengths: Mapping[PlaceKey, np.ndarray],
    first: Mapping[PlaceKey, np.ndarray],
) -> Moves:
    """Return how a part goes on where another ends, with limbs as long as the first."""
    moves = {}
    for key, own in lengths.items():
        known = (own > 0) & (first[key] > 0)
        scale = np.median(first[key][known] / own[known]) if known.any() else 1
        begin, end = middle(part, key, 0), middle(before, key, -1)
        moves[key] = begin, np.float32(scale), end
    return moves


def _bent(before: Item, after: Item, frames: int) -> tuple[Item, Item]:
    """Return two parts that meet between their poses, bent within some frames each."""
    frames = min(frames, *(part['label'].shape[-1] // 2 for part in (before, after)))
    if not frames:
        return before, after
    # From 0 to 1, slowly at both ends.
    times = (np.arange(frames, dtype=np.float32) + 0.5) / frames
    rise = (times**2 * (3 - 2 * times))[:, None, None]
    before, after = before.copy(), after.copy()
    for key in PLACE_KEYS:
        if key in before:
            ends = slice(-frames, None), slice(frames)
            seen = [joints_seen(part, key) for part in (before, after)]
            both = (seen[0][:, -1] & seen[1][:, 0])[..., None]
            gap = np.where(both, after[key][:, 0] - before[key][:, -1], 0)[:, None] / 2
            shifts = gap * rise, -gap * rise[::-1]
            for part, own, end, shift in zip(
                (before, after), seen, ends, shifts, strict=True
            ):
                part[key] = np.array(part[key], np.float32)
                part[key][:, end] += np.where(own[:, end, :, None], shift, 0)
    return before, after
