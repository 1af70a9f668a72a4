"""Computation of features from heatmaps.

Times an image network on heatmaps that were drawn before (FrameEncoder in float32 and,
if the hardware supports it, in bfloat16), compared with a plain loop: float32, three
channels, batches of 32, eager mode, PyTorch's default memory layout; and the same
including the drawing. Weights are random, which does not affect times. The variants
take turns, and times are medians of wall-clock time, so nothing else should run on the
machine.
"""

import argparse
import copy

import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import nn

from benchmarks.measuring import count_gflops, machine, median_seconds, peak_gflops
from benchmarks.render import skeletons
from mmskelseg.encoders import FrameEncoder
from mmskelseg.models.precision import has_bfloat16
from mmskelseg_runtime.features import RenderSkeletonHeatmap


def run(args: argparse.Namespace) -> None:
    """Print frames per second, ratios, the limit, and differences of features."""
    # Encoders would warn of random weights.
    MMLogger.get_current_instance().setLevel('ERROR')
    item = skeletons(args.frames, args.size, 1)
    render = RenderSkeletonHeatmap('coco17', (args.size, args.size), box=None)
    images = np.asarray(render(item.copy())['imgs'])
    encoder = FrameEncoder(args.arch, 'none')
    # Encoders change the layout of their network.
    plain = copy.deepcopy(encoder.network.module)
    ways = {
        'plain loop': lambda: plain_loop(plain, images),
        'FrameEncoder': lambda: encoder.encode(images),
        'render + FrameEncoder': lambda: encoder.encode(render(item.copy())['imgs']),
    }
    dtypes = {torch.float32: 'float32'}
    if has_bfloat16(args.device):
        half = FrameEncoder(args.arch, 'none', dtype='bfloat16')
        ways['FrameEncoder, bfloat16'] = lambda: half.encode(images)
        dtypes[torch.bfloat16] = 'bfloat16'
    print(
        f'{args.arch}, {args.frames} heatmaps of {args.size}x{args.size}, '
        f'{machine(args)}; medians of {args.repeats}, clock'
    )
    times = median_seconds(ways, args.repeats)
    gflops = count_gflops(lambda: plain_loop(plain, images[:1]))
    expected = ways['plain loop']()
    for name, taken in times.items():
        rate = args.frames / taken
        print(
            f'  {name:<26}{rate:7.1f} frames/s {times["plain loop"] / taken:6.2f} '
            f'times {gflops * rate:6.0f} GFLOP/s of the plain network'
        )
        if name.startswith('FrameEncoder'):
            apart = abs(ways[name]() - expected).max()
            print(f'    largest difference {apart:.1e} of {abs(expected).max():.1e}')
    share = times['render + FrameEncoder'] / times['FrameEncoder'] - 1
    print(f'  drawing adds {100 * share:.1f} % to the time of the network')
    for dtype, name in dtypes.items():
        peak = peak_gflops(dtype, args.device)
        print(f'  a product of matrices in {name}: {peak:.0f} GFLOP/s')


def plain_loop(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return features (T, C), computed by a plain loop."""
    device = next(network.parameters()).device
    mean, std = (
        torch.tensor(values, device=device)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    features = []
    with torch.no_grad():
        for begin in range(0, len(images), 32):
            batch = torch.tensor(images[begin : begin + 32]).to(device)
            features.append(network(((batch / 3).clamp(0, 1) - mean) / std))
    return torch.cat(features).cpu().numpy()
