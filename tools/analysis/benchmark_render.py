"""The `render` command of benchmark.py: the renderer beside MMAction2's."""

import argparse
from typing import Any

import numpy as np
from measuring import peak_memory, seconds

import mmskelseg  # noqa: F401  (mends MMAction2's imports)

DESCRIPTION = """\
Draws joints and limbs of COCO-17 skeletons as heatmaps with RenderSkeletonHeatmap, and
with MMAction2's GeneratePoseTarget run twice (once for joints, once for limbs) and
added, in one run and on one thread. Times are of the processor, so that other programs
on the machine change them little.
"""
# A person who fills the heatmap, as in the box of a sequence.
POSE = np.array(
    [
        [28, 6], [29, 5], [27, 5], [30, 6], [26, 6], [33, 14], [23, 14], [36, 22],
        [20, 22], [37, 30], [19, 30], [31, 30], [25, 30], [32, 41], [24, 41], [32, 53],
        [24, 53],
    ],
    np.float32,
)  # fmt: skip


def add_render_command(commands: Any) -> None:
    """Add the command to those of benchmark.py."""
    command = commands.add_parser(
        'render',
        help='skeletons to heatmaps',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument('--frames', type=int, default=5000)
    command.add_argument('--size', type=int, default=56, help='side in pixels')
    command.add_argument('--persons', type=int, default=1)
    command.add_argument('--repeats', type=int, default=5)
    command.set_defaults(run=render)


def skeletons(frames: int, size: int, persons: int, seed: int = 0) -> dict:
    """Return keypoints in pixels of the heatmap, with jitter, and random scores."""
    rng = np.random.default_rng(seed)
    shape = (persons, frames, len(POSE))
    moved = POSE + rng.normal(0, 3, (persons, frames, 1, 2))
    keypoint = (moved + rng.normal(0, 2, (*shape, 2))) * size / 56
    return {
        'keypoint': keypoint.astype(np.float32),
        'keypoint_score': rng.uniform(0.3, 1, shape).astype(np.float32),
        'img_shape': (size, size),
    }


def with_mmaction2(item: dict) -> np.ndarray:
    """Return the heatmaps of MMAction2 as one sum, shape (T, H, W)."""
    from mmaction.datasets.transforms.pose_transforms import GeneratePoseTarget

    from mmskelseg.structures import Skeleton

    limbs = Skeleton.get('coco17').limbs
    joints = GeneratePoseTarget(sigma=0.6, with_kp=True, with_limb=False)
    both = GeneratePoseTarget(sigma=0.6, with_kp=False, with_limb=True, skeletons=limbs)
    total = joints(dict(item))['imgs'].sum(axis=1)
    return total + both(dict(item))['imgs'].sum(axis=1)


def render(args: argparse.Namespace) -> None:
    """Print both times, the memory and how far the pictures differ."""
    # Not with --help, since it takes seconds.
    from mmskelseg.features.renderers import RenderSkeletonHeatmap

    item = skeletons(args.frames, args.size, args.persons)
    ours = RenderSkeletonHeatmap('coco17', (args.size, args.size), box=None)
    few = {key: value[:, :100] for key, value in item.items() if key != 'img_shape'}
    few['img_shape'] = item['img_shape']
    difference = np.abs(ours(dict(few))['imgs'][:, 0] - with_mmaction2(few))
    ours(dict(few))

    output = args.frames * args.size**2 * 4
    extra = peak_memory(lambda: ours(dict(item))) - output
    fast = seconds(lambda: ours(dict(item)), args.repeats)
    slow = seconds(lambda: with_mmaction2(dict(item)), max(1, args.repeats // 3))
    print(
        f'joint+limb, COCO-17, {args.frames} frames, {args.persons} person(s), '
        f'{args.size}x{args.size}, one thread, medians of processor time:'
    )
    for title, value in (('GeneratePoseTarget twice', slow), ('mmskelseg', fast)):
        per_frame = 1e6 * value / args.frames
        print(f'  {title:<26}{value:8.3f} s {per_frame:9.1f} us a frame')
    print(f'  ratio                     {slow / fast:8.1f}')
    print(
        f'memory of mmskelseg: output {output / 1e6:.1f} MB, extra {extra / 1e6:.1f} MB'
    )
    # MMAction2 cuts off at three sigma and draws limbs under a pixel as a joint.
    print(f'median difference of a pixel: {np.median(difference):.1e}')
