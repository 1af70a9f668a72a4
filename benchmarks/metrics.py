"""Computation of scores for a million frames.

Scores random labels, with nearly one segment per frame, with mmskelseg.evaluation and
with plain code: lists of segments, the textbook algorithm for edit distances, comparing
every segment with every other, and scikit-learn's average precision. It uses one thread
and medians of CPU time, so that other programs on the machine hardly matter.

Plain code for segments takes seconds per video, so it only scores the first
--plain-videos, and its time is extrapolated. The memory is the peak that Python and
NumPy allocate in addition to labels and scores.
"""

import argparse
import time
from collections.abc import Mapping
from functools import partial
from itertools import groupby

import numpy as np

from benchmarks.measuring import peak_memory, seconds
from mmskelseg.evaluation import (
    SegmentationMetric,
    edit_score,
    frame_accuracy,
    frame_map,
    segmental_f1,
)
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.tables import text_table

try:
    from sklearn.metrics import average_precision_score
except ModuleNotFoundError as error:
    raise UserError(
        'benchmark.py metrics compares with scikit-learn, which is not installed: run '
        '`pip install scikit-learn`.'
    ) from error

OVERLAPS = (0.10, 0.25, 0.50)


def random_videos(
    videos: int, frames: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and true labels (N, 2, T), and probabilities (K, N, T)."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, (videos, 2, frames))
    scores = np.exp(rng.standard_normal((classes, videos, frames), np.float32))
    return labels, scores / scores.sum(axis=0)


def our_segmental(labels: np.ndarray) -> list[list[float]]:
    """Return accuracy, edit score and F1 of each video."""
    return [
        [
            frame_accuracy(pred, gt),
            edit_score(pred, gt),
            *(segmental_f1(pred, gt, overlap) for overlap in OVERLAPS),
        ]
        for pred, gt in labels
    ]


def plain_segmental(labels: np.ndarray) -> list[list[float]]:
    """Return the same, computed with lists."""
    return [
        [
            100 * sum(p == g for p, g in zip(pred, gt, strict=True)) / len(gt),
            plain_edit(pred, gt),
            *(plain_f1(pred, gt, overlap) for overlap in OVERLAPS),
        ]
        for pred, gt in labels.tolist()
    ]


def plain_edit(pred: list[int], gt: list[int]) -> float:
    """Return the edit score, from the table of distances, row by row."""
    first, second = ([label for label, _ in groupby(x)] for x in (pred, gt))
    row = list(range(len(second) + 1))
    for done, label in enumerate(first, start=1):
        corner, row[0] = row[0], done
        for column, other in enumerate(second, start=1):
            least = min(row[column], row[column - 1]) + 1
            corner, row[column] = row[column], min(least, corner + (label != other))
    return 100 * (1 - row[-1] / max(len(first), len(second)))


def plain_f1(pred: list[int], gt: list[int], overlap: float) -> float:
    """Return F1, by comparing each predicted segment with every true one."""
    start, end, label = np.array(plain_segments(gt)).T
    predicted = plain_segments(pred)
    matched = np.zeros(len(start), dtype=bool)
    for first, last, wanted in predicted:
        shared = np.minimum(end, last) - np.maximum(start, first)
        covered = np.maximum(end, last) - np.minimum(start, first)
        iou = np.where(label == wanted, shared / covered, 0)
        best = int(np.argmax(iou))
        matched[best] |= iou[best] >= overlap
    return 200 * float(matched.sum()) / (len(predicted) + len(start))


def plain_segments(labels: list[int]) -> list[tuple[int, int, int]]:
    """Return (start, end, label) of each run."""
    segments, start = [], 0
    for label, run in groupby(labels):
        end = start + len(list(run))
        segments.append((start, end, label))
        start = end
    return segments


def plain_map(scores: np.ndarray, gt: np.ndarray) -> float:
    """Return scikit-learn's average precision, as a mean over the classes present."""
    present = np.unique(gt)
    precisions = [average_precision_score(gt == k, scores[k]) for k in present]
    return 100 * float(np.mean(precisions))


def evaluate(labels: np.ndarray, scores: np.ndarray) -> Mapping[str, float]:
    metric = SegmentationMetric(len(scores))
    for i, (pred, gt) in enumerate(labels):
        video = {'frame_dir': str(i), 'pred_label': pred, 'gt_label': gt}
        metric.process(None, [{**video, 'pred_score': scores[:, i]}])
    return metric.evaluate(len(labels))


def run(args: argparse.Namespace) -> None:
    """Print times, the largest difference between both results, and memory."""
    labels, scores = random_videos(args.videos, args.frames, args.classes)
    few = labels[: args.plain_videos]
    print(
        f'random labels, {args.videos} videos of {args.frames} frames, {args.classes} '
        'classes, one thread, medians of processor time; segments by plain code: '
        f'{len(few)} video(s), scaled'
    )
    timed = partial(seconds, repeats=args.repeats, clock=time.process_time, warm=False)
    frames = scores.reshape(args.classes, -1), labels[:, 1].ravel()
    slow = timed(lambda: plain_segmental(few), repeats=1) * len(labels) / len(few)
    fast = timed(lambda: our_segmental(labels))
    by_sklearn = timed(lambda: plain_map(*frames))
    whole = timed(lambda: evaluate(labels, scores))
    rows = [
        ['', 'plain', 'mmskelseg', 'ratio'],
        row('accuracy, edit, F1@10/25/50', slow, fast),
        row('mAP', by_sklearn, timed(lambda: frame_map(*frames))),
        ['SegmentationMetric, all', '', f'{whole:.2f} s', ''],
    ]
    print(*text_table(rows), sep='\n')
    segmental = np.subtract(our_segmental(few), plain_segmental(few))
    by_frame = abs(frame_map(*frames) - plain_map(*frames))
    print(
        f'largest difference, in percent: {np.abs(segmental).max():.1e} of accuracy, '
        f'edit and F1, {by_frame:.1e} of mAP'
    )
    for videos in (max(1, args.videos // 2), args.videos):
        part = labels[:videos], scores[:, :videos]
        size = sum(values.nbytes for values in part)
        extra = peak_memory(partial(evaluate, *part))
        print(
            f'memory of SegmentationMetric, {videos} videos: input '
            f'{size / 1e6:.2f} MB, extra {extra / 1e6:.2f} MB'
        )


def row(name: str, plain: float, ours: float) -> list[str]:
    return [name, f'{plain:.2f} s', f'{ours:.2f} s', f'{plain / ours:.1f}']
