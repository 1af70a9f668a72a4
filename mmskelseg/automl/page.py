"""The page of a report: HTML that needs no network, and scripts only to play."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from mmskelseg.automl.people import LOW, disputed, sentences
from mmskelseg_behaviour.agreement import pair_scores
from mmskelseg_behaviour.assessment import FAIR, FEW, GOOD, MATCH
from mmskelseg_behaviour.drawing.scores import (
    confused,
    found_bouts,
    label_chart,
    reliability_chart,
)
from mmskelseg_behaviour.functional.significance import CLEAR
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_behaviour.scores import SCORES, in_percent
from mmskelseg_io.messages.counts import duration, listed
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.predictions import tier_title
from mmskelseg_io.structures.tiers import flat_rows, tiers_of
from mmskelseg_runtime.drawing.palette import class_colors
from mmskelseg_runtime.drawing.svg import keys, timeline
from mmskelseg_runtime.drawing.templates import html_template, percent
from mmskelseg_runtime.page.played_page import Played, played_page

# What a template is given.
_Values: TypeAlias = dict[str, Any]

_CURVES = {
    'before': 'Before, on held-out videos',
    'after': 'After, on held-out videos',
    'test_before': 'Before, on test videos',
    'test': 'After, on test videos',
}
_PARTS = {'held_out': 'held out', 'test': 'test', 'all': 'all'}
# The sentence about probabilities describes the bin nearest to this one.
_SURE = 0.9
# So many videos with the same finding are named.
_NAMED = 5


def page(
    content: Mapping,
    videos: Mapping[str, Video],
    fps: Mapping[str, float],
    metainfo: Mapping,
    entries: Sequence[VideoAnnotation] = (),
) -> str:
    """Return the page of a report, whose content ``report.json`` has.

    Of the recordings that it shows first, those with joints in ``entries`` are played.
    """
    tiers = tiers_of(metainfo)
    worst = sorted(content['videos'], key=lambda row: (row['f1@10'], row['acc']))
    timelines = [one for row in worst for one in _timelines(row, videos, fps, metainfo)]
    last = len(timelines) - 1
    named = {last: 'Best', (last + 1) // 2: 'Typical', 0: 'Worst'}
    template = html_template(
        Path(__file__).with_name('report.html'),
        difference=_difference,
        duration=duration,
        in_percent=in_percent,
        titled=tier_title,
    )
    picked = [{'which': named[k], **timelines[k]} for k in sorted(named) if timelines]
    played = list(_played({one['video'] for one in picked}, videos, entries))
    people = (content['observers'] or {}).get('pairs', [])
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
        parts=_PARTS,
        timelines=timelines,
        picked=picked,
        player=played_page(played, metainfo) if played else None,
        plays=[one.entry['frame_dir'] for one in played],
        keys=list(keys(metainfo['classes'], class_colors(tiers))),
        found=found_bouts(content['classes']),
        confused=list(confused(content['confusion'], content['data']['classes'])),
        curves=list(_curves(content['calibration'] or {})),
        sure=reliability_chart(content['calibration']['after'])
        if content['calibration']
        else None,
        more=label_chart(content['label_curve']) if content['label_curve'] else None,
        compared=list(sentences(people, content['data'])),
        disputed=disputed(people),
        pair_scores=pair_scores(),
        suspicions=_suspicions(content['data']['suspicions']),
        **_choice(content['candidates']),
    )


def _played(
    names: Collection[str],
    videos: Mapping[str, Video],
    entries: Sequence[VideoAnnotation],
) -> Iterator[Played]:
    """Yield the videos of these names that have joints in 2D, with their labels."""
    for entry in entries:
        if (name := entry['frame_dir']) in names and 'keypoint' in entry:
            yield Played(entry, videos[name].gt, videos[name].pred, videos[name].scores)


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
        rows = {'true': gt[tier], 'predicted': pred[tier]}
        note = 'F1@10 {f1@10:.1f}, accuracy {acc:.1f}, '.format(**own)
        yield {
            'video': name,
            'title': tier_title(name, tier),
            'note': note + _PARTS[row['part']],
            'chart': timeline(
                rows,
                fps[name],
                metainfo['classes'],
                class_colors(tiers),
                truth={'predicted': 'true'},
            ),
        }


def _curves(calibration: _Values) -> Iterator[_Values]:
    """Yield the known points of each reliability curve, and what they say."""
    for key, name in _CURVES.items():
        if key not in calibration:
            continue
        found = calibration[key]
        bins = zip(found['known'], found['confidence'], found['accuracy'], strict=True)
        known = [(said, right) for is_known, said, right in bins if is_known]
        words = 'too few bouts or videos to say how often it is right'
        if known:
            said, right = min(known, key=lambda pair: abs(pair[0] - _SURE))
            words = (
                f'when it says {percent(said)}, it is right in {percent(right)} of '
                'frames'
            )
        yield {
            'says': f'After calibration, {words}',
            'words': f'{name}: {words}; ECE {percent(found["ece"])}.',
        }


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
