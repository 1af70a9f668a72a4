"""Charts of scores: bouts that were found, how sure a model is, what labels bring."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mmskelseg_io.messages.counts import counted
from mmskelseg_runtime.drawing.svg import Chart, Plot, Spot, bars
from mmskelseg_runtime.drawing.templates import percent

# Confused classes are named from this share of the frames on.
_CONFUSED = 0.05


def found_bouts(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return how many bouts of each class are found, as a chart and in a sentence."""
    counts, notes = [], []
    for row in rows:
        true, said = row['bouts']
        # F1 is twice the found bouts divided by all, true and predicted.
        found = min(round((row['f1'] or 0) / 200 * (true + said)), true, said)
        counts.append((found, true - found, said - found))
        off = row['edge_error']
        notes.append(f'{found} of {true}' + ('' if off is None else f', ± {off:.2f} s'))
    found, missed, invented = np.array(counts).reshape(-1, 3).T.tolist()
    bouts = counted(sum(found) + sum(missed), 'bout')
    says = f'The model finds {sum(found)} of {bouts} and invents {sum(invented)}'
    parts = {'found': found, 'missed': missed, 'invented': invented}
    return {'says': says, 'chart': bars(parts, [row['name'] for row in rows], notes)}


def reliability_chart(found: Mapping[str, Any]) -> Chart:
    """Return how often the model is right, by what it says, and in how many frames."""
    plot, bins = Plot('probability that it says', 'frames that are right'), []
    most, count = max(found['frames']), len(found['frames'])
    for k, frames in enumerate(found['frames']):
        ends = k / count, (k + 1) / count
        of = f'{percent(ends[0])} to {percent(ends[1])}'
        plot.columns([(*ends, 0.3 * frames / (most or 1), f'{of}: {frames:,} frames')])
        plot.tick(
            ends[1], percent(ends[1]) if (k + 1) % max(count // 5, 1) == 0 else ''
        )
        said, right = found['confidence'][k], found['accuracy'][k]
        if found['known'][k]:
            bins.append(Spot(said, right, f'says {percent(said)}: {percent(right)}'))
    plot.diagonal()
    plot.curve(bins)
    rows = [(percent(one.x), percent(one.y)) for one in bins]
    return plot.chart('Share of right frames by probability', ('says', 'right'), rows)


def label_chart(curve: Mapping[str, Any]) -> Chart:
    """Return what half of the labels, all, and twice as many bring."""
    plot, share = Plot('labels', 'F1@10', most=100, unit=''), curve['share']
    low, high = (curve[key] / 100 for key in ('twice_low', 'twice_high'))
    spots = {
        'half': (share / 2, f'{percent(share)}, short training'),
        'whole': (0.5, 'all, short training'),
        'full': (0.5, 'all, full training'),
        'twice': (1, 'twice as many, expected'),
    }
    each = {
        key: Spot(x, curve[key] / 100, f'{name}: {curve[key]:.1f}')
        for key, (x, name) in spots.items()
    }
    plot.curve([each['half'], each['whole']], 'before')
    plot.curve([each['full'], each['twice']._replace(low=low, high=high)])
    for x, name in ((share / 2, percent(share)), (0.5, 'all'), (0.98, 'twice')):
        plot.tick(x, name)
    rows = [(spots[key][1], f'{curve[key]:.1f}') for key in spots]
    rows.append(
        ('twice as many, 95 % interval', f'{100 * low:.1f} to {100 * high:.1f}')
    )
    return plot.chart('F1@10 on held-out videos', ('labels', 'F1@10'), rows)


def confused(
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
                f'{true} is taken for {said} in {percent(share)} of its frames '
                f'({found:,} of {total:,}).'
            )
