"""Measures the renderer, and whole configs stage by stage.

    python tools/analysis/benchmark.py render
    python tools/analysis/benchmark.py model CONFIG...

`model` prints parameters, FLOPs and run time; `model --help` says of what.
`render` draws joints and limbs of COCO-17 skeletons as heatmaps with
RenderSkeletonHeatmap, and with MMAction2's GeneratePoseTarget run twice (once for
joints, once for limbs) and added, in one run and on one thread. Times are of the
processor, so that other programs on the machine change them little.
"""

import argparse
import statistics
import time
import tracemalloc

import numpy as np
from benchmark_model import add_model_command
from threadpoolctl import threadpool_limits

import mmskelseg  # noqa: F401  (mends MMAction2's imports)
from mmskelseg.datasets.transforms import RenderSkeletonHeatmap
from mmskelseg.structures import Skeleton

# A person who fills the heatmap, as in the box of a sequence.
POSE = np.array(
    [
        [28, 6], [29, 5], [27, 5], [30, 6], [26, 6], [33, 14], [23, 14], [36, 22],
        [20, 22], [37, 30], [19, 30], [31, 30], [25, 30], [32, 41], [24, 41], [32, 53],
        [24, 53],
    ],
    np.float32,
)  # fmt: skip


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

    limbs = Skeleton.get('coco17').limbs
    joints = GeneratePoseTarget(sigma=0.6, with_kp=True, with_limb=False)
    both = GeneratePoseTarget(sigma=0.6, with_kp=False, with_limb=True, skeletons=limbs)
    total = joints(dict(item))['imgs'].sum(axis=1)
    return total + both(dict(item))['imgs'].sum(axis=1)


def seconds(function, item: dict, repeats: int) -> float:
    """Return the median processor time of one call."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        function(dict(item))
        times.append(time.process_time() - begin)
    return statistics.median(times)


def peak_memory(function, item: dict) -> int:
    """Return the most bytes that were allocated at a time."""
    tracemalloc.start()
    function(dict(item))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def render(args: argparse.Namespace) -> None:
    item = skeletons(args.frames, args.size, args.persons)
    ours = RenderSkeletonHeatmap('coco17', (args.size, args.size), box=None)
    few = {key: value[:, :100] for key, value in item.items() if key != 'img_shape'}
    few['img_shape'] = item['img_shape']
    difference = np.abs(ours(dict(few))['imgs'][:, 0] - with_mmaction2(few))
    ours(dict(few))

    output = args.frames * args.size**2 * 4
    extra = peak_memory(ours, item) - output
    fast = seconds(ours, item, args.repeats)
    slow = seconds(with_mmaction2, item, max(1, args.repeats // 3))
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


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    command = commands.add_parser('render', help='skeletons to heatmaps')
    command.add_argument('--frames', type=int, default=5000)
    command.add_argument('--size', type=int, default=56, help='side in pixels')
    command.add_argument('--persons', type=int, default=1)
    command.add_argument('--repeats', type=int, default=5)
    command.set_defaults(run=render, threads=1)
    add_model_command(commands)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with threadpool_limits(args.threads):
        args.run(args)


if __name__ == '__main__':
    main()
