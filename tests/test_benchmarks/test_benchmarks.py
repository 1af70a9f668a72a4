import re
import shutil
import subprocess
import sys
from argparse import Namespace

import pytest

from benchmarks import startup
from tests.small_data import ROOT, TOY


@pytest.fixture
def printed(run_tool):
    """Run a benchmark; return what it prints."""

    def run(*words):
        return run_tool('tools/analysis/benchmark.py', *words).stdout

    return run


def test_benchmark_render_prints_both_times_and_their_ratio(printed):
    shown = printed('render', '--frames', 400, '--repeats', 1)
    slow, fast = (float(x) for x in re.findall(r'([\d.]+) us a frame', shown))
    ratio = float(re.search(r'ratio +([\d.]+)', shown)[1])
    assert abs(ratio - slow / fast) < 0.01 * ratio + 0.1
    output, extra = (float(x) for x in re.findall(r'([\d.]+) MB', shown))
    assert output == 5.0
    assert extra < output


def test_benchmark_metrics_prints_both_times_and_equal_scores(printed):
    options = ('--videos', 4, '--frames', 500, '--classes', 5, '--plain-videos', 2)
    shown = printed('metrics', *options)
    assert 'random labels, 4 videos of 500 frames, 5 classes' in shown
    for name in ('accuracy, edit, F1@10/25/50', 'mAP'):
        assert re.search(rf'^{name} +[\d.]+ s +[\d.]+ s +[\d.]+$', shown, re.MULTILINE)
    segments, frames = re.search(
        r'in percent: (\S+) of .*, (\S+) of mAP', shown
    ).groups()
    assert max(float(segments), float(frames)) < 1e-9
    memory = re.findall(r'(\d) videos: input ([\d.]+) MB, extra [\d.]+', shown)
    assert [(videos, float(size)) for videos, size in memory] == [
        # Two labels of 8 bytes and 5 scores of 4 bytes a frame.
        ('2', 0.04),
        ('4', 0.07),
    ]


def test_benchmark_decode_prints_segments_and_files(printed):
    shown = printed('decode', '--frames', '900', '--classes', '3')
    assert 'segments merged into' in shown
    assert '6 files' in shown


def test_benchmark_startup_prints_imports_and_tools(monkeypatch, capsys):
    monkeypatch.setattr(startup, 'HELP', ['train.py'])
    startup.run(Namespace(repeats=1))
    shown = capsys.readouterr().out
    assert re.findall(r'^(.+?) +[\d.]+ s +[\d.]+ s$', shown, re.MULTILINE) == [
        'import torch',
        'import mmskelseg, beyond torch',
        'train.py --help',
    ]


def test_benchmark_stream_prints_times_and_memory(printed):
    config = ROOT / 'configs' / 'streaming' / 'uwiom_pose2d.py'
    options = ('--cfg-options', 'model.branches.pose2d.lookahead=3')
    shown = printed('stream', config, '--frames', 200, *options)
    assert 'streaming/uwiom_pose2d: lookahead 3 frames' in shown
    times = re.findall(r'([\d.]+) ms, 99 % below ([\d.]+) ms', shown)
    together = float(re.search(r'processor: +([\d.]+) ms a frame', shown)[1])
    assert len(times) == 2
    for median, late in times:
        assert 0 < together < float(median) <= float(late)


@pytest.mark.slow
def test_benchmark_encode_prints_rates_and_differences(printed):
    """The plain loop and each way of the encoder, with equal features in float32."""
    options = ('--arch', 'torchvision.resnet18', '--frames', 4, '--size', 64)
    shown = printed('encode', *options, '--repeats', 1)
    rates = re.findall(r'^  (.+?) +([\d.]+) frames/s', shown, re.MULTILINE)
    names = ['plain loop', 'FrameEncoder', 'render + FrameEncoder']
    assert [name for name, _ in rates][:3] == names
    apart, largest = re.search(r'difference (\S+) of (\S+)', shown).groups()
    assert float(apart) < 1e-4 * float(largest)


@pytest.mark.slow
def test_benchmark_train_prints_steps_and_gradients(printed):
    options = ('--frames', 300, '--channels', 16, '--threads', 1, '--repeats', 1)
    shown = printed('train', *options)
    plain, ours = re.findall(r' ([\d.]+) GFLOP ', shown)[:2]
    assert float(plain) > float(ours) > 0
    apart, largest = re.search(
        r'dropout: (\S+) \(largest gradient: (\S+)\)', shown
    ).groups()
    assert float(apart) < 1e-3 * float(largest)


