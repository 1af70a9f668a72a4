"""Labels and files of a million frames, from their probabilities.

Decodes one recording of --frames frames at 30 fps, with segments of 3 s and noise that
breaks them into many, merges what is shorter than half a second, drops what little
speaks for, and writes the files that `mmskelseg segment` writes by default. Times are
CPU times of one thread.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np

from benchmarks.measuring import machine
from mmskelseg_io.messages.tables import text_table
from mmskelseg_runtime.decoding.steps import decode
from mmskelseg_runtime.segmenting.exports import write_exports
from mmskelseg_runtime.segmenting.predictions import to_prediction

FPS = 30


def noisy_probabilities(frames: int, classes: int) -> np.ndarray:
    """Return probabilities (K, T)."""
    rng = np.random.default_rng(0)
    length = 3 * FPS
    labels = rng.integers(classes, size=frames // length + 1).repeat(length)[:frames]
    logits = rng.standard_normal((classes, frames), np.float32)
    logits[labels, np.arange(frames)] += 3
    scores = np.exp(logits)
    return scores / scores.sum(axis=0)


def run(args: argparse.Namespace) -> None:
    """Print the time of each part."""
    scores = noisy_probabilities(args.frames, args.classes)
    follows = np.ones((args.classes, args.classes), int).tolist()
    steps = [
        {'type': 'MinDuration', 'frames': FPS // 2},
        {'type': 'ActionOrder', 'follows': follows, 'frames': 1, 'cost': 5.0},
    ]
    began = process_time()
    decoded = decode({'pred_score': scores}, steps=[steps])
    was_decoded = process_time()
    meta: Any = {'classes': [f'class {k}' for k in range(args.classes)]}
    video: Any = {'frame_dir': 'long', 'total_frames': args.frames, 'fps': float(FPS)}
    prediction = to_prediction(video, decoded, meta)
    with TemporaryDirectory() as folder:
        files = write_exports(prediction, folder)
        size = sum(Path(file).stat().st_size for file in files)
    ended = process_time()
    segments = [
        1 + np.count_nonzero(np.diff(decoded[k])) for k in decoded if 'label' in k
    ]
    print(machine(args))
    rows = [
        ['', 's'],
        [
            f'{max(segments):,} segments merged into {min(segments):,}',
            f'{was_decoded - began:.2f}',
        ],
        [f'{len(files)} files of {size / 1e6:.1f} MB', f'{ended - was_decoded:.2f}'],
        ['together', f'{ended - began:.2f}'],
    ]
    print(*text_table(rows), sep='\n')
