"""An afternoon with two mice: coded bouts, a model, and two groups compared."""

import csv

import numpy as np
import pytest

from tests.tables import read_table
from tests.test_poses.trackers import deeplabcut

pytestmark = pytest.mark.slow
FPS, SECONDS, BOUT = 10, 24, 3
WHO = ('resident', 'intruder')
PARTS = ('nose', 'body', 'tail')
BODY = np.array([[12, 0], [0, 0], [-12, 0]])


def track(path, rng, every):
    """Write the joints of two mice, who run for 3 of ``every`` seconds.

    The intruder stretches and flees, and the resident follows at once, crouched.
    """
    time = np.arange(FPS * SECONDS) / FPS
    runs = time % every < BOUT
    tracks = []
    for size, lead in ((0.5, 0), (1.6, 40)):
        middle = np.cumsum(np.where(runs, 6, 0.2))[:, None] * [0.6, 0.2] + 60 + lead
        body = BODY * np.where(runs, size, 1)[:, None, None]
        points = middle[:, None] + body + rng.normal(0, 0.5, (len(time), 3, 2))
        scores = np.full((*points.shape[:2], 1), 0.97)
        tracks.append(np.concatenate([points, scores], -1).reshape(len(time), -1))
    corner = np.ones((len(time), 3))
    values = np.concatenate([*tracks, corner], -1).round(2)
    deeplabcut(path, values, parts=PARTS, people=WHO)


def coded(every):
    """Return the table of what an observer has coded in such a recording."""
    does = [*zip(('follow', 'flee'), WHO, strict=True)]
    starts = range(0, SECONDS, every)
    bouts = [(start, start + BOUT, *one) for start in starts for one in does]
    return [('start', 'end', 'label', 'individual'), *bouts]


def write_rows(path, *rows):
    with path.open('w', newline='') as file:
        csv.writer(file).writerows(rows)


def test_two_mice_are_coded_learned_and_compared(run_tool, fit, tmp_path):
    # Drugged mice run twice as often; the last recording of each group is not coded.
    groups = {f'm{i}': ('drug', 'saline')[i % 2] for i in range(8)}
    for folder in ('poses', 'labels', 'new'):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    for name, group in groups.items():
        every, is_new = 6 if group == 'drug' else 12, name in ('m6', 'm7')
        track(tmp_path / ('new' if is_new else 'poses') / f'{name}.csv', rng, every)
        if not is_new:
            write_rows(tmp_path / 'labels' / f'{name}.csv', *coded(every))

    # The tracks and the tables of bouts become recordings of either mouse.
    said = run_tool(
        *('mmskelseg', 'convert', 'keypoints', 'poses', 'data', '--labels', 'labels'),
        *('--fps', FPS, '--person', 'each', '--test', 'm5'),
        *('--unlabelled', 'background', '--background', 'other'),
    ).stdout
    assert '2 individuals: resident, intruder' in said

    # A model learns from them, and says who is held out, and who is read.
    said = fit('data/annotations.pkl', '--out', 'model', '--compare', '1').stdout
    assert 'held out' in said
    assert 'is seen with the nearest other' in said
    assert '--no-pairs' in said
    assert 'Segment: mmskelseg segment INPUT model --person each' in said
    assert (tmp_path / 'model' / 'report.html').is_file()

    # It codes the two others, which are compared together with what was coded by hand.
    run_tool(
        *('mmskelseg', 'segment', 'new', 'model', '--fps', FPS, '--person', 'each'),
        *('--out', 'out', '--formats', 'json', 'csv', 'boris'),
    )
    rows = [(f'{name}_{who}', group) for name, group in groups.items() for who in WHO]
    write_rows(tmp_path / 'groups.csv', ('video', 'group'), *rows)
    run_tool(
        *('mmskelseg', 'bouts', 'data/annotations.pkl', 'out', '--out', 'bouts'),
        *('--groups', 'groups.csv', '--model', 'model'),
    )
    bouts = {
        (r['video'], r['class']): r for r in read_table(tmp_path / 'bouts/bouts.csv')
    }
    assert bouts.keys() == {
        (n, c) for n, _ in rows for c in ('flee', 'follow', 'other')
    }
    for name in ('m0', 'm1', 'm4', 'm5'):
        number = 4 if groups[name] == 'drug' else 2
        follows, flees = (bouts[f'{name}_{who}', 'follow'] for who in WHO)
        assert (follows['bouts'], flees['bouts']) == (str(number), '0')
        assert float(follows['total_s']) == number * BOUT
    compared = read_table(tmp_path / 'bouts/comparison.csv')
    follow = next(
        r for r in compared if (r['class'], r['measure']) == ('follow', 'bouts')
    )
    assert (follow['n: drug'], follow['n: saline']) == ('8', '8')
    assert (tmp_path / 'bouts' / 'comparison_follow.png').is_file()
