"""Pushes of keypoints to a stream.

Times `SkeletonStream.push`, from keypoints to labels, for configs of configs/streaming:
frame by frame, and all frames in one push. Keypoints and weights are random, which does
not affect times. Median and 99th percentile are given in wall-clock time, as users of a
stream experience it, and in CPU time, without other programs on the machine. The memory
is that of a stream's state.
"""

import argparse
import time

import numpy as np
import torch

from benchmarks.measuring import machine, read_config
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.export.streaming import streaming_model
from mmskelseg.registry import MODELS
from mmskelseg_io.files.names import config_name
from mmskelseg_runtime.features import SkeletonCoordinates
from mmskelseg_runtime.streaming import SkeletonStream


def run(args: argparse.Namespace) -> None:
    """Print the times of each config."""
    print(f'{machine(args)}, NumPy {np.__version__}; {args.frames} frames')
    for path in args.configs:
        stream, keypoint = make_stream(path, args)
        times = []
        for pose in keypoint:
            begin = clocks()
            stream.push(pose)
            times.append(clocks() - begin)
        clock, processor = (
            f'{median:.2f} ms, 99 % below {late:.2f} ms'
            for median, late in 1000 * np.percentile(times, [50, 99], axis=0).T
        )
        stream.reset()
        begin = clocks()
        stream.push(keypoint)
        _, together = 1000 * (clocks() - begin) / args.frames
        memory = sum(array.nbytes for array in stream.state_dict().values()) / 1e6
        print(
            f'{config_name(path).removesuffix(".py")}: lookahead {stream.lookahead} '
            f'frames, {memory:.1f} MB\n'
            f'  frame by frame, clock:     {clock}\n'
            f'  frame by frame, processor: {processor}\n'
            f'  all together, processor:   {together:.3f} ms a frame'
        )


def clocks() -> np.ndarray:
    """Return wall-clock time and CPU time in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def make_stream(
    path: str, args: argparse.Namespace
) -> tuple[SkeletonStream, np.ndarray]:
    """Return the stream of a config with random weights, and keypoints for it."""
    cfg = read_config(path, args)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    ((modality, branch),) = cfg.model.branches.items()
    features = cfg.test_dataloader.dataset.features[modality]
    dims = features.render.dims
    # Each joint has positions and displacements.
    joints = branch.in_channels // (2 * dims)
    skeleton = {'joints': joints, 'limbs': []}
    render = recipe_from_config(modality, features, skeleton).render
    assert isinstance(render, SkeletonCoordinates)
    rng = np.random.default_rng(0)
    body = rng.normal(300, 40, (1, joints, dims))
    keypoint = body + rng.normal(0, 2, (args.frames, joints, dims)).cumsum(axis=0)
    standardizer = model.branches[modality]['standardizer']
    standardizer.fit([torch.randn(branch.in_channels, 100)])
    stream = SkeletonStream(
        streaming_model(model),
        render.running(),
        {
            'classes': [f'class {k}' for k in range(cfg.model.num_classes)],
            'skeleton': skeleton,
        },
    )
    return stream, keypoint
