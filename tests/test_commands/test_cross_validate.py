"""Cross-validation as a user runs it, on small data with two folds."""

import json
import os
import time

import pytest

from mmskelseg_behaviour.scores import score_of
from mmskelseg_io.files.annotations import save_annotations
from tests.small_data import ROOT, TOY, small_annotations
from tests.tool_server import start_python

TOOL = 'tools/cross_validate.py'


def write_folds(path, unlabelled=()):
    """Write annotations with the folds a and b, which test video_2 and video_0."""
    data = small_annotations()
    data['split'].update(
        {
            'a/train': ['video_0', 'video_1'],
            'a/test': ['video_2'],
            'b/train': ['video_1', 'video_2'],
            'b/test': ['video_0'],
        }
    )
    for video in data['annotations']:
        if video['frame_dir'] in unlabelled:
            video['label'][:] = -1
    save_annotations(data, path)


@pytest.fixture
def options(small_options):
    """The toy config on the small data, with a small model, for an epoch."""
    return [
        *small_options,
        'train_cfg.max_epochs=1',
        'default_hooks.visualization.enable=False',
    ]


def arguments(options, *flags):
    return [TOY, *flags, '--work-dir', 'out', '--cfg-options', *options]


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_cross_validate_runs_each_fold_and_seed_once(
    call_tool, tmp_path, small_data, options
):
    """The table is that of the runs; a second start adds the new runs only."""
    write_folds(small_data)
    call_tool(TOOL, *arguments(options, '--seeds', 3))
    files = [tmp_path / f'out/{fold}/seed_3/metrics.json' for fold in 'ab']
    metrics = [json.loads(file.read_text()) for file in files]
    assert [list(each['per_video']) for each in metrics] == [['video_2'], ['video_0']]
    assert [each['seed'] for each in metrics] == [3, 3]
    content = json.loads((tmp_path / 'out/cross_validation.json').read_text())
    assert content['config'] == 'skelseg/toy_joint_limb.py'
    assert content['options'] == options
    mean = sum(each['seg/acc'] for each in metrics) / 2
    for name in ('over_folds', 'over_videos', 'over_seeds'):
        assert content[name]['scores']['acc']['mean'] == pytest.approx(mean)
    assert 'ensemble' not in content

    times = [file.stat().st_mtime_ns for file in files]
    done = call_tool(TOOL, *arguments(options, '--seeds', 3, 4, '--folds', 'b'))
    assert '2 runs, 1 finished before.' in done.stdout
    assert 'b, seed 4: Acc ' in done.stdout
    assert [file.stat().st_mtime_ns for file in files] == times
    table = (tmp_path / 'out/cross_validation.md').read_text()
    assert table in done.stdout
    assert 'folds: b; seeds: 3, 4.' in table

    changed = [*options, 'model.head.loss_smooth.loss_weight=0.3']
    error = call_tool(TOOL, *arguments(changed, '--seeds', 3), code=1).stderr
    assert error.startswith('error: out/a/seed_3: contains a run with other settings: ')
    assert 'loss_weight was 0.15 and is now 0.3' in error


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_cross_validate_goes_on_where_it_was_stopped(
    call_tool, tmp_path, small_data, options
):
    """Stopped within a training, it resumes from the last checkpoint."""
    write_folds(small_data)
    options = [*options, 'train_cfg.max_epochs=12', 'train_cfg.val_interval=12']
    options.append('default_hooks.checkpoint.interval=1')
    command = [str(ROOT / TOOL), *map(str, arguments(options, '--folds', 'b'))]
    folder = tmp_path / 'out/b/seed_0'
    process, _ = start_python(command, tmp_path, os.environ)
    end = time.monotonic() + 120
    while not (folder / 'epoch_2.pth').exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.terminate()
    process.join(30)
    assert process.exitcode
    assert not (folder / 'metrics.json').exists()
    # The second start would be refused if the first training were still at work.
    call_tool(TOOL, *arguments(options, '--folds', 'b'))
    log = (folder / 'run.log').read_text()
    assert 'continued after epoch' in log
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert metrics['checkpoint'].endswith('epoch_12.pth')


