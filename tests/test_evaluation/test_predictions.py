import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults

from mmskelseg.evaluation.predictions import load_predictions
from mmskelseg.runtime.files.pickled_values import UnsafePickleError
from mmskelseg.runtime.messages.errors import UserError


class Evil:
    """Writes a file when it is read by pickle itself."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_predictions_are_those_that_mmengine_dumps(tmp_path):
    """Labels come back by video, whatever else the samples hold."""
    path = tmp_path / 'dump.pkl'
    labels = {'a': torch.tensor([0, 2, 2]), 'b/c': torch.tensor([1])}
    metric = DumpResults(str(path))
    metric.process(
        None,
        [
            {
                'frame_dir': name,
                'pred_label': row,
                'pred_score': torch.rand(3, len(row)),
            }
            for name, row in labels.items()
        ],
    )
    metric.compute_metrics(metric.results)
    read = load_predictions(path)
    assert list(read) == ['a', 'b/c']
    for name, row in labels.items():
        np.testing.assert_array_equal(read[name], row.numpy())


def test_predictions_run_no_code_from_the_file(tmp_path):
    """Neither the pickle nor one that a tensor's storage hides is trusted."""
    path, trace = tmp_path / 'dump.pkl', tmp_path / 'trace'
    path.write_bytes(pickle.dumps([Evil(trace)]))
    with pytest.raises(UnsafePickleError, match=r'would run `os\.mkdir`'):
        load_predictions(path)

    class Hidden:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (pickle.dumps(Evil(trace)),)

    path.write_bytes(pickle.dumps([Hidden()]))
    with pytest.raises(UnsafePickleError, match=r'dump\.pkl: refused'):
        load_predictions(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ('content', 'match'),
    [
        ({'annotations': []}, 'holds dict without frame_dir and pred_label'),
        ([], 'holds list without'),
        ([{'frame_dir': 'a'}], 'holds dict without'),
        (
            [{'frame_dir': 'a', 'pred_label': [0, [1, [2]]]}],
            r"pred_label of video 'a' is \[0, \[1, \[2\]\]\], expected an array",
        ),
    ],
)
def test_predictions_name_a_file_of_something_else(tmp_path, content, match):
    """The message says which command makes the file."""
    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=rf'{match}.*mmskelseg test'):
        load_predictions(path)


def test_what_torch_refuses_in_predictions_is_an_error_of_the_file(tmp_path):
    """A parameter of whole numbers, which has no gradient."""

    class Parameter:
        def __reduce__(self):
            numbers = torch.ones(2, dtype=torch.int64)
            return torch._utils._rebuild_parameter, (numbers, True, {})

    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps(Parameter()))
    with pytest.raises(UserError, match=r'dump\.pkl'):
        load_predictions(path)


@pytest.mark.parametrize('classes', [torch.ones(2), np.ones(2), 'ab', ['a', 1]])
def test_classes_in_predictions_are_names(tmp_path, classes):
    path = tmp_path / 'dump.pkl'
    sample = {'frame_dir': 'a', 'pred_label': np.zeros(2, int), 'classes': classes}
    path.write_bytes(pickle.dumps([sample]))
    with pytest.raises(UserError, match=r'dump\.pkl: classes is'):
        load_predictions(path)


def test_video_twice_in_predictions_is_named(tmp_path):
    path = tmp_path / 'dump.pkl'
    sample = {'frame_dir': 'a', 'pred_label': np.zeros(2, int)}
    path.write_bytes(pickle.dumps([sample, sample]))
    with pytest.raises(UserError, match=r"dump\.pkl: has video 'a' twice"):
        load_predictions(path)
