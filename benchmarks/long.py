"""Segmentation of a video with a million frames.

Segments a video of --frames frames with MS-TCN++, from a memory-mapped file of random
features, and prints the time and the peak of private memory (without mapped files, as
`ulimit -d` counts it). The file is in --folder, with 8 KB per frame for 2048 features,
and is removed at the end. For a video of --compare frames, the result is compared with
processing the whole video at once.

The system can enforce the target of less than 2 GB:

    bash -c 'ulimit -d 2097152; python tools/analysis/benchmark.py long'
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate

from benchmarks.measuring import machine, now, peak_private_memory
from benchmarks.train import build
from mmskelseg.datasets.transforms import LoadFrameFeatures, PackSegInputs
from mmskelseg.models import ActionSegmentor


def run(args: argparse.Namespace) -> None:
    """Print time and memory of the long video, and the difference of the short one."""
    model = build(args).eval()
    with tempfile.TemporaryDirectory(prefix='benchmark-', dir=args.folder) as folder:
        path = Path(folder, 'features.npy')
        write_features(path, args.frames, args.channels)
        with peak_private_memory() as peak:
            begin = now()
            sample = segment(model, path, args.frames)
            seconds = now() - begin
        print(
            f'MS-TCN++, one video of {args.frames} frames, {args.channels} features, '
            f'{machine(args)}'
        )
        print(
            f'  file {path.stat().st_size / 1e9:.2f} GB, {seconds:.1f} s, '
            f'{args.frames / seconds:,.0f} frames/s, private memory '
            f'{peak() / 1e9:.2f} GB'
        )
        assert len(sample.pred_label) == args.frames
        few = min(args.compare, args.frames)
        write_features(path, few, args.channels)
        chunks = segment(model, path, few).pred_logit
        model.chunk_frames = few
        whole = segment(model, path, few).pred_logit
    print(
        f'  largest difference of a logit in {few} frames, chunks and whole: '
        f'{float((chunks - whole).abs().max()):.1e}'
    )


def write_features(path: Path, frames: int, channels: int) -> None:
    """Write random features (T, C), not negative like those of a network with ReLU."""
    rng = np.random.default_rng(0)
    block = np.maximum(rng.standard_normal((10_000, channels), np.float32), 0)
    with path.open('wb') as file:
        header = {'descr': '<f4', 'fortran_order': False, 'shape': (frames, channels)}
        np.lib.format.write_array_header_1_0(file, header)
        for begin in range(0, frames, len(block)):
            # With the features in another order, so that all blocks are different.
            turned = np.roll(block, begin // len(block), axis=1)
            file.write(np.ascontiguousarray(turned[: frames - begin]).data)


def segment(model: ActionSegmentor, path: Path, frames: int) -> ActionDataSample:
    """Return the predicted sample of a video, given the file of its features."""
    item = {
        'frame_dir': 'long',
        'total_frames': frames,
        'feature_files': {'heatmap': [str(path)]},
    }
    batch = pseudo_collate([PackSegInputs()(LoadFrameFeatures()(item))])
    (sample,) = model.test_step(batch)
    return sample
