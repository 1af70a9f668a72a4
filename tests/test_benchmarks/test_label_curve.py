"""The study of scores against labelled minutes, on small data."""

import json

import matplotlib.image
import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg.datasets.intervals import Interval, read_intervals
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_runtime.drawing.palette import class_color
from tests.small_data import ROOT, small_annotations
from tests.test_drawing.pixels import near

TOOL = 'benchmarks/studies/label_curve.py'


def videos(*seconds, fps=10.0):
    return [
        {'frame_dir': f'v{i}', 'total_frames': round(n * fps), 'fps': fps}
        for i, n in enumerate(seconds)
    ]


def test_random_intervals_do_not_overlap(tool):
    """They fill the videos up to gaps, in an order that the generator decides."""
    both = videos(60, 45, 3)
    drawn = tool.random_intervals(both, 10, np.random.default_rng(0))
    again = tool.random_intervals(both, 10, np.random.default_rng(0))
    assert drawn == again
    assert drawn != tool.random_intervals(both, 10, np.random.default_rng(1))
    for name in ('v0', 'v1', 'v2'):
        spans = sorted((s.start, s.end) for s in drawn if s.video == name)
        frames = np.concatenate([np.arange(*span) for span in spans])
        assert len(frames) == len(set(frames))
    lengths = {s.end - s.start for s in drawn if s.video != 'v2'}
    assert lengths == {100}
    assert Interval('v2', 0, 30) in drawn


def test_more_minutes_have_the_intervals_of_fewer(tool):
    """Up to the first that does not fit."""
    intervals = [
        Interval('v0', 0, 100),
        Interval('v1', 0, 30),
        Interval('v0', 100, 200),
    ]
    both = videos(60, 3)
    assert list(tool.taken(intervals, both, 13.0)) == intervals[:2]
    assert list(tool.taken(intervals, both, 22.0)) == intervals[:2]
    assert list(tool.taken(intervals, both, 23.0)) == intervals


def test_epochs_have_a_step_for_each_batch_of_crops(tool):
    """Where labels are: two crops of the first video, and one of the second."""
    label = np.full((2, 5000), -1)
    label[0, 1000:1900], label[1, 7:9] = 0, 1
    both = [{'label': row} for row in label]
    for frames, steps in ((600, 2), (None, 1)):
        loader = {'batch_size': 2, 'dataset': {'crop_frames': frames}}
        assert tool.steps_of_epoch(both, Config({'train_dataloader': loader})) == steps


def score(method, budget, fold, seed, f1, minutes=1.0):
    metrics = {'f1@10': f1, 'edit': 1.0, 'acc': 2.0, 'mAP': 3.0}
    return {
        'method': method, 'budget': budget, 'minutes': minutes, 'fold': fold,
        'seed': seed, 'metrics': metrics, 'per_video': {f'{fold}_v': metrics},
    }  # fmt: skip


def test_summary_is_over_seeds_of_means_over_folds(tool):
    """Points of which a run is missing are left out."""
    runs = [
        score('random', 2, fold, seed, f1, minutes)
        for fold, seed, f1, minutes in (
            ('a', 0, 40, 1.8), ('b', 0, 60, 2.0), ('a', 1, 50, 1.9), ('b', 1, 70, 1.9)
        )
    ]  # fmt: skip
    runs.append(score('suggested', 4, 'a', 0, 80))
    (row,) = tool.summaries(runs)
    assert row['minutes'] == pytest.approx(1.9)
    assert row['scores']['f1@10'] == {'mean': 55.0, 'std': 5.0}
    assert '| random |    1.90 | 55.00 ± 5.00 |' in tool.markdown('mine.py', [row])


