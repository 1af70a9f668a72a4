"""The `encode` command of benchmark.py: an image network, plain and as it is run."""

import argparse
import sys
from typing import Any

from benchmark_render import skeletons
from measuring import clock_seconds, peak_gflops, processor

DESCRIPTION = """\
Times an image network on heatmaps that are ready (FrameEncoder in float32 and, where
the hardware has it, bfloat16), beside a plain loop: float32, three channels, batches of
32, eager, PyTorch's default layout; and with the heatmaps drawn first. Weights are
random, which changes no time. They take turns; times are medians of the clock, so that
nothing else should run on the machine.
"""


def add_encode_command(commands: Any) -> None:
    """Add the command to those of benchmark.py."""
    command = commands.add_parser(
        'encode',
        help='heatmaps to features',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument('--arch', default='torchvision.resnet50')
    for flag, default in (
        ('--frames', 256),
        ('--size', 56),
        ('--threads', 1),
        ('--repeats', 5),
    ):
        command.add_argument(
            flag, type=int, default=default, help='default: %(default)s'
        )
    command.set_defaults(run=encode)


def encode(args: argparse.Namespace) -> None:
    """Print frames a second, the ratios, the limit and how far features differ."""
    if min(args.frames, args.size, args.threads, args.repeats) < 1:
        sys.exit('error: every number must be at least 1.')
    # Not with --help, since they take seconds.
    import torch
    from mmengine.logging import MMLogger

    from mmskelseg.features import FrameEncoder
    from mmskelseg.features.renderers import RenderSkeletonHeatmap
    from mmskelseg.utils.precision import has_bfloat16

    # Of encoders, which warn of the random weights that they are given here.
    MMLogger.get_current_instance().setLevel('ERROR')
    torch.set_num_threads(args.threads)
    item = skeletons(args.frames, args.size, 1)
    render = RenderSkeletonHeatmap('coco17', (args.size, args.size), box=None)
    images = render(dict(item))['imgs']
    encoder = FrameEncoder(args.arch, 'none')
    ways = {
        'plain loop': lambda: plain_loop(encoder.network.module, images),
        'FrameEncoder': lambda: encoder.encode(images),
        'render + FrameEncoder': lambda: encoder.encode(render(dict(item))['imgs']),
    }
    dtypes = {torch.float32: 'float32'}
    if has_bfloat16('cpu'):
        half = FrameEncoder(args.arch, 'none', dtype='bfloat16')
        ways['FrameEncoder, bfloat16'] = lambda: half.encode(images)
        dtypes[torch.bfloat16] = 'bfloat16'
    print(
        f'{args.arch}, {args.frames} heatmaps of {args.size}x{args.size}, '
        f'{args.threads} thread(s), {processor()}, torch {torch.__version__}; medians '
        f'of {args.repeats}, clock'
    )
    times = dict(
        zip(ways, clock_seconds(list(ways.values()), args.repeats), strict=True)
    )
    gflops = network_gflops(encoder.network.module, images[:1])
    expected = ways['plain loop']()
    for name, seconds in times.items():
        rate = args.frames / seconds
        print(
            f'  {name:<26}{rate:7.1f} frames/s {times["plain loop"] / seconds:6.2f} '
            f'times {gflops * rate:6.0f} GFLOP/s of the plain network'
        )
        if name.startswith('FrameEncoder'):
            apart = abs(ways[name]() - expected).max()
            print(f'    largest difference {apart:.1e} of {abs(expected).max():.1e}')
    share = times['render + FrameEncoder'] / times['FrameEncoder'] - 1
    print(f'  drawing takes {100 * share:.1f} % beside the network')
    for dtype, name in dtypes.items():
        print(f'  a product of matrices in {name}: {peak_gflops(dtype):.0f} GFLOP/s')


def plain_loop(network: Any, images: Any) -> Any:
    """Return features as a plain loop makes them, shape (T, C)."""
    import torch

    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    features = []
    with torch.no_grad():
        for begin in range(0, len(images), 32):
            batch = torch.tensor(images[begin : begin + 32])
            features.append(network(((batch / 3).clamp(0, 1) - mean) / std))
    return torch.cat(features).numpy()


def network_gflops(network: Any, image: Any) -> float:
    """Return the GFLOP of one image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.tensor(image))
    return counter.get_total_flops() / 1e9
