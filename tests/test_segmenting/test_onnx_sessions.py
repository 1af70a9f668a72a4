"""Graphs of strangers take no more memory and time than their inputs justify."""

from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_runtime.segmenting import onnx_sessions
from mmskelseg_runtime.segmenting.onnx_sessions import Session
from tests.errors import raises_naming
from tests.oracle import judge

ROWS = np.ones((12, 4), np.float32)


def content(nodes, weights=(), kind=TensorProto.FLOAT):
    """Return a file with an input x (n, 4), and an output y."""
    x = helper.make_tensor_value_info('x', TensorProto.FLOAT, ['n', 4])
    y = helper.make_tensor_value_info('y', kind, None)
    graph = helper.make_graph(nodes, 'g', [x], [y], weights)
    opset = [helper.make_opsetid('', 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return model.SerializeToString()


def doubled(first, times):
    """Return nodes that join a tensor with itself again and again."""
    names = [first, *(f'{first}{i}' for i in range(times))]
    return [
        helper.make_node('Concat', [old, old], [new], axis=0)
        for old, new in pairwise(names)
    ], names[-1]


def mean_of(name):
    return helper.make_node('ReduceMean', [name], ['y'])


def run(path):
    return Session(path.read_bytes(), str(path), 'cpu', 1).run(['y'], {'x': ROWS})


def test_graph_that_takes_all_memory_ends(tmp_path):
    path = tmp_path / 'model.onnx'
    nodes, last = doubled('x', 30)
    path.write_bytes(content([*nodes, mean_of(last)]))
    assert 'takes over 256.0 MiB for 12 frames' in str(judge(run, path))


def test_nothing_runs_when_a_file_is_opened(tmp_path):
    """ONNX Runtime would fold constants, with unbounded memory."""
    path = tmp_path / 'model.onnx'
    nodes, last = doubled('w', 30)
    nodes += [
        helper.make_node('ReduceMean', [last], ['m']),
        helper.make_node('Add', ['x', 'm'], ['y']),
    ]
    path.write_bytes(content(nodes, [numpy_helper.from_array(ROWS, 'w')]))
    judge(lambda file: Session(file.read_bytes(), str(file), 'cpu', 1), path)
    assert 'takes over 256.0 MiB' in str(judge(run, path))


def test_graph_that_takes_too_long_ends(monkeypatch):
    monkeypatch.setattr(onnx_sessions, '_SECONDS', 0.2)
    monkeypatch.setattr(onnx_sessions, '_SECONDS_PER_FRAME', 0.01)
    side = np.array([1500, 1500])
    nodes = [helper.make_node('ConstantOfShape', ['side'], ['m0'])]
    nodes += [
        helper.make_node('MatMul', [f'm{i}', f'm{i}'], [f'm{i + 1}'])
        for i in range(300)
    ]
    file = content([*nodes, mean_of('m300')], [numpy_helper.from_array(side, 'side')])
    session = Session(file, 'model.onnx', 'cpu', 1)
    with raises_naming(UserError, 'model.onnx: ', '0.32 s', '12 frames'):
        session.run(['y'], {'x': ROWS})


def test_long_videos_may_take_more_memory(monkeypatch):
    monkeypatch.setattr(onnx_sessions, 'most_bytes_of', lambda size: 1 << 20)
    nodes, last = doubled('x', 5)
    session = Session(content([*nodes, mean_of(last)]), 'model.onnx', 'cpu', 1)
    for frames in (12, 3000, 12, 40_000):
        (found,) = session.run(['y'], {'x': np.ones((frames, 4), np.float32)})
        assert found.ravel() == [1]


def test_sessions_keep_their_own_limits():
    nodes, last = doubled('x', 20)
    file = content([*nodes, mean_of(last)])
    small = Session(file, 'small.onnx', 'cpu', 1)
    large = Session(
        file + b'\x1a\x80\x80\x80\x08' + bytes(1 << 24), 'large.onnx', 'cpu'
    )
    assert large.run(['y'], {'x': ROWS})[0].ravel() == [1]
    with raises_naming(UserError, 'small.onnx: ', '256.0 MiB'):
        small.run(['y'], {'x': ROWS})


def test_other_format_of_onnx_runtime_is_not_recognised():
    """Its fifth to eighth bytes identify it; it is not a protobuf."""
    unknown = b'\xc2\x3e\x05?ORTM'
    file = unknown + content([helper.make_node('Relu', ['x'], ['y'])])
    session = Session(file, 'model.onnx', 'cpu', 1)
    np.testing.assert_array_equal(session.run(['y'], {'x': ROWS})[0], ROWS)


@pytest.mark.parametrize(('kind', 'number'), [
    ('string', TensorProto.STRING), ('int64', TensorProto.INT64),
    ('bool', TensorProto.BOOL), ('double', TensorProto.DOUBLE),
])  # fmt: skip
def test_output_of_another_type_is_named(kind, number):
    nodes = [helper.make_node('Cast', ['x'], ['y'], to=number)]
    with raises_naming(UserError, 'model.onnx: y ', f'tensor({kind})', 'tensor(float)'):
        Session(content(nodes, kind=number), 'model.onnx', 'cpu', 1)


class Gpu:
    """ONNX Runtime with a GPU, of which a session may still not come to run."""

    def __init__(self, monkeypatch, *, falls_back):
        self.providers = []
        opened = onnxruntime.InferenceSession

        def open_session(content, options, providers, **others):
            self.providers += providers
            if not falls_back:
                raise RuntimeError('CUDA failure 101: invalid device ordinal')
            return opened(content, options, ['CPUExecutionProvider'], **others)

        offered = ['CUDAExecutionProvider', 'CPUExecutionProvider']
        monkeypatch.setattr(onnxruntime, 'InferenceSession', open_session)
        monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: offered)


@pytest.mark.parametrize('falls_back', [True, False])
def test_gpu_that_cannot_be_used_is_named(monkeypatch, falls_back):
    """ONNX Runtime falls back to the CPU, which only suits who named no device."""
    file = content([helper.make_node('Relu', ['x'], ['y'])])
    gpu = Gpu(monkeypatch, falls_back=falls_back)
    with raises_naming(UnavailableError, 'model.onnx: ', "'cuda:7'", 'cpu'):
        Session(file, 'model.onnx', 'cuda:7')
    assert gpu.providers == [('CUDAExecutionProvider', {'device_id': '7'})]
    if falls_back:
        assert Session(file, 'model.onnx').outputs == ['y']


@pytest.mark.parametrize('device', ['cuda:first', 'cpu:1', 'tpu', ''])
def test_devices_that_are_none_are_named(monkeypatch, device):
    Gpu(monkeypatch, falls_back=True)
    with raises_naming(UnavailableError, repr(device), 'cpu or cuda'):
        Session(b'', 'model.onnx', device)
