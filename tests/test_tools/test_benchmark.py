import re


def test_benchmark_render_prints_both_times_and_their_ratio(run_tool):
    """The ratio is that of the two times, and memory stays below the output."""
    done = run_tool(
        'tools/analysis/benchmark.py', 'render', '--frames', 1000, '--repeats', 1
    )
    slow, fast = (float(x) for x in re.findall(r'([\d.]+) us a frame', done.stdout))
    ratio = float(re.search(r'ratio +([\d.]+)', done.stdout)[1])
    assert abs(ratio - slow / fast) < 0.01 * ratio + 0.1
    output, extra = (float(x) for x in re.findall(r'([\d.]+) MB', done.stdout))
    assert output == 12.5
    assert extra < output


def test_benchmark_metrics_prints_both_times_and_equal_scores(run_tool):
    """Plain code and scikit-learn stand beside ours, and give the same scores."""
    done = run_tool(
        *('tools/analysis/benchmark.py', 'metrics', '--videos', 4, '--frames', 500),
        *('--classes', 5, '--plain-videos', 2),
    )
    assert 'random labels, 4 videos of 500 frames, 5 classes' in done.stdout
    for name in ('accuracy, edit, F1@10/25/50', 'mAP'):
        assert re.search(
            rf'^{name} +[\d.]+ s +[\d.]+ s +[\d.]+$', done.stdout, re.MULTILINE
        )
    segments, frames = re.search(
        r'in percent: (\S+) of .*, (\S+) of mAP', done.stdout
    ).groups()
    assert max(float(segments), float(frames)) < 1e-9
    memory = re.findall(r'(\d) videos: input ([\d.]+) MB, extra [\d.]+', done.stdout)
    assert [(videos, float(size)) for videos, size in memory] == [
        # Two labels of 8 bytes and 5 scores of 4 bytes a frame.
        ('2', 0.04),
        ('4', 0.07),
    ]


def test_benchmark_startup_prints_imports_and_tools(run_tool):
    """A line for each import and tool, the first time and the median."""
    done = run_tool('tools/analysis/benchmark.py', 'startup', '--repeats', 1)
    names = re.findall(r'^(.+?) +[\d.]+ s +[\d.]+ s$', done.stdout, re.MULTILINE)
    assert names[:3] == [
        'import torch',
        'import mmskelseg, beyond torch',
        'train.py --help',
    ]