def test_suggested_begins_where_random_does(tool):
    rows = tool.summaries(
        [score(m, b, 'a', 0, f1, float(b)) for m, b, f1 in (
            ('random', 1, 10), ('random', 2, 20), ('suggested', 2, 30), ('all', 0, 90)
        )]
    )  # fmt: skip
    lines = tool.curves(rows)
    assert lines['random'] == [(1.0, 10.0, 0.0), (2.0, 20.0, 0.0)]
    assert lines['suggested'] == [(1.0, 10.0, 0.0), (2.0, 30.0, 0.0)]


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_curve_of_small_data(call_tool, tmp_path):
    """Every method trains and is tested once; a second call runs nothing again."""
    data = small_annotations((400, 300, 350, 60))
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] |= {'a/train': names[:3], 'a/test': names[3:]}
    save_annotations(data, tmp_path / 'annotations.pkl')
    call_tool('tools/make_config.py', 'annotations.pkl', 'mine.py')
    words = ['mine.py', '--minutes', 0.2, 0.4, '--stretch', 3, '--folds', 'a']
    words += ['--methods', 'suggested', 'timestamps', '--timestamp-share', 0.1]
    words += ['--steps', 3, '--work-dir', 'out']
    options = ['--cfg-options', 'model.members=1']
    done = call_tool(TOOL, *words, *options)
    out = tmp_path / 'out'
    content = json.loads((out / 'label_curve.json').read_text())
    minutes = {(r['method'], r['budget']): r['minutes'] for r in content['runs']}
    # The first minutes are by chance, and all videos have timestamps in less than them.
    assert list(minutes) == [('random', 0.2), ('suggested', 0.4), ('timestamps', 0)]
    assert minutes['timestamps', 0] == pytest.approx(105 / 60 / 10)
    few = read_intervals(out / 'random_0.2_minutes' / 'a' / 'labelled_0.json')
    more = read_intervals(out / 'suggested_0.4_minutes' / 'a' / 'labelled_0.json')
    assert more[: len(few)] == few
    assert 0.2 < sum(s.end - s.start for s in more) / 600 <= 0.4
    run = out / 'timestamps_videos' / 'a' / 'seed_0'
    logs = ''.join(file.read_text() for file in run.rglob('*.log'))
    assert 'loss_confidence' in logs
    stamps = read_intervals(out / 'timestamps_videos' / 'a' / 'labelled_0.json')
    labels = {v['frame_dir']: v['label'] for v in data['annotations']}
    segments = sum(1 + np.count_nonzero(np.diff(labels[n])) for n in names[:3])
    assert len(stamps) == segments
    assert matplotlib.image.imread(out / 'label_curve.png').ndim == 3
    assert (out / 'label_curve.md').read_text() in done.stdout
    marks = {path: path.stat().st_mtime_ns for path in out.rglob('*.pth')}
    assert call_tool(TOOL, *words, *options).stdout == done.stdout
    assert {path: path.stat().st_mtime_ns for path in out.rglob('*.pth')} == marks
    words[words.index('--steps') + 1] = 4
    done = call_tool(TOOL, *words, *options, code=1)
    assert 'a run with other settings: steps was 3 and is now 4' in done.stderr


def test_minutes_without_room_for_an_interval_are_named(call_tool, tmp_path):
    save_annotations(small_annotations((400, 300, 60)), tmp_path / 'annotations.pkl')
    call_tool('tools/make_config.py', 'annotations.pkl', 'mine.py')
    words = ['mine.py', '--minutes', 0.1, '--stretch', 20]
    done = call_tool(TOOL, *words, code=1)
    assert '--minutes 0.1 has no room for one interval of --stretch 20' in done.stderr


@pytest.mark.parametrize(
    ('title', 'data'), [('PRECOG-16', 'precog'), ('UW-IOM', 'uwiom')]
)
def test_table_of_the_study_is_that_of_the_runs(tool, title, data):
    file = ROOT / 'benchmarks' / 'studies' / f'label_curve_{data}.json'
    rows = tool.summaries(json.loads(file.read_text('utf-8'))['runs'])
    text = (ROOT / 'benchmarks' / 'studies' / 'label_curve.md').read_text('utf-8')
    table = text.partition(f'| {title} | minutes |')[2].partition('\n\n')[0]
    shown = [line.strip('| ').split(' | ') for line in table.splitlines()[2:]]
    assert shown == [
        [
            row['method'],
            f'{row["minutes"]:.2f}',
            *(tool.format_score(row['scores'][key]) for key in tool.SCORES.values()),
        ]
        for row in rows
    ]
    assert all(row['seeds'] == [0, 1, 2] for row in rows)


def test_timestamps_are_a_frame_of_each_segment(tool):
    """Unlabelled frames get none."""
    label = np.array([0, 0, 0, 2, 2, -1, 1, 1, 1, 1])
    drawn = [tool.timestamps('a', label, np.random.default_rng(s)) for s in range(20)]
    for intervals in drawn:
        assert [label[s.start] for s in intervals] == [0, 2, 1]
        assert all(s.end == s.start + 1 for s in intervals)
    assert {s[2].start for s in drawn} == {6, 7, 8, 9}


def test_curves_stand_at_their_values(tool):
    """Twice the difference is twice the distance in the picture."""
    points = {
        'a': [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0)],
        'b': [(0.0, 2.0, 0), (1.0, 2.0, 0)],
    }
    image = tool.draw_curves(points, x='minutes', y='F1', levels={'c': 4.0}, title='')
    rows = []
    for k in range(3):
        hits = near(image, class_color(k)).sum(axis=1)
        # Longer than the line in the legend.
        rows.append(np.flatnonzero(hits > image.shape[1] / 3).mean())
    assert rows[0] - rows[1] == pytest.approx(rows[1] - rows[2], abs=2)
    assert rows[0] > rows[1]
