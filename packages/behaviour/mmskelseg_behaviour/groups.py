"""Who recordings show: individuals, groups and pairs, as a table states them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from mmskelseg_io.files.parsing import FilePath, read_dicts
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, reads_file, shown


class Member(NamedTuple):
    """Who a recording shows: group, individual, and with whom it makes a pair."""

    group: str
    individual: str
    pair: str = ''


@reads_file
def read_groups(
    path: FilePath, recordings: Collection[str], pairs: str | None = None
) -> dict[str, Member]:
    """Return who each recording shows.

    The table has the columns ``video`` and ``group``, and optionally ``individual``, by
    default the recording itself. Each of the recordings must have a row.

    Args:
        path: The table.
        recordings: Their names.
        pairs: The column that is equal for both individuals of a pair, which are of two
            groups. It may be ``individual`` itself, who then is in both.

    Raises:
        UserError: If rows are missing or faulty, or there is only one group.
    """
    pairs = pairs and pairs.lower()
    found: dict[str, Member] = {}
    places: dict[str, str] = {}
    for place, row in read_dicts(path, 'video', 'group', *([pairs] if pairs else [])):
        name = row['video']
        name = name if name in recordings else Path(name).stem
        if name not in recordings or name in found:
            others = f'not among the recordings {shown(sorted(recordings), 120)}'
            fault = 'named twice' if name in found else others
            raise UserError(
                f'{place}: video {shown(row["video"])} is {fault}; correct the name or '
                'delete the row.'
            )
        for column in filter(None, ('group', pairs)):
            if not row[column]:
                raise UserError(f'{place}: the {column} of {name!r} is empty; name it.')
        pair = row[pairs] if pairs else ''
        found[name] = Member(row['group'], row.get('individual') or name, pair)
        places[name] = place
    missing = sorted(set(recordings) - found.keys())
    if missing:
        raise UserError(
            f'{path}: lacks a row for {shown(missing[0])}, the first of {len(missing)} '
            'recordings without a group; add their rows, or instead of a folder name '
            'only the files of the recordings that have one.'
        )
    if pairs != 'individual':
        _check_individuals(found, places)
    if pairs:
        _check_pairs(found, places, path, pairs)
    groups = list(dict.fromkeys(one.group for one in found.values()))
    if len(groups) == 1:
        raise UserError(
            f'{path}: all are in the group {groups[0]!r}; give at least two groups.'
        )
    return found


def _check_individuals(
    members: Mapping[str, Member], places: Mapping[str, str]
) -> None:
    """Raise a UserError if somebody is in two groups."""
    known: dict[str, str] = {}
    for name, one in members.items():
        other = known.setdefault(one.individual, one.group)
        if other != one.group:
            raise UserError(
                f'{places[name]}: {one.individual!r} is in the groups {other!r} and '
                f'{one.group!r}; the tests need groups of different individuals, or '
                'pairs of one (--paired individual).'
            )


def _check_pairs(
    members: Mapping[str, Member], places: Mapping[str, str], path: FilePath, pairs: str
) -> None:
    """Raise a UserError unless pairs are of two groups, with one of each."""
    groups = list(dict.fromkeys(one.group for one in members.values()))
    if len(groups) > 2:
        raise UserError(
            f'{path}: pairs are of two groups, but there are {listed(groups)}; leave '
            'the rows and recordings of the others out.'
        )
    each = [{one.pair for one in members.values() if one.group == g} for g in groups]
    if len(each) == 2 and each[0].isdisjoint(each[1]):
        raise UserError(
            f'{path}: no {pairs} is in both groups, {listed(groups)}, so there is no '
            f'pair; correct the column {pairs!r}, or name another one by --paired.'
        )
    known: dict[tuple[str, str], str] = {}
    for name, one in members.items():
        other = known.setdefault((one.group, one.pair), one.individual)
        if other != one.individual:
            raise UserError(
                f'{places[name]}: in the group {one.group!r}, the {pairs} {one.pair!r} '
                f'has {other!r} and {one.individual!r}, but a pair has one of each '
                'group; name another column by --paired, or give both the same '
                'individual.'
            )
