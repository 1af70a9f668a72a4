import pytest

from mmskelseg_behaviour.functional.report import format_summary, summarize_runs
from tests.errors import raises_naming


def run(acc, mean_ap, **videos):
    return {
        'metrics': {'acc': acc, 'mAP': mean_ap},
        'per_video': {name: {'acc': value} for name, value in videos.items()},
    }


# Fold a tests two videos, fold b one.
RUNS = {
    ('a', 0): run(70.0, 60.0, x=60.0, y=84.0),
    ('a', 7): run(80.0, 64.0, x=70.0, y=86.0),
    ('b', 0): run(90.0, 80.0, z=90.0),
    ('b', 7): run(92.0, 84.0, z=92.0),
}


def test_summarize_runs_names_three_spreads():
    """By hand: folds 75, 91; videos 65, 85, 91; seeds 80, 86."""
    summary = summarize_runs(RUNS)
    assert (summary['folds'], summary['seeds']) == (['a', 'b'], [0, 7])
    assert summary['over_folds'] == {
        'count': 2,
        'scores': {
            'acc': {'mean': 83.0, 'std': 8.0},
            'mAP': {'mean': 72.0, 'std': 10.0},
        },
    }
    assert summary['over_seeds'] == {
        'count': 2,
        'scores': {
            'acc': {'mean': 83.0, 'std': 3.0},
            'mAP': {'mean': 72.0, 'std': 2.0},
        },
    }
    videos = summary['over_videos']
    assert (videos['count'], list(videos['scores'])) == (3, ['acc'])
    # Mean 241/3, squared differences 2116/9, 196/9 and 1024/9.
    assert videos['scores']['acc']['mean'] == pytest.approx(241 / 3)
    assert videos['scores']['acc']['std'] == pytest.approx((3336 / 27) ** 0.5)


def test_summarize_runs_counts_a_video_once_for_each_fold_that_tests_it():
    summary = summarize_runs(
        {('a', 0): run(1.0, 1.0, x=1.0), ('b', 0): run(3.0, 3.0, x=3.0)}
    )
    assert summary['over_videos'] == {
        'count': 2,
        'scores': {'acc': {'mean': 2.0, 'std': 1.0}},
    }


def test_summarize_runs_takes_scores_of_a_tier_where_there_are_any():
    """Video y has no labels in the tier `hand`, nor has any of fold b."""
    a, b = run(70.0, 60.0, x=60.0, y=80.0), run(90.0, 80.0, z=90.0)
    a['per_video']['x']['hand/acc'] = a['metrics']['hand/acc'] = 50.0
    summary = summarize_runs({('a', 0): a, ('b', 0): b})
    for part in ('over_folds', 'over_videos'):
        assert summary[part]['scores']['hand/acc'] == {'mean': 50.0, 'std': None}
    assert summary['over_seeds']['scores']['hand/acc']['mean'] == 50.0
    assert 'hand: Acc' in format_summary(summary)


def test_summarize_runs_has_no_deviation_of_one_value():
    """± 0.00 would say that seeds do not matter, when only one was run."""
    summary = summarize_runs({('a', 0): RUNS['a', 0]})
    assert summary['over_seeds']['scores']['acc'] == {'mean': 70.0, 'std': None}


def test_summarize_runs_refuses_a_missing_run():
    runs = {key: value for key, value in RUNS.items() if key != ('b', 7)}
    with raises_naming(ValueError, 'Fold b ', 'seed 7'):
        summarize_runs(runs)
    with pytest.raises(ValueError, match='no run'):
        summarize_runs({})


def test_format_summary_has_a_row_of_each_score_of_the_ensemble():
    """In each fold one ensemble, so that there is no deviation over seeds."""
    ensembles = {('a', 0): run(80.0, 70.0, x=72.0, y=88.0)}
    ensembles['b', 0] = run(96.0, 90.0, z=96.0)
    summary = summarize_runs(RUNS) | {'ensemble': summarize_runs(ensembles)}
    lines = format_summary(summary).splitlines()
    assert lines[4].startswith('| Acc | 83.00 ± 8.00 |')
    # Mean 256/3, squared differences 1600/9, 64/9 and 1024/9.
    assert lines[-2:] == [
        '| Acc, ensemble of 2 seeds | 88.00 ± 8.00 | 85.33 ± 9.98 | - |',
        '| mAP, ensemble of 2 seeds | 80.00 ± 10.00 | - | - |',
    ]


def test_format_summary_gives_the_units_of_risk():
    """Errors of a score in points are no percentages."""
    errors = {'acc': 80.0, 'mse': 4.5, 'mae': 2.0}
    runs = {(fold, 0): {'metrics': errors, 'per_video': {}} for fold in 'ab'}
    lines = format_summary(summarize_runs(runs)).splitlines()
    assert 'in percent where no unit is given' in lines[0]
    assert lines[-3].startswith('| Acc | 80.00 ± 0.00 |')
    assert lines[-2].startswith('| mse | 4.50 points² ± 0.00 points² |')
    assert lines[-1].startswith('| mae | 2.00 points ± 0.00 points |')


def test_format_summary_says_what_each_column_runs_over():
    """Every ± has a name; mAP has no value over videos."""
    lines = format_summary(summarize_runs(RUNS)).splitlines()
    assert lines[0].endswith('in percent, last epoch; folds: a, b; seeds: 0, 7.')
    title = lines[2]
    for words in ('over 2 folds', 'over 3 videos of all folds', 'over 2 seeds'):
        assert words in title
    assert lines[-2] == '| Acc | 83.00 ± 8.00 | 80.33 ± 11.12 | 83.00 ± 3.00 |'
    assert lines[-1] == '| mAP | 72.00 ± 10.00 | - | 72.00 ± 2.00 |'