@pytest.mark.slow
def test_cross_validate_reports_a_run_that_fails_and_goes_on(
    run_tool, tmp_path, small_data, options
):
    """As jobs of submitit; the test videos of one fold have no labels."""
    pytest.importorskip('submitit', reason='submitit is not installed')
    write_folds(small_data, unlabelled=['video_0'])
    flags = ('--executor', 'local', '--executor-options', 'timeout_min=5')
    done = run_tool(TOOL, *arguments(options, *flags), code=1)
    failed = next(line for line in done.stdout.splitlines() if 'FAILED' in line)
    assert 'b, seed 0: FAILED: ' in failed
    assert 'has a labelled frame' in failed
    assert '; see out/b/seed_0/run.log' in failed
    assert 'a, seed 0: Acc ' in done.stdout
    assert '1 of 2 runs failed, so there is no table' in done.stderr
    assert not (tmp_path / 'out/cross_validation.json').exists()


@pytest.mark.parametrize(
    ('split', 'flags', 'words'),
    [
        ({'mine': ['video_0']}, (), 'has no folds'),
        (None, ('--folds', 'c'), "no fold 'c'; choose from default, a, b."),
    ],
)
def test_cross_validate_says_which_folds_there_are(
    call_tool, small_data, options, split, flags, words
):
    write_folds(small_data)
    if split is not None:
        save_annotations({**small_annotations(), 'split': split}, small_data)
    error = call_tool(TOOL, *arguments(options, *flags), code=1).stderr
    assert error.startswith(f'error: {small_data}: ')
    assert words in error


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_cross_validate_without_folds_repeats_the_one_split(
    call_tool, tmp_path, options
):
    """Seeds are compared on `train` and `test`, as the fold `default`."""
    done = call_tool(TOOL, *arguments(options, '--seeds', 0, 1))
    assert 'default, seed 1: Acc ' in done.stdout
    metrics = json.loads((tmp_path / 'out/default/seed_1/metrics.json').read_text())
    assert list(metrics['per_video']) == ['video_2']
    assert 'folds: default; seeds: 0, 1.' in done.stdout
    # The ensemble is that of the dumps, and its own table has the same scores.
    dumps = [tmp_path / f'out/default/seed_{i}/predictions.pkl' for i in (0, 1)]
    call_tool('tools/ensemble.py', *dumps, '--work-dir', 'both')
    both = json.loads((tmp_path / 'both/metrics.json').read_text())
    content = json.loads((tmp_path / 'out/cross_validation.json').read_text())
    (run,) = content['ensemble']['runs']
    assert run['per_video'] == both['per_video']
    for name, value in run['metrics'].items():
        assert value == pytest.approx(both[f'seg/{name}'])
        score = content['ensemble']['over_folds']['scores'][name]
        assert score == {'mean': value, 'std': None}
        row = f'| {score_of(name).title}, ensemble of 2 seeds | {value:.2f} | '
        assert row in done.stdout
    # A folder of an earlier version has a table without it.
    dumps[1].unlink()
    done = call_tool(TOOL, *arguments(options, '--seeds', 0, 1))
    assert (
        'There is no ensemble of the seeds: out/default/seed_1/predictions.pkl: there '
        'is no such file'
    ) in done.stdout
    assert '2 seeds |' not in done.stdout
    content = json.loads((tmp_path / 'out/cross_validation.json').read_text())
    assert 'ensemble' not in content


def test_cross_validate_names_a_wrong_executor_option(call_tool, small_data, options):
    """submitit's own message, as one sentence."""
    pytest.importorskip('submitit', reason='submitit is not installed')
    write_folds(small_data)
    flags = ('--executor', 'local', '--executor-options', 'no_such=1')
    error = call_tool(TOOL, *arguments(options, *flags), code=1).stderr
    assert error.startswith('error: --executor local: ')
    assert 'no_such' in error