@pytest.mark.slow
def test_benchmark_long_prints_memory_and_leaves_no_file(printed, tmp_path):
    folder = tmp_path / 'features'
    folder.mkdir()
    options = ('--compare', 35_000, '--channels', 4, '--threads', 1, '--folder', folder)
    shown = printed('long', '--frames', 40_000, *options)
    assert 'one video of 40000 frames' in shown
    assert float(re.search(r'private memory ([\d.]+) GB', shown)[1]) < 2
    assert float(re.search(r'chunks and whole: (\S+)', shown)[1]) < 1e-5
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_benchmark_epochs_prints_both_loops(printed, small_data):
    parts = ('ann_file', small_data), ('features.heatmap.encoder.grid', '[4,4]')
    shown = printed(
        *('epochs', TOY, '--epochs', 1, '--threads', 1, '--cfg-options'),
        *('model.num_classes=3', 'model.branches.heatmap.in_channels=16'),
        *(
            f'{mode}_dataloader.dataset.{key}={value}'
            for mode in ('train', 'val', 'test')
            for key, value in parts
        ),
    )
    assert '1 epochs of 2 videos, 105 frames' in shown
    times = re.findall(r'^  (.+?) +([\d.]+) s an epoch', shown, re.MULTILINE)
    assert [name for name, _ in times] == ['plain network and loop', 'Runner']
    slow, fast = (float(seconds) for _, seconds in times)
    ratio = float(re.search(r'ratio +([\d.]+)', shown)[1])
    # All three are rounded to hundredths.
    assert ratio * (fast + 0.005) > slow - 0.01
    assert (ratio - 0.005) * (fast - 0.005) < slow + 0.01


@pytest.mark.slow
def test_benchmark_epochs_of_a_recipe_is_with_and_without_augmentation(
    run_tool, printed, small_data
):
    """The ratio is of the printed times, as far as they are printed."""
    run_tool('tools/make_config.py', small_data, 'mine.py')
    shown = printed('epochs', 'mine.py', '--epochs', 1, '--threads', 1)
    assert '1 epochs of 2 videos, 105 frames' in shown
    rows = [line.split() for line in shown.splitlines()]
    (ours,) = [row for row in rows if row[:1] == ['Runner']]
    (bare,) = [row for row in rows if row[:1] == ['without']]
    (ratio,) = [float(row[1]) for row in rows if row[:1] == ['ratio']]
    lowest = (float(ours[1]) - 0.006) / (float(bare[2]) + 0.006)
    highest = (float(ours[1]) + 0.006) / max(float(bare[2]) - 0.006, 1e-3)
    assert lowest - 0.006 <= ratio <= highest + 0.006


def test_benchmark_of_an_installed_package_says_where_benchmarks_are(tmp_path):
    """A wheel has the tools, for MIM, but not what they would run."""
    folder = tmp_path / '.mim' / 'tools' / 'analysis'
    folder.mkdir(parents=True)
    tool = shutil.copy(ROOT / 'tools' / 'analysis' / 'benchmark.py', folder)
    done = subprocess.run(
        [sys.executable, tool, 'render'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        'error: benchmarks are not installed with the package; run them in a clone of '
        'the repository.\n'
    )


@pytest.mark.slow
def test_benchmark_export_prints_a_row_for_each_measurement(printed):
    """Of a causal model, a push as well; all times are above 0."""
    config = ROOT / 'configs' / 'streaming' / 'uwiom_pose2d.py'
    small = 'model.branches.pose2d.num_prediction_layers=3'
    options = ('--repeats', 1, '--cfg-options', small, 'model.members=1')
    shown = printed('export', config, '--frames', 50, *options)
    rows = re.findall(r'^\| streaming/uwiom_pose2d \| (.*)$', shown, re.M)
    assert [row.partition('|')[0].strip() for row in rows] == [
        'whole video',
        'one frame',
        'push of one frame',
    ]
    times = re.findall(r'([\d.e-]+) (?:ms|s)\b', ' '.join(rows))
    assert len(times) == 6
    assert all(float(time) > 0 for time in times)


@pytest.mark.slow
def test_benchmark_precision_prints_scores_of_each(
    printed, small_config, checkpoint, small_data
):
    """Of weights that take more of the file than the graph does."""
    small_config.model.branches.heatmap.update(
        channels=128, num_prediction_layers=3, num_refinement_layers=3
    )
    file = checkpoint(small_config)
    shown = printed('precision', file, small_data)
    rows = {
        line.split('|')[1].strip(): [cell.strip() for cell in line.split('|')[2:-1]]
        for line in shown.splitlines()
        if line.startswith('| ')
    }
    # Random weights rank many frames almost alike, so rounding decides some of mAP.
    torch_scores, onnx_scores = (rows[name][:5] for name in ('PyTorch', 'float32'))
    maps = [float(scores.pop(3)) for scores in (torch_scores, onnx_scores)]
    assert torch_scores == onnx_scores
    assert maps[0] == pytest.approx(maps[1], abs=0.5)
    assert rows['float32'][5] == '100.000%'
    assert float(rows['float32'][6]) < 1e-5 < float(rows['float16'][6])
    sizes = [float(rows[name][7].split()[0]) for name in ('float32', 'float16')]
    assert sizes[0] > sizes[1]
