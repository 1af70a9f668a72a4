"""Drawing of skeletons as heatmaps.

Draws joints and limbs of COCO-17 skeletons as heatmaps with RenderSkeletonHeatmap, and
with MMAction2's GeneratePoseTarget, run twice (for joints and for limbs) and added. It
uses one thread and CPU time, so that other programs on the machine hardly matter.
"""

import argparse
import time

import numpy as np
from mmaction.datasets.transforms.pose_transforms import GeneratePoseTarget

from benchmarks.measuring import peak_memory, seconds
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import SkeletonKey
from mmskelseg_runtime.features import RenderSkeletonHeatmap
from mmskelseg_runtime.features.recipe import RenderedVideo

# A person who fills the heatmap, as with a bounding box over the sequence.
POSE = np.array(
    [
        [28, 6], [29, 5], [27, 5], [30, 6], [26, 6], [33, 14], [23, 14], [36, 22],
        [20, 22], [37, 30], [19, 30], [31, 30], [25, 30], [32, 41], [24, 41], [32, 53],
        [24, 53],
    ],
    np.float32,
)  # fmt: skip


def skeletons(frames: int, size: int, persons: int) -> RenderedVideo:
    """Return keypoints in pixels of the heatmap, with jitter, and random scores."""
    rng = np.random.default_rng(0)
    shape = (persons, frames, len(POSE))
    moved = POSE + rng.normal(0, 3, (persons, frames, 1, 2))
    keypoint = (moved + rng.normal(0, 2, (*shape, 2))) * size / 56
    return {
        'keypoint': keypoint.astype(np.float32),
        'keypoint_score': rng.uniform(0.3, 1, shape).astype(np.float32),
        'img_shape': (size, size),
    }


def with_mmaction2(item: RenderedVideo) -> np.ndarray:
    """Return the sum of MMAction2's heatmaps, shape (T, H, W)."""
    limbs = Skeleton.get('coco17').limbs
    joints = GeneratePoseTarget(sigma=0.6, with_kp=True, with_limb=False)
    both = GeneratePoseTarget(sigma=0.6, with_kp=False, with_limb=True, skeletons=limbs)
    total = joints(dict(item))['imgs'].sum(axis=1)
    return total + both(dict(item))['imgs'].sum(axis=1)


def run(args: argparse.Namespace) -> None:
    """Print both times, the memory, and the differences of the heatmaps."""
    item = skeletons(args.frames, args.size, args.persons)
    ours = RenderSkeletonHeatmap('coco17', (args.size, args.size), box=None)
    keys: list[SkeletonKey] = ['keypoint', 'keypoint_score']
    few = item.copy()
    for key in keys:
        few[key] = item[key][:, :100]
    drawn = np.asarray(ours(few.copy())['imgs'])
    difference = np.abs(drawn[:, 0] - with_mmaction2(few))
    output = args.frames * args.size**2 * 4
    extra = peak_memory(lambda: ours(item.copy())) - output
    clock = time.process_time
    fast = seconds(lambda: ours(item.copy()), args.repeats, clock)
    repeats = max(1, args.repeats // 3)
    slow = seconds(lambda: with_mmaction2(item), repeats, clock, warm=False)
    print(
        f'joint+limb, COCO-17, {args.frames} frames, {args.persons} person(s), '
        f'{args.size}x{args.size}, one thread, medians:'
    )
    for title, value in (('GeneratePoseTarget twice', slow), ('mmskelseg', fast)):
        per_frame = 1e6 * value / args.frames
        print(f'  {title:<26}{value:8.3f} s {per_frame:9.1f} us a frame')
    print(f'  ratio                     {slow / fast:8.1f}')
    print(
        f'memory of mmskelseg: output {output / 1e6:.1f} MB, extra {extra / 1e6:.1f} MB'
    )
    # MMAction2 truncates at three sigma, and draws limbs below a pixel as joints.
    print(f'median difference of a pixel: {np.median(difference):.1e}')
