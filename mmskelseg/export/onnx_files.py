"""Changes to ONNX files as a whole: simplified, or in another precision."""

from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from onnx import ModelProto


def simplified(content: bytes) -> bytes:
    """Return a graph with constants folded and without operations that do nothing."""
    import onnxruntime
    from onnx import load

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    )
    options.log_severity_level = 3
    with TemporaryDirectory(prefix='mmskelseg-') as folder:
        file = Path(folder, 'graph.onnx')
        options.optimized_model_filepath = str(file)
        onnxruntime.InferenceSession(
            content, options, providers=['CPUExecutionProvider']
        )
        proto = load(file)
    # ONNX Runtime lists all domains that it knows.
    used = {node.domain for node in proto.graph.node}
    kept = [item for item in proto.opset_import if item.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    return proto.SerializeToString()


def with_default(content: bytes, name: str, value: 'np.ndarray') -> bytes:
    """Return a graph with an input that may be left out."""
    from onnx import load_from_string, numpy_helper

    proto = load_from_string(content)
    proto.graph.initializer.append(numpy_helper.from_array(value, name))
    return proto.SerializeToString()


def without_default(content: bytes, name: str) -> bytes:
    """Return a graph in which no input of this name may be left out."""
    from onnx import load_from_string

    proto = load_from_string(content)
    kept = [one for one in proto.graph.initializer if one.name != name]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    return proto.SerializeToString()


def converted(proto: 'ModelProto', precision: str) -> 'ModelProto':
    """Return a graph in another precision; its inputs and outputs stay float32."""
    if precision == 'float16':
        from onnx import TensorProto
        from onnxruntime.transformers.float16 import convert_float_to_float16

        # Pixels need more digits than it has, so that they pass by in another type.
        _set_type_of_joints(proto, TensorProto.DOUBLE)
        proto = _sorted(convert_float_to_float16(proto, keep_io_types=True))
        _set_type_of_joints(proto, TensorProto.FLOAT)
    return proto


def _set_type_of_joints(proto: 'ModelProto', kind: int) -> None:
    for item in proto.graph.input:
        if item.name in ('keypoints', 'scores'):
            item.type.tensor_type.elem_type = kind


def _sorted(proto: 'ModelProto') -> 'ModelProto':
    """Return a graph whose nodes are in topological order."""
    nodes = list(proto.graph.node)
    makers = {name: i for i, node in enumerate(nodes) for name in node.output}
    # An optional input or output that is left out has no name.
    makers.pop('', None)
    reads = {
        i: [makers[name] for name in node.input if name in makers]
        for i, node in enumerate(nodes)
    }
    del proto.graph.node[:]
    proto.graph.node.extend(nodes[i] for i in TopologicalSorter(reads).static_order())
    return proto
