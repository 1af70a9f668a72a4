"""The page of a report: HTML that needs neither a network nor scripts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mmskelseg.automl.people import LOW, disputed, sentences
from mmskelseg_behaviour.agreement import pair_scores
from mmskelseg_behaviour.assessment import FAIR, FEW, GOOD, MATCH
from mmskelseg_behaviour.functional.significance import CLEAR
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_behaviour.scores import SCORES, in_percent
from mmskelseg_io.messages.counts import duration, listed
from mmskelseg_io.structures.predictions import tier_title
from mmskelseg_io.structures.segments import IGNORED, segment_table
from mmskelseg_io.structures.tiers import flat_rows, tiers_of
from mmskelseg_runtime.drawing.frames import mark_time, tick_step
from mmskelseg_runtime.drawing.templates import html_template
from mmskelseg_runtime.drawing.timelines import line_frames

# What a template is given.
_Values: TypeAlias = dict[str, Any]

_CURVES = {
    'before': 'Before, on held-out videos',
    'after': 'After, on held-out videos',
    'test_before': 'Before, on test videos',
    'test': 'After, on test videos',
}
# Confused classes are named from this share of the frames on.
_CONFUSED = 0.05
# The sentence about probabilities describes the bin nearest to this one.
_SURE = 0.9
# So many videos with the same finding are named.
_NAMED = 5
# Sizes of a timeline: width, where bars begin, and the height of a line.
_WIDTH, _LEFT, _LINE = 910, 70, 78
# Rows of a line: name, top and height.
_ROWS = (('true', 0, 18), ('predicted', 20, 18), ('wrong', 42, 8))


def page(
    content: Mapping,
    videos: Mapping[str, Video],
    fps: Mapping[str, float],
    metainfo: Mapping,
) -> str:
    """Return the page of a report, whose content ``report.json`` has."""
    tiers = tiers_of(metainfo)
    template = html_template(
        Path(__file__).with_name('report.html'),
        difference=_difference,
        duration=duration,
        in_percent=in_percent,
        percent=_percent,
        titled=tier_title,
    )
    people = (content['observers'] or {}).get('pairs', [])
    worst = sorted(content['videos'], key=lambda row: (row['f1@10'], row['acc']))
    return template.render(
        content=content,
        metrics=list(SCORES.values()),
        limits={'good': GOOD, 'fair': FAIR, 'few': FEW, 'match': MATCH, 'low': LOW},
        tiers=[tier.name for tier in tiers if tier.name],
        grounds=[
            content['data']['classes'][tier.rows][tier.background]
            for tier in tiers
            if tier.background is not None
        ],
        timelines=[
            one for row in worst for one in _timelines(row, videos, fps, metainfo)
        ],
        confused=list(_confused(content['confusion'], content['data']['classes'])),
        curves=list(_curves(content['calibration'] or {})),
        compared=list(sentences(people, content['data'])),
        disputed=disputed(people),
        pair_scores=pair_scores(),
        suspicions=_suspicions(content['data']['suspicions']),
        **_choice(content['candidates']),
    )


def _percent(share: float | None) -> str:
    # No line ends between a number and its unit.
    return '-' if share is None else f'{100 * share:.0f}\u00a0%'


def _difference(found: Mapping[str, float] | None) -> str:
    if found is None:
        return '-'
    mean, low, high = found['mean'], found['low'], found['high']
    clear = f'clearly {"lower" if mean < 0 else "higher"}'
    words = clear if found['p'] < CLEAR else 'not clear'
    return f'{mean:+.1f} ({low:+.1f} to {high:+.1f}), {words}'


def _timelines(
    row: Mapping,
    videos: Mapping[str, Video],
    fps: Mapping[str, float],
    metainfo: Mapping,
) -> Iterator[_Values]:
    """Yield the timeline of each tier of a video, whose scores are in a row."""
    name, tiers = row['video'], tiers_of(metainfo)
    pred, gt = (flat_rows(x, tiers) for x in (videos[name].pred, videos[name].gt))
    for tier in (tier.name for tier in tiers if (gt[tier.name] >= 0).any()):
        own = {key: row[f'{tier}/{key}' if tier else key] for key in ('f1@10', 'acc')}
        video = Video(pred[tier], gt[tier], videos[name].scores)
        title = {'title': tier_title(name, tier)}
        yield {**row, **own, **title, **_timeline(video, fps[name])}


def _timeline(video: Video, fps: float) -> _Values:
    """Return the geometry of a timeline: true, predicted and wrong frames."""
    wrong = (video.pred != video.gt) & (video.gt != IGNORED)
    labels = (video.gt, video.pred, np.where(wrong, 0, IGNORED))
    frames = wrong.size
    length = line_frames(frames, fps)
    scale = _WIDTH / length
    step = tick_step(length / fps, 10)
    rows, ticks = [], []
    for line, start in enumerate(range(0, frames, length)):
        end = min(start + length, frames)
        for (name, top, height), values in zip(_ROWS, labels, strict=True):
            y = top + line * _LINE
            row = {'name': name, 'y': y, 'height': height}
            bars = list(_bars(segment_table(values[start:end]), scale, y, height))
            rows.append({**row, 'width': (end - start) * scale, 'bars': bars})
        first = math.ceil(start / fps / step)
        for time in np.arange(first, end / fps / step) * step:
            x = _LEFT + (time * fps - start) * scale
            ticks.append((x, line * _LINE + 62, mark_time(time, step)))
    return {
        'left': _LEFT,
        'height': rows[-1]['y'] + 30,
        'segments': [len(segment_table(values)) for values in labels],
        'rows': rows,
        'ticks': ticks,
    }


def _bars(
    table: np.ndarray, scale: float, y: float, height: float
) -> Iterator[tuple[int, str, list[float]]]:
    """Yield each label, a path around its segments, and the middles of wide ones."""
    for label in np.unique(table[:, 2]).tolist():
        left, right = _LEFT + scale * table[table[:, 2] == label, :2].T
        path = ''.join(
            f'M{x:.1f} {y}h{width:.1f}v{height}h-{width:.1f}z'
            for x, width in zip(left, right - left, strict=True)
        )
        wide = right - left > 9 * len(str(label))
        yield label, path, ((left + right) / 2)[wide].tolist()


def _confused(
    confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> Iterator[str]:
    """Yield which classes are often taken for others, the most frequent first."""
    pairs = [
        (found / sum(row), found, sum(row), classes[true], classes[said])
        for true, row in enumerate(confusion)
        for said, found in enumerate(row)
        if said != true and found
    ]
    for share, found, total, true, said in sorted(pairs, reverse=True):
        if share >= _CONFUSED:
            yield (
                f'{true} is taken for {said} in {_percent(share)} of its frames '
                f'({found:,} of {total:,}).'
            )


def _curves(calibration: _Values) -> Iterator[_Values]:
    """Yield the known points of each reliability curve, and what they say."""
    for key, name in _CURVES.items():
        if key not in calibration:
            continue
        found = calibration[key]
        bins = zip(found['known'], found['confidence'], found['accuracy'], strict=True)
        known = [(said, right) for is_known, said, right in bins if is_known]
        places = [f'{60 + 240 * x:.1f},{264 - 240 * y:.1f}' for x, y in known]
        words = 'too few bouts or videos to say how often it is right'
        if known:
            said, right = min(known, key=lambda pair: abs(pair[0] - _SURE))
            words = (
                f'when it says {_percent(said)}, it is right in {_percent(right)} of '
                'frames'
            )
        words = f'{name}: {words}; ECE {_percent(found["ece"])}.'
        yield {'key': key, 'name': name, 'points': places, 'words': words}


def _suspicions(found: Sequence[_Values]) -> list[str]:
    """Return what looks suspicious, once for all videos that it is said of."""
    videos: dict[str, list[str]] = {}
    for row in found:
        names = videos.setdefault(row['text'], [])
        if row['video']:
            names.append(row['video'])
    return [
        f'{listed(names, _NAMED)}{f" ({len(names)})" * (len(names) > _NAMED)}: {text}'
        if names
        else text
        for text, names in videos.items()
    ]


def _choice(candidates: Sequence[_Values]) -> _Values:
    """Return the chosen candidate, and why it was chosen."""
    tried = [row for row in candidates if 'left_out' not in row]
    chosen = next(row for row in tried if row['chosen'])
    if len(tried) == 1:
        return {'chosen': chosen, 'reason': f'Only {chosen["name"]} was trained.'}
    key = 'full' if sum(row['full'] is not None for row in tried) > 1 else 'short'
    rivals = [row for row in tried if row[key] is not None and not row['only_compared']]
    best = max(rivals, key=lambda row: row[key])
    why = (
        'it has the highest score'
        if best is chosen
        else f'it takes no longer to train than the best, {best["name"]}, and scores '
        'less than a point lower, which is no clear difference'
    )
    reason = (
        'All were trained for a short time, and the best of them also in full, and '
        f'tested on held-out videos. {chosen["name"]} was chosen: {why}.'
    )
    for row in tried:
        if row['only_compared']:
            reason += (
                f' {row["name"]} reads joints in 3D, which new videos do not give, so '
                f'it was only compared; {row["options"]} trains it.'
            )
        if row['observers'] == 'shares':
            learned = {'majority': 'what most of them say', 'shares': 'their shares'}
            reason += (
                f' Of several observers, it learns {learned[chosen["observers"]]}: in '
                f'short trainings, shares reached {row["short"]:.1f}, and what most '
                f'say {tried[0]["short"]:.1f}.'
            )
    return {'chosen': chosen, 'reason': reason}
