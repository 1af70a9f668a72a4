"""Files that are no exported models, or lie: each ends with one sentence."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_runtime import OnnxSegmenter, OnnxStream
from mmskelseg_runtime.segmenting.model_files import FORMAT, KEY
from tests.errors import raises_naming


@pytest.fixture
def changed(recipe, tmp_path):
    """Write the exported recipe with other metadata; return the file."""

    def write(source=None, graph=None, **changes):
        proto = onnx.load(source or recipe[1])
        (entry,) = proto.metadata_props
        entry.value = json.dumps({**json.loads(entry.value), **changes})
        if graph is not None:
            graph(proto.graph)
        onnx.save(proto, tmp_path / 'changed.onnx')
        return tmp_path / 'changed.onnx'

    return write


def branches(images=False, **changes):
    """Return the metadata of a branch with a changed renderer."""
    render = {'type': 'SkeletonCoordinates', 'skeleton': 'lcr15', 'dims': 2}
    own = {'render': {**render, **changes}, 'dtype': 'float32', 'images': images}
    return {'pose2d': own}


def refused(file, *named):
    """Opening a file raises one sentence that names it."""
    with raises_naming(UserError, file, *named) as error:
        OnnxSegmenter(file)
    assert '\n' not in str(error.value)


def test_missing_file_is_named(tmp_path):
    with raises_naming(MissingFileError, tmp_path / 'missing.onnx'):
        OnnxSegmenter(tmp_path / 'missing.onnx')


@pytest.mark.parametrize(
    'damage',
    [
        *(lambda content, end=end: content[:end] for end in (0, 1, 5, 100, -1)),
        lambda content: content[: len(content) // 2],
        lambda content: content[:1000] + bytes(1000) + content[2000:],
        lambda content: b'\0' * 4096,
        lambda content: b'PK\x03\x04' + b'x' * 100,
        lambda content: b'classes: walk\n' * 50,
    ],
)
def test_other_and_damaged_files_are_refused(recipe, tmp_path, damage):
    file = tmp_path / 'model.onnx'
    file.write_bytes(damage(recipe[1].read_bytes()))
    refused(file, 'ONNX')


def small_model(*dims, name='features_pose2d'):
    """Return a model of one ReLU that says nothing of itself."""
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims))
    out = helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, list(dims))
    node = helper.make_node('Relu', [name], ['probabilities'])
    graph = helper.make_graph([node], 'g', [value], [out])
    opset = [helper.make_opsetid('', 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def test_model_of_others_is_refused(tmp_path):
    onnx.save(small_model('frames', 60), tmp_path / 'other.onnx')
    refused(tmp_path / 'other.onnx', '`mmskelseg export`')


def described(recipe, proto, path):
    """Write a model with the metadata of the recipe."""
    (entry,) = onnx.load(recipe[1]).metadata_props
    added = proto.metadata_props.add()
    added.key, added.value = KEY, entry.value
    onnx.save(proto, path)
    return path


def test_graph_with_other_inputs_is_refused(recipe, tmp_path):
    proto = small_model('frames', 60, name='x')
    file = described(recipe, proto, tmp_path / 'model.onnx')
    refused(file, "'pose2d'")


@pytest.mark.parametrize(
    ('width', 'named'),
    [(4, 'pose2d | [4] | [60]'), (60, 'probabilities | (5, 60) | (5, 4)')],
)
def test_graph_of_other_widths_is_refused_when_it_runs(
    width, named, recipe, tmp_path, person
):
    file = described(recipe, small_model('frames', width), tmp_path / 'model.onnx')
    with raises_naming(UserError, file, named):
        OnnxSegmenter(file)(person(5))


def replaced(graph, name, *nodes, shape=None):
    """Make an output of a graph from what it was, which is called ``hidden``."""
    for node in graph.node:
        for field in (node.output, node.input):
            for i, part in enumerate(field):
                field[i] = 'hidden' if part == name else part
    graph.node.extend(nodes)
    (old,) = (item for item in graph.output if item.name == name)
    graph.output.remove(old)
    graph.output.append(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape or ['any', 4])
    )


def constant(value, name='value'):
    value = np.array(value, np.int64 if isinstance(value, list) else np.float32)
    tensor = onnx.numpy_helper.from_array(value, f'{name}_tensor')
    return helper.make_node('Constant', [], [name], value=tensor)


@pytest.mark.parametrize(('value', 'named'), [
    (np.nan, 'nan to nan'), (np.inf, ' inf'),
    (-np.inf, '-inf'), (-1, ' -0. | 0 to 1'),
    (2, ' 2. | 0 to 1'),
])  # fmt: skip
def test_probabilities_that_are_none_are_refused(changed, person, value, named):
    def graph(proto):
        add = helper.make_node('Add', ['hidden', 'value'], ['probabilities'])
        replaced(proto, 'probabilities', constant(value), add)

    file = changed(graph=graph)
    with raises_naming(UserError, f'{file}: ', 'probabilities', named):
        OnnxSegmenter(file)(person(5))


@pytest.mark.parametrize('nodes', [
    [helper.make_node('Concat', ['hidden', 'hidden'], ['probabilities'], axis=0)],
    [helper.make_node('Concat', ['hidden', 'hidden'], ['probabilities'], axis=1)],
    [helper.make_node('ReduceMean', ['hidden'], ['probabilities'], keepdims=0)],
    [
        constant([4, -1]),
        helper.make_node('Reshape', ['hidden', 'value'], ['probabilities']),
    ],
])  # fmt: skip
def test_outputs_of_other_shapes_are_refused(changed, person, nodes):
    file = changed(graph=lambda proto: replaced(proto, 'probabilities', *nodes))
    with raises_naming(UserError, file, 'probabilities', '(6, 4)'):
        OnnxSegmenter(file)(person(6))


def test_newer_format_names_both_versions(changed):
    file = changed(format=FORMAT + 1, version='9.9')
    refused(file, ' 9.9,', f' {FORMAT + 1},', f' {FORMAT};')


@pytest.mark.parametrize(('key', 'value'), [
    ('kind', 'program'), ('classes', []), ('classes', [1, 2]), ('classes', 'abcd'),
    ('classes', ['walk', '\x1b[31m']), ('classes', ['a', 'b', 'c', 'a']),
    ('skeleton', '/etc/passwd.py'),
    ('skeleton', 'coco18'), ('skeleton', {'joints': 3, 'limbs': [[0, 9]]}),
    ('fps', -1), ('fps', 'fast'), ('fps', float('nan')), ('fps', 10**400),
    ('fps', True), ('branches', {}), ('branches', [1]),
    ('branches', {'pose2d': {'render': {}, 'dtype': 'object'}}),
    ('postprocess', 'all'), ('postprocess', [{'frames': 3}]),
    ('postprocess', 11 * [{'type': 'MinDuration'}]), ('lookahead', 10**7),
    ('context', -5), ('context', 1e30), ('lookahead', '5'),
])  # fmt: skip
def test_metadata_of_another_kind_is_refused(changed, key, value):
    shown = 'a number of over 400' if value == 10**400 else repr(value)[:50]
    # In a list or a dict, the wrong value is named.
    named = () if isinstance(value, list | dict) else (shown,)
    refused(changed(**{key: value}), key, *named)


@pytest.mark.parametrize(('named', 'changes'), [
    ('background', {'background': 'nobody'}),
    ('background', {'background': {'gaze': 'up'}}),
    ('background', {'background': 3}),
    ('tiers | classes', {'tiers': {'gaze': ['up', 'down']}}),
    ('image encoder of pose2d', {'branches': branches(images=True)}),
])  # fmt: skip
def test_metadata_that_does_not_fit_the_rest_is_refused(changed, named, changes):
    refused(changed(**changes), named)


def test_metadata_that_is_no_json_is_refused(recipe, changed, tmp_path):
    proto = onnx.load(recipe[1])
    proto.metadata_props[0].value = '[' * 100_000
    onnx.save(proto, tmp_path / 'model.onnx')
    refused(tmp_path / 'model.onnx', 'metadata')
    refused(changed(format='one'), 'metadata')


@pytest.mark.parametrize('kind', [
    'subprocess.Popen', 'DropLimb', 'mmskelseg.apis.SkelSegInferencer',
    None, ['SkeletonCoordinates'], 'os.system',
])  # fmt: skip
def test_other_renderers_are_refused_and_not_imported(changed, kind):
    file = changed(branches=branches(type=kind))
    refused(file, 'pose2d', kind, 'SkeletonCoordinates, ')


@pytest.mark.parametrize(('options', 'named'), [
    ({'command': 'rm'}, "'command'"),
    ({'dims': 7}, 'dims=7'),
    ({'skeleton': 'nobody'}, "'nobody'"),
    ({'skeleton': {'joints': 10**12, 'limbs': []}}, '1000000000000 joints'),
    ({'root': 5}, 'root=5'),
])  # fmt: skip
def test_options_that_a_renderer_has_not_are_refused(changed, options, named):
    refused(changed(branches=branches(**options)), 'pose2d', named)


@pytest.mark.parametrize(('kind', 'size'), [
    *(('RenderSkeletonHeatmap', x) for x in ([10**9] * 2, [5000] * 2, 'big', [0, 1])),
    # Channels count as well.
    ('RenderJointHeatmaps', [400, 400]),
])  # fmt: skip
def test_sizes_that_no_recipe_has_are_refused(changed, kind, size):
    render = {'type': kind, 'skeleton': 'lcr15', 'size': size}
    file = changed(branches={'pose2d': {'render': render, 'dtype': 'float32'}})
    refused(file, kind, 'pose2d')


@pytest.mark.parametrize(('step', 'named'), [
    ({'type': 'eval', 'code': '1'}, "'eval' | MinDuration, "),
    ({'type': 'MinDuration', 'frames': 3, 'tier': 1}, 'tier | 1'),
    ({'type': 'MinDuration', 'frames': 3, 'tier': 'x'}, "tier | 'x'"),
    ({'type': 'MinDuration', 'window': 3}, 'MinDuration | window'),
    ({'type': 'MinDuration', 'frames': 'all'}, "MinDuration | 'all'"),
    ({'type': 'BoundaryRefinement'}, 'BoundaryRefinement | pred_boundary'),
])  # fmt: skip
def test_step_of_post_processing_that_cannot_run_is_named(changed, step, named):
    """Before any video is read."""
    refused(changed(postprocess=[step]), named)


def test_graph_that_fails_ends_with_a_sentence(changed, person):
    reshape = helper.make_node('Reshape', ['hidden', 'value'], ['probabilities'])
    nodes = constant([7, 13, 5]), reshape
    file = changed(
        graph=lambda proto: replaced(proto, 'probabilities', *nodes, shape=['any'] * 3)
    )
    with raises_naming(UserError, 'changed.onnx: ', 'ONNXRuntimeError') as error:
        OnnxSegmenter(file)(person(5))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('dims', [[2**40], [2**31, 2**31, 2**31], [-1, 5]])
def test_weights_that_claim_other_sizes_are_refused(changed, dims):
    def enlarged(graph):
        weight = next(item for item in graph.initializer if len(item.dims) == 2)
        del weight.dims[:]
        weight.dims.extend(dims)

    refused(changed(graph=enlarged), 'ONNX')


def test_weights_in_other_files_are_refused(changed):
    file = changed()
    proto = onnx.load(file, load_external_data=False)
    weight = next(item for item in proto.graph.initializer if len(item.dims) == 2)
    weight.ClearField('raw_data')
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (('location', '../../../etc/hostname'), ('offset', '0')):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    file.write_bytes(proto.SerializeToString())
    refused(file, 'weights')


def pushes(file, person):
    stream = OnnxStream(file)
    video = person(20)
    return stream.push(video['keypoint'][0], video['keypoint_score'][0])


@pytest.mark.parametrize(('name', 'nodes', 'named'), [
    ('probabilities', [
        constant(np.nan),
        helper.make_node('Add', ['hidden', 'value'], ['probabilities']),
    ], 'probabilities | nan'),
    ('probabilities', [
        helper.make_node('Concat', ['hidden', 'hidden'], ['probabilities'], axis=0)
    ], ' 30 | 20 frames'),
    ('state_1_0_next', [
        helper.make_node('Concat', ['hidden', 'hidden'], ['state_1_0_next'], axis=0)
    ], 'state_1_0_next | (4, 2, 8)'),
])  # fmt: skip
def test_push_that_gives_something_else_is_refused(
    changed, stream_file, person, name, nodes, named
):
    shape = None if name == 'probabilities' else ['a', 'b', 'c']
    file = changed(
        stream_file[1], lambda proto: replaced(proto, name, *nodes, shape=shape)
    )
    with raises_naming(UserError, f'{file}: ', named):
        pushes(file, person)


def test_push_that_counts_other_frames_is_refused(changed, stream_file, person):
    def graph(proto):
        (node,) = (n for n in proto.node if 'frames_next' in n.output)
        node.op_type = 'Sub'

    with raises_naming(UserError, 'changed.onnx: ', '-20', 'frame 0'):
        pushes(changed(stream_file[1], graph), person)


@pytest.mark.parametrize('field', ['lookahead', 'state'])
def test_buffers_of_streams_are_bounded(changed, stream_file, field):
    def graph(proto):
        if field == 'state':
            item = next(i for i in proto.input if i.name == 'state_0_0')
            item.type.tensor_type.shape.dim[1].dim_value = 10**8
            del proto.value_info[:]

    lookahead = {'lookahead': 10**6} if field == 'lookahead' else {}
    file = changed(stream_file[1], graph, **lookahead)
    with raises_naming(UserError, file, '33554432'):
        OnnxStream(file)


def test_stream_without_its_buffers_is_refused(changed, stream_file):
    def without(graph):
        for item in [i for i in graph.output if i.name == 'state_1_0_next']:
            graph.output.remove(item)

    file = changed(stream_file[1], without)
    with raises_naming(UserError, file, 'push'):
        OnnxStream(file)


@pytest.mark.parametrize('step', [
    {'type': 'MinDuration', 'frames': 2},
    {'type': 'CausalMinDuration'},
    {'type': 'CausalMinDuration', 'frames': 0},
    {'type': 'CausalMinDuration', 'frames': 2.5},
    {'type': 'CausalMinDuration', 'frames': 10**9},
])  # fmt: skip
def test_steps_that_no_stream_can_apply_are_refused(changed, stream_file, step):
    file = changed(stream_file[1], postprocess=[step])
    with raises_naming(UserError, file, 'postprocess', step, 'CausalMinDuration'):
        OnnxStream(file)
