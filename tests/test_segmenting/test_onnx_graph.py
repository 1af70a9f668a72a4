"""Graphs that do more than compute tensors are refused before anything reads them."""

import numpy as np
import pytest
from onnx import (
    AttributeProto,
    ModelProto,
    TensorProto,
    TrainingInfoProto,
    helper,
    numpy_helper,
)

from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.onnx_graph import check_graph
from tests.errors import raises_naming

INPUT = helper.make_tensor_value_info('x', TensorProto.FLOAT, ['n', 4])
OUTPUT = helper.make_tensor_value_info('y', TensorProto.FLOAT, None)


def model(*nodes):
    graph = helper.make_graph(
        nodes or [helper.make_node('Relu', ['x'], ['y'])], 'g', [INPUT], [OUTPUT]
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8
    )


def outside():
    """Return weights that lie in another file."""
    tensor = numpy_helper.from_array(np.ones(4, np.float32), 'w')
    tensor.ClearField('raw_data')
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key='location', value='secret')
    return tensor


def refused(content, *named):
    with raises_naming(UserError, 'model.onnx: ', *named):
        check_graph(content, 'model.onnx')


def test_plain_graph_passes():
    check_graph(model().SerializeToString(), 'model.onnx')


@pytest.mark.parametrize(('operator', 'domain'), [
    ('Loop', ''), ('If', 'ai.onnx'), ('Scan', ''), ('NonZero', ''), ('', ''),
    ('RandomNormal', ''), ('Relu', 'ai.onnx.ml'), ('Gelu', 'com.microsoft'),
    ('Relu', 'my.own'),
])  # fmt: skip
def test_operator_that_no_model_needs_is_named(operator, domain):
    proto = model(helper.make_node(operator, ['x'], ['y'], domain=domain))
    refused(proto.SerializeToString(), f"'{operator}'", domain or 'operator')


def with_function(proto):
    proto.functions.add(name='f', domain='my')


def with_sparse_weights(proto):
    proto.graph.sparse_initializer.add()


def with_training(proto):
    proto.training_info.append(TrainingInfoProto())


def with_weights_outside(proto):
    proto.graph.initializer.append(outside())


def with_constant_outside(proto):
    proto.graph.node.append(helper.make_node('Constant', [], ['w'], value=outside()))


def with_list_outside(proto):
    attribute = AttributeProto(name='values', type=AttributeProto.TENSORS)
    attribute.tensors.append(outside())
    proto.graph.node[0].attribute.append(attribute)


def with_graph_inside(proto):
    inner = helper.make_graph([], 'inner', [], [])
    proto.graph.node[0].attribute.append(helper.make_attribute('body', inner))


@pytest.mark.parametrize(('change', 'named'), [
    (with_function, 'functions'), (with_sparse_weights, 'sparse weights'),
    (with_training, 'training'), (with_weights_outside, 'another file'),
    (with_constant_outside, 'another file'), (with_list_outside, 'another file'),
    (with_graph_inside, 'graphs'),
])  # fmt: skip
def test_part_that_no_model_needs_is_named(change, named):
    proto = model()
    change(proto)
    refused(proto.SerializeToString(), named)


@pytest.mark.parametrize(('operator', 'window', 'values'), [
    ('Conv', None, 0), ('Conv', [64, 65], 4160),
    ('MaxPool', [1, 10**9], 10**9), ('ConvTranspose', [-1], 2**64 - 1),
])  # fmt: skip
def test_window_that_takes_for_ever_is_refused(operator, window, values):
    node = helper.make_node(operator, ['x', 'w'], ['y'], group=1)
    if window:
        node.attribute.append(helper.make_attribute('kernel_shape', window))
    refused(model(node).SerializeToString(), f' {values} ', operator)


def test_window_of_networks_passes():
    node = helper.make_node('Conv', ['x', 'w'], ['y'], kernel_shape=[7, 7])
    check_graph(model(node).SerializeToString(), 'model.onnx')


def test_graph_in_two_parts_is_checked_as_a_whole():
    loop = model(helper.make_node('Loop', ['x'], ['y']))
    content = model().SerializeToString() + loop.SerializeToString()
    assert len(ModelProto.FromString(content).graph.node) == 2
    refused(content, "'Loop'")


def test_domain_that_comes_twice_counts_as_the_last():
    node = helper.make_node('Gelu', ['x'], ['y']).SerializeToString()
    node += b'\x3a\x0dcom.microsoft'
    graph = b'\x0a' + bytes([len(node)]) + node
    refused(b'\x3a' + bytes([len(graph)]) + graph, "'Gelu'", 'com.microsoft')


@pytest.mark.parametrize('content', [
    b'\x3a', b'\x3a\x05a', b'\x0b', b'\x02\x00', b'\x08' + b'\xff' * 20, b'\x09abc',
    # Whose lower 32 bits are those of a graph.
    b'\xba\x80\x80\x80\x10\x00', b'\x3a\x04\x0a\x02\x22\x7f',
])  # fmt: skip
def test_damage_is_said(content):
    refused(content, 'ONNX')


def test_parts_are_counted():
    refused(b'\x08\x01' * 5_000_001, '5000000')
