"""Cycles of work: from one start of the first task to the next, and their times."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mmskelseg_behaviour.groups import Member
from mmskelseg_behaviour.study import Compared, Row, Study
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.bouts import sample_sd

# What of the cycles is compared between groups.
_COMPARED = ('cycles', 'mean_s', 'median_s', 'sd_s', 'cv_percent')


def find_cycles(study: Study, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return start and end of the cycles of each recording, (n, 2), in seconds.

    Args:
        study: The recordings.
        names: The class that begins a cycle, and optionally the one that comes next
            where it does; see :meth:`Bouts.cycles`. A class of which no other tier has
            the name may be given without its tier.

    Raises:
        UserError: If there are no such classes of one tier, or no cycles.
    """
    text = f'--cycle {" ".join(names)}'
    ids = []
    for name in names:
        own = [one for one in study.classes if one == name] or [
            one for one in study.classes if one.endswith(f': {name}')
        ]
        if len(own) != 1:
            several = 'may be each' if own else 'is none'
            raise UserError(
                f'{text}: {name!r} {several} of the classes '
                f'{listed(own or study.classes, 20)}; correct the name.'
            )
        ids.append(study.classes.index(own[0]))
    if len(names) > 2:
        raise UserError(
            f'{text}: has {len(names)} classes, expected the one that begins a cycle, '
            'and at most one that comes next.'
        )
    tiers = next(iter(study.bouts.values())).tiers
    if not any(set(ids) <= {*range(len(study.classes))[own]} for own in tiers):
        raise UserError(f'{text}: the classes are of two tiers; name two of one tier.')
    found = {name: one.cycles(*ids) for name, one in study.bouts.items()}
    if not any(map(len, found.values())):
        raise UserError(
            f'{text}: no recording has two such starts, so there is no cycle.'
        )
    return found


def cycle_table(study: Study, cycles: Mapping[str, np.ndarray]) -> Iterator[Row]:
    """Yield a row for each cycle: when it is, and the seconds of each class in it."""
    for name, edges in cycles.items():
        lengths = np.diff(edges)[:, 0]
        passed = study.bouts[name].seconds_until(edges, len(study.classes))
        inside = passed[:, 1] - passed[:, 0]
        for i, (start, end) in enumerate(edges.tolist()):
            yield {
                **_head(study, name),
                'cycle': i + 1,
                'start_s': start,
                'end_s': end,
                'cycle_s': float(lengths[i]),
                'of_median': float(lengths[i] / np.median(lengths)),
                **{
                    f'seconds: {c}': float(inside[i, k])
                    for k, c in enumerate(study.classes)
                },
            }


def cycle_statistics(study: Study, cycles: Mapping[str, np.ndarray]) -> Iterator[Row]:
    """Yield a row for each recording, and one for all if there are several."""
    each = {name: np.diff(edges)[:, 0] for name, edges in cycles.items()}
    for name, lengths in each.items():
        yield {**_head(study, name), **statistics(lengths)}
    if len(each) > 1:
        head = dict.fromkeys(_head(study, next(iter(each))), '')
        every = np.concatenate([*each.values()])
        yield {**head, 'video': 'all', **statistics(every)}


def compare_cycles(study: Study, cycles: Mapping[str, np.ndarray]) -> list[Compared]:
    """Return the comparison of cycles between groups, as if they were one class."""
    lengths: dict[Member, list[np.ndarray]] = {}
    for name, edges in cycles.items():
        lengths.setdefault(study.members[name], []).append(np.diff(edges)[:, 0])
    found = {one: statistics(np.concatenate(own)) for one, own in lengths.items()}
    return study.compare(
        {
            one: {key: np.array([own[key]]) for key in _COMPARED}
            for one, own in found.items()
        }
    )


def cycle_comparison(study: Study, compared: Sequence[Compared]) -> Iterator[Row]:
    """Yield a row for each measure of :func:`compare_cycles`."""
    for measure, _, (row,) in compared:
        yield {'measure': measure, **study.cells(row)}


def statistics(lengths: np.ndarray) -> Row:
    """Return number, mean, median, SD (n - 1), coefficient of variation, and range.

    >>> found = statistics(np.array([8.0, 10, 12]))
    >>> found['mean_s'], found['sd_s'], found['cv_percent']
    (10.0, 2.0, 20.0)
    """
    values = lengths if lengths.size else np.array([np.nan])
    mean, sd = float(values.mean()), sample_sd(values)
    return {
        'cycles': lengths.size,
        'mean_s': mean,
        'median_s': float(np.median(values)),
        'sd_s': sd,
        'cv_percent': 100 * sd / mean,
        'shortest_s': float(values.min()),
        'longest_s': float(values.max()),
    }


def _head(study: Study, name: str) -> Row:
    group = study.members[name].group
    return {'video': name, 'group': group} if group else {'video': name}
