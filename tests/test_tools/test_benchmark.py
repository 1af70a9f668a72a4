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
