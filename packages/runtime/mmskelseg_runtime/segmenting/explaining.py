"""What carries a label: how far its probability falls when something is left out.

A part is left out by its scores: joints with score 0 are missing, which models know.

- The **drop** of a part is how far the mean probability of a segment's class, over the
  frames of the segment, falls when the part is missing from the whole recording. The
  drop of a class is the mean over its segments.
- The **share** of a part is its drop, divided by the sum over all parts. Where a
  probability rises, the drop counts as 0.
- **Chance**: in each of :data:`DRAWS` draws, another part, chosen at random, is missing
  in each quarter of a second, so that as much is missing, but no part for long. A part
  is above chance if its drop is larger than in every draw, and at least 0.01.
- **Times** have shares of their own: everything is missing before, within, or after a
  segment. Those of a class are above chance if their mean drop is larger than in 19 of
  20 cases in which the sign of each segment's drop is chosen at random; that needs at
  least five segments.

Parts that say the same share the credit, or neither gets any, since the other one is
still there. A drop says what a model uses, not what causes a behaviour.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, cast

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import FRAME_KEYS
from mmskelseg_io.structures.bodies import changed_bodies, frames_of
from mmskelseg_io.structures.layouts import split_side
from mmskelseg_io.structures.predictions import InputVideo
from mmskelseg_io.structures.segments import to_segments
from mmskelseg_io.structures.tiers import label_rows, tiers_of
from mmskelseg_runtime.segmenting.segmenter import Segmenter

#: Times that something is left out at random.
DRAWS = 19
# Seconds that a part is missing in a draw; the least drop that counts.
_BLOCK, _LEAST = 0.25, 0.01
# Random signs, the fewest segments for them, and the part of chance that is exceeded.
_SIGNS, _FEWEST, _LEVEL = 199, 5, 0.95
# Seconds to each side of the middle of a moment, and beside these.
_BESIDE = 5.0
# The most frames that a model reads again and again to explain moments: about 20 s.
_FRAMES = 150_000
# Segments whose times are left out together are so many windows apart.
_APART = 10
TIMES = ('before', 'within', 'after')

#: Returns the probabilities of a video's classes, (K, T).
Predict: TypeAlias = Callable[[InputVideo], np.ndarray]
Kind: TypeAlias = Literal['joint', 'individual', 'object', 'time']


class LeftOut(NamedTuple):
    """What is left out together.

    ``indices`` are those of joints, of skeletons in the arrays, or of the objects.
    """

    name: str
    kind: Kind
    indices: tuple[int, ...]


class ExplainedSegment(NamedTuple):
    """A segment: the row of its class in probabilities (K, T), first frame, and end."""

    row: int
    start: int
    end: int


class Weight(NamedTuple):
    """How much a part carries: see the module.

    ``chance`` is the drop that chance exceeds in 1 of 20 cases, NaN if it is unknown.
    """

    part: str
    kind: Kind
    share: float
    drop: float
    chance: float
    above: bool


@dataclass(frozen=True)
class Reasons:
    """What the probabilities of a recording's S segments depend on.

    Attributes:
        recording: Its name.
        spans: The segments.
        parts: What was left out, P parts.
        by_part: The drop of each segment without each part, (S, P).
        by_draw: The drops by chance, (S, DRAWS).
        by_time: The drops without the times before, within and after, (S, 3), or (S, 0)
            if they were not asked for.
    """

    recording: str
    spans: Sequence[ExplainedSegment]
    parts: Sequence[LeftOut]
    by_part: np.ndarray
    by_draw: np.ndarray
    by_time: np.ndarray


def explain(
    segmenter: Segmenter,
    video: InputVideo,
    *,
    sides: bool = False,
    window: float | None = None,
) -> Reasons:
    """Return what carries the segments that a model predicts in a video.

    Args:
        segmenter: The model.
        video: As :meth:`Segmenter.videos` yields it.
        sides: Whether to leave out left and right joints of a pair separately.
        window: Seconds before and after a segment to leave out; None for no times.

    Raises:
        UserError: If the model reads frames of videos.
    """
    if segmenter.needs_video or not segmenter.needs_poses:
        raise UserError(
            f'{video["frame_dir"]}: the model reads the frames of the video, from '
            'which joints cannot be left out; name a model that reads poses alone.'
        )
    parts = find_parts(video, segmenter, sides=sides)
    fields = segmenter.predict([video], quiet=True)[0]

    def predict(changed: InputVideo) -> np.ndarray:
        return segmenter.predict([changed], quiet=True)[0]['pred_score']

    tiers = tiers_of(segmenter.metainfo)
    spans = [
        ExplainedSegment(tier.rows.start + k, start, end)
        for tier, row in zip(tiers, label_rows(fields['pred_label']), strict=True)
        for start, end, k in to_segments(row)
    ]
    spans.sort(key=lambda span: span.start)
    whole = _means(fields['pred_score'], spans)
    by_part, by_draw = drops(predict, video, spans, parts, whole)
    by_time = np.zeros((len(spans), 0))
    if window is not None:
        frames = max(1, round(window * video['fps']))
        by_time = time_drops(predict, video, spans, parts, whole, frames)
    return Reasons(video['frame_dir'], spans, parts, by_part, by_draw, by_time)


def explain_moments(
    segmenter: Segmenter, moments: Iterable[tuple[InputVideo, int, int]]
) -> Iterator[list[tuple[Reasons, int]]]:
    """Yield what carries the segment that covers most of an interval, and its index.

    The model sees the interval, or 10 s in its middle, and 5 s to each side. There is
    nothing in the list if no segment lies there. It ends before the model would read
    more than 150,000 frames, however fast it is.

    Args:
        segmenter: The model.
        moments: Each the video, the first frame of the interval, and its end.
    """
    left = _FRAMES
    for video, start, end in moments:
        piece, first, start, end = _around(video, start, end)
        left -= _frames_read(segmenter, piece)
        if left < 0:
            return
        found = explain(segmenter, piece)
        shared = [
            min(span.end, end - first) - max(span.start, start - first)
            for span in found.spans
        ]
        most = max(shared, default=0)
        yield [(found, shared.index(most))] if most > 0 else []


def are_few(
    segmenter: Segmenter, moments: Iterable[tuple[InputVideo, int, int]]
) -> bool:
    """Return whether :func:`explain_moments` explains all of some moments."""
    pieces = (_around(*moment)[0] for moment in moments)
    return sum(_frames_read(segmenter, piece) for piece in pieces) <= _FRAMES


def _around(
    video: InputVideo, start: int, end: int
) -> tuple[InputVideo, int, int, int]:
    """Return what a model sees of a moment, its first frame, and what is explained."""
    beside = round(_BESIDE * video['fps'])
    cut_off = max((end - start) // 2 - beside, 0)
    start, end = start + cut_off, end - cut_off
    first = max(start - beside, 0)
    return cut(video, first, end + beside), first, start, end


def _frames_read(segmenter: Segmenter, piece: InputVideo) -> int:
    """Return how many frames a model reads to explain a piece of a video."""
    passes = 1 + len(find_parts(piece, segmenter)) + DRAWS
    return passes * piece['total_frames']


def find_parts(
    video: InputVideo, segmenter: Segmenter, *, sides: bool = False
) -> list[LeftOut]:
    """Return joints, or pairs of them, other individuals, and kinds of objects."""
    skeleton = Skeleton.get(segmenter.skeleton)
    pairs = {} if sides else {i: pair for pair in skeleton.flip_pairs for i in pair}
    groups = dict.fromkeys(
        tuple(sorted(pairs.get(i, (i,)))) for i in range(skeleton.num_joints)
    )
    parts = [LeftOut(_name(skeleton, group), 'joint', group) for group in groups]
    if segmenter.pairs and 'individual' in video:
        people = video.get('people', ())
        for i in range(len(video['keypoint'])):
            if i != video['individual']:
                name = people[i] if i < len(people) else f'individual {i + 1}'
                parts.append(LeftOut(name, 'individual', (i,)))
    kinds: dict[str, list[int]] = {}
    for i, one in enumerate(video.get('objects', ())):
        if one['kind'] in segmenter.kinds:
            kinds.setdefault(one['kind'], []).append(i)
    return parts + [LeftOut(kind, 'object', tuple(own)) for kind, own in kinds.items()]


def _name(skeleton: Skeleton, group: Sequence[int]) -> str:
    """Return the name of joints: that of one, or of a pair without its sides."""
    names = [skeleton.joints[i] for i in group]
    plain = {split_side(name)[1] for name in names}
    if len(names) > 1 and len(plain) == 1 and not plain & {'', *skeleton.joints}:
        return plain.pop()
    return ' and '.join(names)


def without(
    video: InputVideo, gone: Iterable[tuple[LeftOut, np.ndarray]]
) -> InputVideo:
    """Return a video in which parts are missing, each in some frames, bool (T,)."""
    score = np.array(video['keypoint_score'])
    objects = list(video.get('objects', ()))
    everyone = np.arange(len(score))
    people = everyone[[video['individual']]] if 'individual' in video else everyone
    for part, frames in gone:
        where, indices = np.flatnonzero(frames), np.array(part.indices)
        if part.kind == 'joint':
            score[np.ix_(people, where, indices)] = 0
        elif part.kind == 'individual':
            score[np.ix_(indices, where)] = 0
        else:
            for i in part.indices:
                seen = np.array(objects[i]['score'])
                seen[where] = 0
                objects[i] = {**objects[i], 'score': seen}
    more = {'objects': objects} if objects else {}
    return cast(InputVideo, {**video, 'keypoint_score': score, **more})


def drops(
    predict: Predict,
    video: InputVideo,
    spans: Sequence[ExplainedSegment],
    parts: Sequence[LeftOut],
    whole: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the drops of segments without each part (S, P), and by chance (S, DRAWS).

    ``whole`` are their mean probabilities with everything, (S,).
    """
    frames = video['total_frames']
    rng = np.random.default_rng(0)
    block = max(1, round(_BLOCK * video['fps']))
    missing = [np.full(frames, i) for i in range(len(parts))]
    for _ in range(DRAWS):
        chosen = rng.integers(len(parts), size=-(-frames // block))
        missing.append(chosen.repeat(block)[:frames])
    found = [
        whole - _means(predict(without(video, _where(parts, each))), spans)
        for each in missing
    ]
    by_part, by_draw = np.split(np.stack(found, axis=1), [len(parts)], axis=1)
    return by_part, by_draw


def _where(
    parts: Sequence[LeftOut], missing: np.ndarray
) -> Iterator[tuple[LeftOut, np.ndarray]]:
    """Yield parts, and where each is the missing one, of indices (T,)."""
    for i in np.unique(missing):
        yield parts[i], missing == i


def time_drops(
    predict: Predict,
    video: InputVideo,
    spans: Sequence[ExplainedSegment],
    parts: Sequence[LeftOut],
    whole: np.ndarray,
    window: int,
) -> np.ndarray:
    """Return the drops of segments without the times around them, (S, 3).

    Everything is missing in ``window`` frames before, within, or in as many after them.
    Segments, in order of their starts, that are far apart are left out together.
    """
    rounds: list[list[int]] = []
    for i, span in enumerate(spans):
        free = (r for r in rounds if spans[r[-1]].end + _APART * window <= span.start)
        own = next(free, None)
        if own is None:
            rounds.append([i])
        else:
            own.append(i)
    found = np.zeros((len(spans), len(TIMES)))
    for members in rounds:
        for k in range(len(TIMES)):
            gone = np.zeros(video['total_frames'], bool)
            for i in members:
                _, start, end = spans[i]
                edges = (max(start - window, 0), start, end, end + window)
                gone[edges[k] : edges[k + 1]] = True
            score = predict(without(video, ((part, gone) for part in parts)))
            found[members, k] = (whole - _means(score, spans))[members]
    return found


def _means(score: np.ndarray, spans: Sequence[ExplainedSegment]) -> np.ndarray:
    """Return the mean probability of each segment's class, (S,)."""
    return np.array([score[k, a:b].mean(dtype=np.float64) for k, a, b in spans])


def weigh(segments: Sequence[tuple[Reasons, int]]) -> list[Weight]:
    """Return how much each part carries, the mean over some segments.

    A segment is the index of a span. The drop of a part that a recording lacks is 0
    there. The largest share comes first, and times last.
    """
    count = len(segments)
    totals: dict[tuple[str, Kind], float] = {}
    for reasons, i in segments:
        for part, drop in zip(reasons.parts, reasons.by_part[i], strict=True):
            key = part.name, part.kind
            totals[key] = totals.get(key, 0.0) + float(drop) / count
    draws = np.mean([reasons.by_draw[i] for reasons, i in segments], axis=0)
    level = _level(draws)
    found = sorted(_shares({key: (drop, level) for key, drop in totals.items()}))
    found.sort(key=lambda weight: -weight.share)
    times = np.stack([reasons.by_time[i] for reasons, i in segments])
    if times.shape[1]:
        signs = np.random.default_rng(0).choice([-1, 1], (_SIGNS, count))
        flipped = signs @ times / count
        levels = [
            _level(own) if count >= _FEWEST else float('nan') for own in flipped.T
        ]
        means = zip(times.mean(axis=0).tolist(), levels, strict=True)
        keys: list[tuple[str, Kind]] = [(name, 'time') for name in TIMES]
        found += _shares(dict(zip(keys, means, strict=True)))
    return found


def _level(drops: np.ndarray) -> float:
    return float(np.quantile(drops, _LEVEL, method='higher'))


def _shares(
    found: Mapping[tuple[str, Kind], tuple[float, float]],
) -> Iterator[Weight]:
    """Yield the weights of drops, each with that of chance."""
    total = sum(max(drop, 0.0) for drop, _ in found.values())
    for (name, kind), (drop, chance) in found.items():
        share = max(drop, 0.0) / total if total else 0.0
        above = drop > chance and drop >= _LEAST
        yield Weight(name, kind, share, drop, chance, above)


def carrier(weights: Sequence[Weight]) -> str:
    """Return the part that carries most, and its share; '' if none is above chance.

    >>> carrier([Weight('nose', 'joint', 0.61, 0.3, 0.1, True)])
    'nose, 61 %'
    """
    for weight in weights:
        if weight.above and weight.kind != 'time':
            return f'{weight.part}, {100 * weight.share:.0f} %'
    return ''


def words(weights: Sequence[Weight]) -> str:
    """Return what :func:`carrier` does, or that there is none."""
    return carrier(weights) or 'no part above chance'


def cut(video: InputVideo, start: int, end: int) -> InputVideo:
    """Return some frames of a video, without labels; the end is exclusive."""
    start, end = max(start, 0), min(end, video['total_frames'])
    made = {**video, **changed_bodies(video, frames_of(slice(start, end)))}
    kept = {key: value for key, value in made.items() if key not in FRAME_KEYS}
    return cast(InputVideo, {**kept, 'total_frames': end - start})
