"""A training step of MS-TCN++.

Times a training step of MS-TCN++ (forward, backward, Adam) on random features of one
video, compared with the same network in PyTorch's own layers (which it always uses on a
GPU), and in bfloat16 if the hardware supports it. Both start from the same weights, and
their gradients are compared without dropout. Steps take turns, and times are medians of
wall-clock time, so nothing else should run on the machine.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from torch import Tensor

from benchmarks.measuring import count_gflops, machine, median_seconds, peak_gflops
from mmskelseg.models import ActionSegmentor
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.models.precision import has_bfloat16
from mmskelseg.registry import MODELS, OPTIM_WRAPPERS

CONFIG = Path(__file__).resolve().parents[1] / 'configs/_base_/models/ms_tcn2.py'


def run(args: argparse.Namespace) -> None:
    """Print times, ratios, the limit, and differences of gradients."""
    steps = {
        'nn.Conv1d, nn.Dropout': make_step(args, plain=True),
        'mmskelseg': make_step(args),
    }
    if has_bfloat16(args.device):
        steps['mmskelseg --amp (bfloat16)'] = make_step(args, bfloat16=True)
    print(
        f'MS-TCN++, {args.channels} features, {args.classes} classes, {args.frames} '
        f'frames, dropout 0.5, forward + backward + Adam, {machine(args)}; '
        f'medians of {args.repeats}, clock'
    )
    times = median_seconds(steps, args.repeats)
    types = {
        name: torch.bfloat16 if 'bfloat16' in name else torch.float32 for name in steps
    }
    # Only of these types: where bfloat16 is emulated, its products take minutes.
    peaks = {
        t: peak_gflops(t, args.device) for t in sorted(set(types.values()), key=str)
    }
    plain, *_ = times.values()
    for name, seconds in times.items():
        gflops = count_gflops(steps[name])
        peak = peaks[types[name]]
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


def build(args: argparse.Namespace, dropout: float = 0.5) -> ActionSegmentor:
    """Return the segmentor of the configs, with weights from a fixed seed."""
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIG).model
    cfg.num_classes = args.classes
    cfg.branches.heatmap.update(in_channels=args.channels, dropout=dropout)
    return MODELS.build(cfg).to(args.device)


def video(args: argparse.Namespace) -> tuple[Tensor, Tensor]:
    """Return random features (C, T), and labels (T,) in segments of 50 frames."""
    torch.manual_seed(1)
    x = torch.rand(args.frames, args.channels).to(args.device).t()
    segments = torch.randint(args.classes, (-(-args.frames // 50),))
    return x, segments.repeat_interleave(50)[: args.frames]


def loss_of(
    model: ActionSegmentor, x: Tensor, labels: Tensor, loops: bool | None
) -> Tensor:
    """Return the loss of features (C, T); ``loops`` as in ``TemporalConv1d``."""
    sample = ActionDataSample(metainfo={'total_frames': len(labels)})
    sample.set_gt_label(labels)
    (modality,) = model.branches
    TemporalConv1d.loops = loops
    try:
        return sum(model({modality: x[None]}, [sample], mode='loss').values())
    finally:
        TemporalConv1d.loops = None


def make_step(
    args: argparse.Namespace, plain: bool = False, bfloat16: bool = False
) -> Callable[[], None]:
    model = build(args).train()
    x, labels = video(args)
    if plain:
        # As in the files of the literature, the frames of a feature are contiguous.
        x = x.contiguous()
    kind = 'BFloat16OptimWrapper' if bfloat16 else 'OptimWrapper'
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    wrapper = OPTIM_WRAPPERS.build({'type': kind, 'optimizer': optimizer})

    def step() -> None:
        with wrapper.optim_context(model):
            loss = loss_of(model, x, labels, loops=False if plain else None)
        wrapper.update_params(loss)

    return step


def gradient_difference(args: argparse.Namespace) -> tuple[float, float]:
    """Return the largest difference between gradients, and the largest gradient."""
    model = build(args, dropout=0.0)
    x, labels = video(args)
    ours, plain = (
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, model.parameters())])
        for loss in (loss_of(model, x, labels, loops) for loops in (None, False))
    )
    return float((ours - plain).abs().max()), float(plain.abs().max())
