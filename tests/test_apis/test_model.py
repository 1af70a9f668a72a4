"""A trained model by one line."""

import numpy as np
import pytest

import mmskelseg
from mmskelseg_runtime.model import Report
from tests.errors import raises_naming
from tests.small_data import small_annotations


@pytest.fixture(scope='module')
def precog():
    return mmskelseg.load('precog')


def test_results_show_themselves(precog):
    """A person who waves its arms."""
    keypoint = small_annotations([120])['annotations'][0]['keypoint'][:1]
    found = precog.segment({'keypoint': keypoint, 'skeleton': 'coco17'}, fps=30)
    segments = found['predictions'][0]['segments']
    assert segments
    picture = np.asarray(found.plot())
    assert picture.shape[1] > 1000
    assert np.ptp(picture) > 200
    page = found._repr_html_()
    assert page.startswith('<img src="data:image/png;base64,')
    assert page.count('<tr>') == 1 + len(segments)


def test_report_is_that_of_a_fit(tmp_path, precog):
    (tmp_path / 'report.json').write_text('{"scores": {"test": {"f1@10": 90.0}}}')
    (tmp_path / 'report.html').write_text('<p class="a">Good &amp; bad</p>')
    report = Report.read(tmp_path)
    assert report['scores']['test'] == {'f1@10': 90.0}
    assert 'srcdoc="&lt;p class=&quot;a&quot;&gt;Good &amp;amp; bad' in (
        report._repr_html_()
    )
    with raises_naming(FileNotFoundError, 'report.json'):
        _ = precog.report


def test_model_that_is_missing_is_named():
    with raises_naming(ValueError, 'nothing'):
        mmskelseg.load('nothing')
