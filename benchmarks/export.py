"""PyTorch compared with exported models.

Exports configs with random weights, and times the computation of probabilities from
features in PyTorch, in ONNX Runtime and, for a causal model, frame by frame in NumPy
and in ONNX Runtime. For configs with an image network, the network is timed separately,
for single frames and for batches. Times are medians of CPU time for one thread, which
other programs hardly affect, and of wall-clock time for several. "Of peak" compares the
speed with that of a product of large matrices in the same run.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from mmengine.config import Config

from benchmarks.measuring import (
    count_gflops,
    machine,
    median_seconds,
    peak_gflops,
    pick_clock,
    read_config,
)
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.export.export import export_onnx
from mmskelseg.export.onnx_graphs import SegmentorGraph, StemGraph
from mmskelseg.export.streaming import streaming_model
from mmskelseg.registry import MODELS
from mmskelseg_io.files.names import config_name
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_runtime.segmenting.model_files import ModelFile
from mmskelseg_runtime.segmenting.onnx_sessions import Session
from mmskelseg_runtime.segmenting.onnx_stream import OnnxStreamingModel
from mmskelseg_runtime.streaming import ModelStream

_BATCH = 32


def run(args: argparse.Namespace) -> None:
    """Print a table of the times of each config."""
    args.device = 'cpu'
    torch.set_num_threads(args.threads)
    peak = peak_gflops(torch.float32, 'cpu', pick_clock(args))
    print(
        f'{machine(args)}, ONNX Runtime {onnxruntime.__version__}; {args.frames} '
        f'frames; a product of large matrices makes {peak:.0f} GFLOP a second'
    )
    rows = [['Model', 'What', 'PyTorch', 'ONNX', 'GFLOP', 'Of peak']]
    with TemporaryDirectory(prefix='mmskelseg-') as folder:
        for path in args.configs:
            rows += measured(path, Path(folder), args, peak)
    print('\n'.join(markdown_table(rows, left=(0, 1))))


def measured(
    path: str, folder: Path, args: argparse.Namespace, peak: float
) -> list[list[str]]:
    """Return the rows of a config: times, and fractions of the peak."""
    cfg = read_config(path, args)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    checkpoint = folder / 'model.pth'
    layout = 'lcr15' if 'uwiom' in Path(path).name else 'coco17'
    classes = [f'class {k}' for k in range(cfg.model.num_classes)]
    meta = {'classes': classes, 'skeleton': layout, 'fps': 30.0}
    torch.save(
        {'state_dict': model.state_dict(), 'meta': {'dataset_meta': meta}}, checkpoint
    )
    export_onnx(cfg, checkpoint, folder / 'model.onnx', inputs='features')
    file = ModelFile.open(folder / 'model.onnx', 'cpu', args.threads)
    name = config_name(path).removesuffix('.py')
    rows = []
    branches = file.metadata['branches']
    encoded = [key for key, branch in branches.items() if branch['images']]
    stems = [key for key in encoded if 'stem' in model.branches[key]]
    graph = SegmentorGraph([model], stems)
    for frames in (args.frames, 1):
        what = 'whole video' if frames > 1 else 'one frame'
        feed = _random(file.session, 'features_', frames)
        timed = _times(graph, graph.outputs, file.session, feed, args, peak)
        rows.append([name, what, *timed])
    for key in encoded:
        network = _image_network(cfg, model, key, meta)
        for frames in (_BATCH, 1):
            what = f'encoder, {frames} images' if frames > 1 else 'encoder, one image'
            encoder = file.encoders[key]
            feed = _random(encoder, f'images_{key}', frames)
            timed = _times(network, [f'encoded_{key}'], encoder, feed, args, peak)
            rows.append([name, what, *timed])
    rows += _streamed(name, cfg, model, checkpoint, folder, args)
    return rows


def _image_network(
    cfg: Config, model: Any, name: str, meta: Mapping[str, Any]
) -> Callable[[torch.Tensor], object]:
    """Return a function that computes features from images in PyTorch, as in use."""
    if 'stem' in model.branches[name]:
        return StemGraph([model], name)

    features = cfg.test_dataloader.dataset.features[name]
    encoder: Any = recipe_from_config(name, features, meta['skeleton']).encoder

    def encode(images: torch.Tensor) -> object:
        # Equal channels share memory, like those of a heatmap.
        return encoder.encode(images.expand(-1, 3, -1, -1))

    return encode


def _random(session: Session, prefix: str, frames: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        key: rng.random((frames, *shape[1:]), np.float32)
        for key, shape in session.inputs.items()
        if key.startswith(prefix)
    }


@torch.no_grad()
def _times(
    network: Callable[..., object],
    outputs: Sequence[str],
    session: Session,
    feed: Mapping[str, np.ndarray],
    args: argparse.Namespace,
    peak: float,
) -> list[str]:
    tensors = [torch.from_numpy(x) for x in feed.values()]
    functions: dict[str, Callable[[], object]] = {
        'torch': lambda: network(*tensors),
        'onnx': lambda: session.run(outputs, feed),
    }
    times = median_seconds(functions, args.repeats, pick_clock(args))
    flops = count_gflops(functions['torch'])
    share = flops / times['onnx'] / peak
    return [*(shown(t) for t in times.values()), f'{flops:.3g}', f'{share:.0%}']


def _streamed(
    name: str,
    cfg: Config,
    model: Any,
    checkpoint: Path,
    folder: Path,
    args: argparse.Namespace,
) -> list[list[str]]:
    """Return the row for a push of one frame; nothing if the model is not causal."""
    try:
        weights = streaming_model(model)
        file = folder / 'stream.onnx'
        export_onnx(cfg, checkpoint, file, streaming=True)
    except UserError:
        return []
    stream = ModelStream(weights)
    exported = OnnxStreamingModel(ModelFile.open(file, 'cpu', args.threads))
    pushes = ModelStream(exported)
    x = np.random.default_rng(0).random((1, weights.in_channels), np.float32)
    ways = {'numpy': lambda: stream.push(x), 'onnx': lambda: pushes.push(x)}
    times = median_seconds(ways, 300, pick_clock(args))
    numpy, onnx = f'{shown(times["numpy"])} (NumPy)', shown(times['onnx'])
    return [[name, 'push of one frame', numpy, onnx, '', '']]


def shown(seconds: float) -> str:
    """Return a time in a readable form.

    >>> shown(2.5), shown(0.0123)
    ('2.50 s', '12.3 ms')
    """
    if seconds >= 1:
        return f'{seconds:.2f} s'
    return f'{1000 * seconds:.3g} ms'
