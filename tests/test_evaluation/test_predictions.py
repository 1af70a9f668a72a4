import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults

from mmskelseg.evaluation.predictions import load_samples
from mmskelseg_io.files.pickled_values import UnsafePickleError
from mmskelseg_io.messages.errors import UserError, shown
from tests.errors import raises_naming
from tests.oracle import Call


def test_predictions_are_those_that_mmengine_dumps(tmp_path):
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
    read = load_samples(path)
    assert list(read) == ['a', 'b/c']
    for name, row in labels.items():
        assert torch.equal(read[name]['pred_label'], row)


def test_predictions_run_no_code_from_the_file(tmp_path):
    """Neither the pickle nor one that a tensor's storage hides is trusted."""
    path, trace = tmp_path / 'dump.pkl', tmp_path / 'trace'
    evil = pickle.dumps(Call(os.mkdir, str(trace)))
    path.write_bytes(evil)
    with raises_naming(UnsafePickleError, path, '`os.mkdir`'):
        load_samples(path)
    path.write_bytes(pickle.dumps([Call(torch.storage._load_from_bytes, evil)]))
    with raises_naming(UnsafePickleError, path):
        load_samples(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ({'annotations': []}, ' dict | frame_dir | pred_label'),
        ([], ' list | pred_label'),
        ([{'frame_dir': 'a'}], ' dict | pred_label'),
        (
            [{'frame_dir': 'a', 'pred_label': [0, [1, [2]]]}],
            "pred_label | 'a' | [0, [1, [2]]]",
        ),
    ],
)
def test_predictions_name_a_file_of_something_else(tmp_path, content, named):
    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps(content))
    with raises_naming(ValueError, path, named, 'mmskelseg test'):
        load_samples(path)


def test_what_torch_refuses_in_predictions_is_an_error_of_the_file(tmp_path):
    """A parameter of whole numbers, which has no gradient."""

    numbers = torch.ones(2, dtype=torch.int64)
    parameter = Call(torch._utils._rebuild_parameter, numbers, True, {})
    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps(parameter))
    with raises_naming(UserError, path):
        load_samples(path)


SAMPLE = {'frame_dir': 'a', 'pred_label': np.zeros(2, int)}


@pytest.mark.parametrize(
    ('samples', 'named'),
    [
        *(
            ([{**SAMPLE, 'classes': classes}], f'classes | {shown(classes)}')
            for classes in (torch.ones(2), np.ones(2), 'ab', ['a', 1])
        ),
        ([SAMPLE, SAMPLE], "'a'"),
    ],
)
def test_predictions_that_cannot_be_are_named(tmp_path, samples, named):
    """Classes have names, and a video stands once."""
    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps(samples))
    with raises_naming(UserError, path, named):
        load_samples(path)
