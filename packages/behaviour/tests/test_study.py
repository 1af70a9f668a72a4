"""Tables of a study, as pandas has them."""

import numpy as np
import pandas as pd
import pytest

from mmskelseg_behaviour.cycles import cycle_statistics, find_cycles
from mmskelseg_behaviour.groups import Member
from mmskelseg_behaviour.study import Study
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.segments import segment_table

CLASSES = ['walk', 'groom', 'rear']


@pytest.fixture
def study(rng):
    """Six recordings of three animals, each in two groups; some time has no label."""
    bouts, members = {}, {}
    for i in range(6):
        label = np.repeat(rng.integers(-1, 3, 40), rng.integers(1, 60, 40))
        start, end, ids = segment_table(label).T
        bouts[f'm{i}'] = Bouts(start / 25, end / 25, ids, label.size / 25)
        members[f'm{i}'] = Member('ab'[i % 2], f'mouse{i // 2}', f'mouse{i // 2}')
    return Study(bouts, members, CLASSES, paired=True)


def frame(study):
    """Return all bouts as a table."""
    return pd.concat(
        pd.DataFrame(
            {
                'individual': study.members[name].individual,
                'group': study.members[name].group,
                'class': [CLASSES[k] for k in one.label],
                'seconds': one.end - one.start,
            }
        )
        for name, one in study.bouts.items()
    )


def test_bouts_are_those_of_pandas(study):
    rows = pd.DataFrame(study.bout_table([study.part()]))
    keys = ['video', 'group', 'class']
    found = rows.set_index(keys).sort_index()
    each = frame(study).rename(columns={'individual': 'video'}).groupby(keys)['seconds']
    for column, values in {
        'bouts': each.size(), 'total_s': each.sum(), 'mean_s': each.mean(),
        'median_s': each.median(), 'sd_s': each.std(),
    }.items():  # fmt: skip
        np.testing.assert_allclose(found[column], values.sort_index(), rtol=1e-12)


def test_groups_are_those_of_pandas(study):
    rows = pd.DataFrame(study.comparison_table([study.part()], None))
    totals = frame(study).groupby(['class', 'group', 'individual'])['seconds'].sum()
    found = rows[rows['measure'] == 'total_s'].set_index('class')
    for name in CLASSES:
        for group in 'ab':
            values = totals[name, group]
            assert found.at[name, f'mean: {group}'] == pytest.approx(values.mean())
            assert found.at[name, f'sd: {group}'] == pytest.approx(values.std())


def test_transitions_are_those_of_pandas(study):
    found = pd.DataFrame(study.transition_table())
    pairs = [
        (study.members[name].group, CLASSES[a], CLASSES[b])
        for name, one in study.bouts.items()
        for a, b, end, start in zip(
            one.label, one.label[1:], one.end, one.start[1:], strict=False
        )
        if end == start
    ]
    expected = pd.Series(pairs).value_counts()
    for row in found.itertuples():
        key = (row.group, row[2], row.next)
        assert row.transitions == expected.get(key, 0)
    assert found['transitions'].sum() == len(pairs)
    shares = found.groupby(['group', 'class'])['share_percent'].sum()
    np.testing.assert_allclose(shares, 100)


def test_cycles_are_those_of_pandas(study):
    cycles = find_cycles(study, ['walk'])
    found = pd.DataFrame(cycle_statistics(study, cycles)).set_index('video')
    starts = {n: pd.Series(b.start[b.label == 0]) for n, b in study.bouts.items()}
    each = {name: one.diff().dropna() for name, one in starts.items()}
    for name, one in {**each, 'all': pd.concat(each.values())}.items():
        expected = [one.count(), one.mean(), one.median(), one.std()]
        columns = ['cycles', 'mean_s', 'median_s', 'sd_s']
        np.testing.assert_allclose(found.loc[name, columns].astype(float), expected)
