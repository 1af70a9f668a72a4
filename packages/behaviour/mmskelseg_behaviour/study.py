"""Individuals with their recordings, in groups, and the tables of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from math import ceil, inf
from operator import add
from typing import NamedTuple, TypeAlias

import numpy as np

from mmskelseg_behaviour.functional.group_comparison import (
    GroupComparison,
    compare_groups,
)
from mmskelseg_behaviour.functional.transitions import against_chance
from mmskelseg_behaviour.groups import Member
from mmskelseg_behaviour.verdicts import ModelReport
from mmskelseg_io.labels.bouts import bout_rows
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.bouts import MEASURES, Bouts, BoutStatistics
from mmskelseg_runtime.drawing.palette import PALETTE

# The most cells of a table: a million rows, the most of a spreadsheet, of 32 columns.
_MOST_CELLS = 1 << 25
Row: TypeAlias = dict[str, object]


class StudyPart(NamedTuple):
    """The columns of a part of recordings, and the statistics of individuals in it."""

    times: Row
    statistics: Mapping[Member, BoutStatistics]


class Compared(NamedTuple):
    """A measure: its values of each group, (n, K), and the comparison of each class."""

    measure: str
    values: Mapping[str, np.ndarray]
    classes: Sequence[GroupComparison]


class Transitions(NamedTuple):
    """How often classes of a tier follow each other in a group.

    ``ids`` are those of the K classes that take part; numbers, expected numbers and
    residuals are (K, K); see
    :func:`~mmskelseg_behaviour.functional.transitions.against_chance`.
    """

    group: str
    ids: np.ndarray
    number: np.ndarray
    expected: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True)
class Study:
    """Recordings of individuals, which may be in groups.

    Args:
        bouts: The bouts of each recording, by its name.
        members: The individual of each recording.
        classes: Names of the K classes of all tiers.
        paired: Whether individuals of two groups are compared in pairs.
        colors: Those of the classes in pictures.
    """

    bouts: Mapping[str, Bouts]
    members: Mapping[str, Member]
    classes: Sequence[str]
    paired: bool = False
    colors: Sequence[str] = PALETTE

    @cached_property
    def individuals(self) -> dict[Member, list[Bouts]]:
        """The recordings of each individual, in the order of the members."""
        found: dict[Member, list[Bouts]] = {}
        for name, member in self.members.items():
            found.setdefault(member, []).append(self.bouts[name])
        return found

    @cached_property
    def groups(self) -> list[str]:
        """The names of the groups; only '' if there are none."""
        return list(dict.fromkeys(one.group for one in self.individuals))

    def notes(self) -> list[str]:
        """Return who is left out of comparisons, since a partner is missing."""
        if not self.paired:
            return []
        found = Counter(one.pair for one in self.individuals)
        alone = [name for name, count in found.items() if count < 2]
        return [f'{listed(alone)}: in one group alone, so not compared.'] * bool(alone)

    def head(self, member: Member) -> Row:
        """Return the first columns of the rows of an individual."""
        several = any(len(own) > 1 for own in self.individuals.values())
        head: Row = {'individual' if several else 'video': member.individual}
        return {**head, 'group': member.group} if member.group else head

    def part(self, begin: float = 0, end: float = inf) -> StudyPart:
        """Return a part between two times, without individuals whose recordings end."""
        found = {}
        for member, recordings in self.individuals.items():
            there = [one for one in recordings if one.duration > begin or not begin]
            if there:
                each = (one.statistics(len(self.classes), begin, end) for one in there)
                found[member] = reduce(add, each)
        return StudyPart({} if np.isinf(end) else {'from_s': begin, 'to_s': end}, found)

    def parts(self, seconds: float) -> list[StudyPart]:
        """Return the successive parts of a length.

        Raises:
            UserError: If a table of them has more cells than a spreadsheet shows.
        """
        longest = max(one.duration for one in self.bouts.values())
        count = max(ceil((longest - 1e-6) / seconds), 1)
        # Each class has a row in each part of each individual, and a column.
        rows = count * len(self.individuals) * len(self.classes)
        columns = len(self.classes) + len(MEASURES)
        if rows * columns > _MOST_CELLS:
            raise UserError(
                f'--bin {seconds:g}: bouts_by_bin.csv would have {rows} rows of '
                f'{columns} columns ({count} parts of {len(self.individuals)} '
                f'recordings, {len(self.classes)} classes), which no spreadsheet '
                'holds; choose a longer --bin, and check that the labels are in '
                'seconds.'
            )
        # As decimal times are read, so that a bout at an edge is in the later part.
        edges = [round(i * seconds, 6) for i in range(count + 1)]
        return [self.part(*ends) for ends in pairwise(edges)]

    def bout_table(self, parts: Sequence[StudyPart]) -> Iterator[Row]:
        """Yield a row for each class of each individual in each part."""
        for member in self.individuals:
            for part in parts:
                if member in part.statistics:
                    for row in bout_rows(part.statistics[member], self.classes):
                        yield {**self.head(member), **part.times, **row}

    def transitions(self) -> Iterator[Transitions]:
        """Yield the transitions in each tier and group that has some."""
        tiers = next(iter(self.bouts.values())).tiers
        statistics = self.part().statistics
        for group in self.groups:
            own = [s for one, s in statistics.items() if one.group == group]
            every = reduce(add, own).budget.transitions
            for tier in tiers:
                number = every[tier, tier]
                there = np.flatnonzero(number.sum(0) + number.sum(1))
                number = number[np.ix_(there, there)]
                if number.size:
                    ids = np.arange(len(self.classes))[tier][there]
                    yield Transitions(group, ids, number, *against_chance(number))

    def transition_table(self) -> Iterator[Row]:
        """Yield a row for each pair of classes that could follow each other."""
        for one in self.transitions():
            names = [self.classes[k] for k in one.ids]
            share = 100 * one.number / np.maximum(one.number.sum(1, keepdims=True), 1)
            for i, k in zip(*np.nonzero(~np.eye(len(names), dtype=bool)), strict=True):
                yield {
                    **({'group': one.group} if one.group else {}),
                    'class': names[i],
                    'next': names[k],
                    'transitions': int(one.number[i, k]),
                    'share_percent': float(share[i, k]),
                    'expected': float(one.expected[i, k]),
                    'residual': float(one.residual[i, k]),
                }

    def compared(self, part: StudyPart) -> list[Compared]:
        """Return the comparison of each measure between groups."""
        return self.compare({o: own.measures() for o, own in part.statistics.items()})

    def compare(
        self, measured: Mapping[Member, Mapping[str, np.ndarray]]
    ) -> list[Compared]:
        """Return the comparison of measures (K,) of individuals between groups."""
        members = {
            group: [one for one in measured if one.group == group]
            for group in self.groups
        }
        if self.paired:
            pairs = [{one.pair: one for one in own} for own in members.values()]
            both = [name for name in pairs[0] if name in pairs[1]]
            of_groups = zip(members, pairs, strict=True)
            members = {group: [own[n] for n in both] for group, own in of_groups}
        found = []
        for measure, one in next(iter(measured.values())).items():
            values = {
                group: np.array([measured[o][measure] for o in own]).reshape(
                    -1, one.size
                )
                for group, own in members.items()
            }
            rows = compare_groups(values, paired=self.paired)
            found.append(Compared(measure, values, rows))
        return found

    @property
    def test(self) -> str:
        """The name of the test between groups."""
        if self.paired:
            return 'Wilcoxon signed-rank'
        return 'Mann-Whitney U' if len(self.groups) == 2 else 'Kruskal-Wallis'

    def comparison_table(
        self, parts: Iterable[StudyPart], report: ModelReport | None
    ) -> Iterator[Row]:
        """Yield a row for each class and measure in each part."""
        for part in parts:
            for compared in self.compared(part):
                pairs = zip(self.classes, compared.classes, strict=True)
                for name, row in pairs:
                    head = {'class': name, 'measure': compared.measure}
                    verdict = report.columns(name, compared.measure) if report else {}
                    yield {**part.times, **head, **self.cells(row), **verdict}

    def cells(self, row: GroupComparison) -> Row:
        """Return the columns of a comparison."""
        of_groups = {'n': row.number, 'mean': row.mean, 'sd': row.sd}
        names = ('hedges_g', 'g_low', 'g_high', 'rank_biserial')
        effects = zip(names, (*row.g, row.rank_biserial), strict=True)
        return {
            **{
                f'{what}: {group}': value
                for what, numbers in of_groups.items()
                for group, value in zip(self.groups, numbers, strict=True)
            },
            'difference': row.difference,
            **(dict(effects) if len(self.groups) == 2 else {}),
            'test': self.test,
            'statistic': row.statistic,
            'p': row.p,
            'p_holm': row.p_holm,
        }
