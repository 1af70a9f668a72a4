"""The table of scores, and what is shown of a score that is added to it."""

import json

import numpy as np
import pytest

from mmskelseg.evaluation import SegmentationMetric
from mmskelseg_behaviour.functional.report import (
    format_report,
    format_summary,
    summarize_runs,
)
from mmskelseg_behaviour.scores import SCORES, score_texts
from tests.small_data import ROOT
from tests.test_docs import python_block


@pytest.fixture
def segments(monkeypatch):
    """The score that docs/extending.md adds."""
    for key in list(SCORES):
        # Restores the table afterwards.
        monkeypatch.setitem(SCORES, key, SCORES[key])
    monkeypatch.setitem(SCORES, 'segments', None)
    exec(python_block('extending.md', 'register_score'), {})
    return SCORES['segments']


def reported(*labels):
    """Return the report on predictions of two videos, [0, 0, 1, 1] in truth."""
    metric = SegmentationMetric(2)
    metric.dataset_meta = {'classes': ['sit', 'stand']}
    true = np.array([0, 0, 1, 1])
    for name, pred in zip('ab', labels, strict=True):
        sample = {'frame_dir': name, 'pred_label': np.array(pred), 'gt_label': true}
        metric.process(None, [{**sample, 'pred_score': np.eye(2)[pred].T}])
    metric.compute_metrics(metric.results)
    return metric.report


@pytest.mark.usefixtures('segments')
def test_added_score_is_in_the_report_of_a_test():
    """Two and four segments, where there are two: 1 and 2, 1.5 ± 0.5 on average."""
    report = reported([0, 0, 1, 1], [0, 1, 0, 1])
    assert report['metrics']['segments'] == 1.5
    assert report['per_video']['b']['segments'] == 2.0
    text = format_report(report)
    assert 'in percent where no unit is given' in text
    lines = [line.split() for line in text.splitlines()]
    assert ['Segments', '1.50', 'x', '±', '0.50', 'x'] in lines
    assert 'Segments 1.5 x' in score_texts(report['metrics'])


@pytest.mark.usefixtures('segments')
def test_added_score_is_compared_by_its_direction(call_tool, tmp_path):
    """The config with fewer segments is the better one."""
    folders = []
    for name, second in (('many', [0, 1, 0, 1]), ('few', [0, 0, 0, 1])):
        report = reported([0, 0, 1, 1], second)
        summary = summarize_runs({('x', 0): report})
        assert '| Segments | ' in format_summary(summary)
        runs = [{'fold': 'x', 'seed': 0, **report}]
        folders.append(tmp_path / f'{name}.json')
        content = {'config': f'{name}.py', **summary, 'runs': runs}
        folders[-1].write_text(json.dumps(content))
    tool = 'tools/analysis/compare.py'
    head, _, best, other = call_tool(
        tool, *folders, '--score', 'segments'
    ).stdout.splitlines()[:4]
    assert 'difference in Segments' in head
    assert best.startswith('| few')
    assert '1.00 x' in best
    assert '1.50 x' in other


@pytest.mark.usefixtures('segments')
def test_older_results_are_compared_by_the_scores_that_they_have(call_tool):
    files = sorted((ROOT / 'benchmarks/studies/methods_uwiom').glob('*.json'))[:2]
    tool = 'tools/analysis/compare.py'
    assert 'Segments' not in call_tool(tool, *files).stdout
    failed = call_tool(tool, *files, '--score', 'segments', code=1).stderr
    assert str(files[0]) in failed
    assert 'lacks segments' in failed


@pytest.mark.parametrize('key', SCORES)
def test_documents_explain_each_score(key):
    """In the table of scores."""
    rows = (ROOT / 'docs/concepts.md').read_text('utf-8').splitlines()
    named = key.partition('@')[2] or key
    (row,) = (r for r in rows if r.startswith('| `') and f'{named}`' in r.split('|')[1])
    assert row.split('|')[2].strip()
