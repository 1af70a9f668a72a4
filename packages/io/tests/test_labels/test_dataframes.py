"""Segments as tables of pandas, and as Parquet."""

import sys

import numpy as np
import pandas as pd
import pytest

from mmskelseg_io.labels import Segment, VideoSegments, read_segments
from mmskelseg_io.labels.text import write_csv_segments, write_parquet
from mmskelseg_io.messages.dependencies import DependencyError

VIDEOS = [
    VideoSegments('a', [Segment(0, 1.5, 'walk', 0.25), Segment(1.5, 4, 'sit')]),
    VideoSegments('b', [Segment(0.5, 2, 'sit', 1, individual='ann', tier='posture')]),
]


@pytest.fixture
def path(tmp_path):
    write_csv_segments(tmp_path / 'lab.csv', VIDEOS)
    return tmp_path / 'lab.csv'


def test_dataframe_is_the_table_of_segments(path):
    found = read_segments(path, subject='each').to_dataframe()
    expected = pd.read_csv(path, keep_default_na=False)
    expected['score'] = pd.to_numeric(expected['score'])
    pd.testing.assert_frame_equal(found[[*expected]], expected, check_dtype=False)
    assert found['score'].tolist()[::2] == [0.25, 1]
    assert np.isnan(found['score'][1])


def test_without_pandas_the_message_names_it(path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(DependencyError, match='pandas'):
        read_segments(path, subject='each').to_dataframe()


def test_parquet_has_the_table_of_segments(tmp_path):
    """In which no score is no value, rather than NaN."""
    pytest.importorskip('pyarrow')
    parquet = pytest.importorskip('pyarrow.parquet')
    write_parquet(tmp_path / 'lab.parquet', VIDEOS)
    found = parquet.read_table(tmp_path / 'lab.parquet').to_pydict()
    assert found == {
        'video': ['a', 'a', 'b'],
        'individual': ['', '', 'ann'],
        'tier': ['', '', 'posture'],
        'start': [0, 1.5, 0.5],
        'end': [1.5, 4, 2],
        'label': ['walk', 'sit', 'sit'],
        'score': [0.25, None, 1],
    }


def test_without_pyarrow_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(DependencyError, match='pyarrow'):
        write_parquet(tmp_path / 'lab.parquet', VIDEOS)
    assert not [*tmp_path.iterdir()]
