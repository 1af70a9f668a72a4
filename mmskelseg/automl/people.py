"""How far people agree on what they labelled, and a model with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from mmskelseg.automl.observers import FIRST, Observers
from mmskelseg_behaviour.agreement import agreement
from mmskelseg_behaviour.assessment import FEW, Predictions
from mmskelseg_behaviour.functional.agreement import common_labels
from mmskelseg_behaviour.functional.significance import CLEAR, paired_bootstrap
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.structures.segments import IGNORED, segment_table
from mmskelseg_io.structures.tiers import Tier, class_name, label_rows

#: People who have a lower kappa on a class don't agree on it.
LOW = 0.4
_MODEL = 'the model'
# With fewer persons, no difference is clear.
_ENOUGH = 6
# What is compared, in types of JSON.
_Row = dict[str, Any]


def beside_people(
    people: Observers, videos: Predictions, fps: Mapping[str, float]
) -> list[_Row]:
    """Return how far each two people agree, and a model with them, by tier.

    All is of the same frames: those to which both have given a label, of the recordings
    that the model has not seen. What cannot be computed is None.

    ``videos`` are predictions of recordings that the model has not seen, and ``fps``
    the frames per second of each.
    """
    rows = []
    for pair in people.pairs:
        unseen = {n: own for n, own in people.of_both(*pair).items() if n in videos}
        for i, tier in enumerate(people.tiers):
            labels = {}
            for name, own in unseen.items():
                pred = label_rows(videos[name].pred)
                three = common_labels(np.stack([own[0][i], own[1][i], pred[i]]))
                if (three != IGNORED).any():
                    labels[name] = three
            rows.append(_compared(pair, labels, tier, fps, people.persons))
    return rows


def _compared(
    pair: tuple[str, str],
    labels: Mapping[str, np.ndarray],
    tier: Tier,
    fps: Mapping[str, float],
    persons: Mapping[str, str],
) -> _Row:
    """Return a row from the labels (3, T) of two people and the model in a tier."""
    groups = [persons[name] for name in labels]
    times = ((row[0] != IGNORED).sum() / fps[name] for name, row in labels.items())
    found: _Row = {
        'tier': tier.name,
        'observers': list(pair),
        'recordings': list(labels),
        'persons': 0,
        'seconds': float(sum(times)),
        'agreement': [],
        'classes': [],
        'difference': None,
    }
    if not labels:
        return found
    twos = list(combinations(range(3), 2))
    names = (*pair, _MODEL)
    each = [
        agreement([own[[i, j]] for own in labels.values()], tier, 1) for i, j in twos
    ]
    for (i, j), own in zip(twos, each, strict=True):
        (row,) = own['overall']
        del row['seconds']
        found['agreement'].append({'between': [names[i], names[j]], **row})
    tables = [segment_table(row) for own in labels.values() for row in own[:2]]
    for k, rows in enumerate(zip(*(own['by_class'] for own in each), strict=True)):
        bouts = [sum((t[:, 2] == k).sum() for t in tables[who::2]) for who in (0, 1)]
        kappas = [row['kappa'] for row in rows]
        name = class_name(tier.classes[k], tier.name)
        found['classes'].append({'class': name, 'bouts': bouts, 'kappa': kappas})
    found['persons'], found['difference'] = _difference(labels.values(), groups, tier)
    return found


def _difference(
    labels: Iterable[np.ndarray], groups: Sequence[str], tier: Tier
) -> tuple[int, dict[str, float] | None]:
    """Return by how much the model's mean kappa with two people differs from theirs.

    It is the mean of recordings, of which each is of a group; None if groups are too
    few. Their number comes first. Recordings of one class, without kappa, don't count.
    """
    twos = list(combinations(range(3), 2))
    table = np.array(
        [
            [agreement([own[[i, j]]], tier, 1)['overall'][0]['kappa'] for i, j in twos]
            for own in labels
        ],
        float,
    )
    known = np.flatnonzero(~np.isnan(table).any(axis=1)).tolist()
    who = [groups[i] for i in known]
    if len({*who}) < _ENOUGH:
        return len({*who}), None
    model, people = table[known, 1:].mean(axis=1), table[known, 0]
    difference = paired_bootstrap(model.tolist(), people.tolist(), groups=who)
    return len({*who}), asdict(difference)


def sentences(rows: Iterable[_Row], data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a report says of people and the model, in plain words.

    ``data`` are the report's, which tell whether it is known who recordings show.
    """
    unit = 'person' if data['persons_known'] else 'recording'
    for row in rows:
        first, second = row['observers']
        who = 'Two observers'
        who += '' if first == FIRST else f' ({first} and {second})'
        of_tier = f' on {row["tier"]}' if row['tier'] else ''
        if not row['recordings']:
            yield (
                f'{who} have labelled no recording{of_tier} that the model was held '
                'out from, so it cannot be compared with them.'
            )
            continue
        found = [one['kappa'] for one in row['agreement']]
        if None in found:
            why = next(filter(None, (one['why'] for one in row['agreement'])))
            yield f'How far {who.lower()} agree{of_tier} has no kappa: {why}.'
            continue
        people, *model = (f'{kappa:.2f}' for kappa in found)
        yield (
            f'{who} agree{of_tier} to a kappa of {people}, the model and {first} to '
            f'{model[0]}, the model and {second} to {model[1]} '
            f'({counted(len(row["recordings"]), "recording")}, held out from the '
            f'model). {_verdict(row, unit)}'
        )


def _verdict(row: _Row, unit: str) -> str:
    found, than = row['difference'], 'than they do with each other'
    if found is None:
        return (
            f'Whether the model agrees with people less {than} cannot be told from '
            f'{counted(row["persons"], unit)}; it takes {_ENOUGH}.'
        )
    where = (
        f'(mean difference of kappa {found["mean"]:+.2f}, 95 % interval '
        f'{found["low"]:+.2f} to {found["high"]:+.2f})'
    )
    if found['p'] >= CLEAR:
        return f'It is not clear that the model agrees less or more {than} {where}.'
    less = 'less' if found['mean'] < 0 else 'more'
    return f'The model agrees with people clearly {less} {than} {where}.'


def disputed(rows: Iterable[_Row]) -> dict[str, float]:
    """Return the classes on which people don't agree, and their lowest kappa."""
    found: dict[str, float] = {}
    for row in rows:
        for one in row['classes']:
            kappa = one['kappa'][0]
            if kappa is not None and kappa < LOW and max(one['bouts']) >= FEW:
                name = one['class']
                found[name] = min(kappa, found.get(name, kappa))
    return found
