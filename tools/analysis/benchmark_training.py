"""The `train` command of benchmark.py: a step of MS-TCN++ beside a plain one."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from measuring import clock_seconds, peak_gflops, processor

DESCRIPTION = """\
Times a training step of MS-TCN++ (forward, backward, Adam) on random features of one
video, beside the same network and losses written plainly with nn.Conv1d, PyTorch's
dropout and a loop, and in bfloat16 where the hardware has it. Both start from the same
weights; their gradients are compared without dropout. Steps take turns; times are
medians of the clock, so that nothing else should run on the machine.
"""


def add_train_command(commands: Any) -> None:
    """Add the command to those of benchmark.py."""
    command = commands.add_parser(
        'train',
        help='a training step of MS-TCN++',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for flag, default in (
        ('--frames', 5000),
        ('--channels', 2048),
        ('--classes', 17),
        ('--threads', 2),
        ('--repeats', 7),
    ):
        command.add_argument(
            flag, type=int, default=default, help='default: %(default)s'
        )
    command.set_defaults(run=train)


def train(args: argparse.Namespace) -> None:
    """Print the times, the ratios, the limit and how far gradients differ."""
    if min(args.frames, args.channels, args.classes, args.threads, args.repeats) < 1:
        sys.exit('error: every number must be at least 1.')
    # Not with --help, since they take seconds.
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from mmskelseg.utils.precision import has_bfloat16

    torch.set_num_threads(args.threads)
    steps = {
        'nn.Conv1d, plain loop': plain_step(args),
        'mmskelseg': our_step(args),
    }
    if has_bfloat16('cpu'):
        steps['mmskelseg --amp (bfloat16)'] = our_step(args, bfloat16=True)
    print(
        f'MS-TCN++, {args.channels} features, {args.classes} classes, {args.frames} '
        f'frames, dropout 0.5, forward + backward + Adam, {args.threads} thread(s), '
        f'{processor()}, torch {torch.__version__}; medians of {args.repeats}, clock'
    )
    times = clock_seconds(list(steps.values()), args.repeats)
    peaks = {t: peak_gflops(t) for t in (torch.float32, torch.bfloat16)}
    plain = times[0]
    for (name, step), seconds in zip(steps.items(), times, strict=True):
        with FlopCounterMode(display=False) as counter:
            step()
        gflops = counter.get_total_flops() / 1e9
        peak = peaks[torch.bfloat16 if 'bfloat16' in name else torch.float32]
        print(
            f'  {name:<28}{1000 * seconds:7.0f} ms {plain / seconds:6.2f} times'
            f'{gflops:7.1f} GFLOP {gflops / seconds:6.0f} GFLOP/s of {peak:.0f} in a '
            'product of matrices'
        )
    difference, size = gradient_difference(args)
    print(
        f'largest difference of a gradient, without dropout: {difference:.1e} '
        f'(largest gradient: {size:.1e})'
    )


def build(args: argparse.Namespace, dropout: float = 0.5) -> Any:
    """Return the segmentor of the configs, with seeded weights."""
    import torch

    import mmskelseg  # noqa: F401  (mends MMAction2's imports)
    from mmskelseg.registry import MODELS

    torch.manual_seed(0)
    backbone = {
        'type': 'MSTCNPlusPlus', 'in_channels': args.channels, 'dropout': dropout
    }  # fmt: skip
    head = {
        'type': 'SegmentationHead',
        'loss_cls': {'type': 'FrameCrossEntropyLoss'},
        'loss_smooth': {'type': 'TruncatedMSELoss', 'loss_weight': 0.15},
    }
    return MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': args.classes,
            'branches': {'heatmap': backbone},
            'head': head,
        }
    )


def video(args: argparse.Namespace) -> tuple[Any, Any]:
    """Return random features (C, T), and labels (T,) in segments of 50 frames."""
    import torch

    torch.manual_seed(1)
    x = torch.rand(args.frames, args.channels).t()
    segments = torch.randint(args.classes, (-(-args.frames // 50),))
    return x, segments.repeat_interleave(50)[: args.frames]


def our_loss(model: Any, x: Any, labels: Any) -> Any:
    from mmaction.structures import ActionDataSample

    sample = ActionDataSample(metainfo={'total_frames': len(labels)})
    sample.set_gt_label(labels)
    return sum(model({'heatmap': x[None]}, [sample], mode='loss').values())


def our_step(args: argparse.Namespace, bfloat16: bool = False) -> Callable[[], None]:
    import torch

    from mmskelseg.registry import OPTIM_WRAPPERS

    model = build(args).train()
    x, labels = video(args)
    wrapper = OPTIM_WRAPPERS.build(
        {
            'type': 'BFloat16OptimWrapper' if bfloat16 else 'OptimWrapper',
            'optimizer': torch.optim.Adam(model.parameters(), lr=1e-3),
        }
    )

    def step() -> None:
        with wrapper.optim_context(model):
            loss = our_loss(model, x, labels)
        wrapper.update_params(loss)

    return step


def plain_step(args: argparse.Namespace) -> Callable[[], None]:
    import torch
    from plain_ms_tcn import PlainMSTCN, plain_loss

    network = PlainMSTCN(build(args)).train()
    x, labels = video(args)
    # As it is in the files of the literature: the frames of a feature in a row.
    x = x.contiguous()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        plain_loss(network(x[None]), labels[None]).backward()
        optimizer.step()

    return step


def gradient_difference(args: argparse.Namespace) -> tuple[float, float]:
    """Return the largest difference of a gradient, and the largest gradient."""
    from plain_ms_tcn import PlainMSTCN, plain_loss, plain_parameters

    model = build(args, dropout=0.0)
    network = PlainMSTCN(model)
    x, labels = video(args)
    our_loss(model, x, labels).backward()
    plain_loss(network(x[None]), labels[None]).backward()
    pairs = list(zip(model.parameters(), plain_parameters(network), strict=True))
    differences = [float((a.grad - b.grad).abs().max()) for a, b in pairs]
    return max(differences), max(float(b.grad.abs().max()) for _, b in pairs)
