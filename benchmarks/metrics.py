"""Scores of a million frames.

Scores random labels, which have nearly one segment a frame, by mmskelseg.evaluation and
by plain code: lists of segments, the textbook's table of edit distances, every segment
compared with every other, and scikit-learn's average precision. One run, one thread,
medians of processor time, so that other programs on the machine change them little.

Plain code for segments takes seconds a video: it scores the first --plain-videos, and
its time is scaled to all of them. Memory is the most that Python and NumPy allocate
beyond the labels and scores.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np

from benchmarks.measuring import median_seconds, peak_memory
from mmskelseg.evaluation import (
    SegmentationMetric,
    edit_score,
    frame_accuracy,
    frame_map,
    segmental_f1,
)
from mmskelseg.utils.errors import UserError
from mmskelseg.utils.tables import text_table

try:
    from sklearn.metrics import average_precision_score
except ModuleNotFoundError as error:
    raise UserError(
        'benchmark.py metrics compares with scikit-learn, which is not installed: run '
        '`pip install scikit-learn`.'
    ) from error

OVERLAPS = (0.10, 0.25, 0.50)

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]


class Sample(NamedTuple):
    """Labels (T,) of each video, predicted and true, and scores (K, all frames)."""

    pairs: Pairs
    scores: np.ndarray

    @property
    def gt(self) -> np.ndarray:
        return np.concatenate([gt for _, gt in self.pairs])

    def part(self, videos: int) -> 'Sample':
        """Return the first videos alone."""
        pairs = self.pairs[:videos]
        return Sample(pairs, self.scores[:, : sum(len(gt) for _, gt in pairs)])


def random_sample(videos: int, frames: int, classes: int) -> Sample:
    """Return random labels, and probabilities of the classes in float32."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, (videos, 2, frames))
    scores = np.exp(rng.standard_normal((classes, videos * frames), np.float32))
    scores /= scores.sum(axis=0)
    return Sample([(pred, gt) for pred, gt in labels], scores)


def our_segmental(pairs: Pairs) -> list[list[float]]:
    """Return accuracy, edit score and F1 of each video."""
    return [
        [
            frame_accuracy(pred, gt),
            edit_score(pred, gt),
            *(segmental_f1(pred, gt, overlap) for overlap in OVERLAPS),
        ]
        for pred, gt in pairs
    ]


def plain_segmental(pairs: Pairs) -> list[list[float]]:
    """Return the same by lists."""
    return [
        [
            100 * sum(p == g for p, g in zip(pred, gt, strict=True)) / len(gt),
            plain_edit(pred, gt),
            *(plain_f1(pred, gt, overlap) for overlap in OVERLAPS),
        ]
        for pred, gt in ((pred.tolist(), gt.tolist()) for pred, gt in pairs)
    ]


def plain_edit(pred: list[int], gt: list[int]) -> float:
    """Return the edit score from the table of distances, row by row."""
    first, second = ([label for label, _ in groupby(x)] for x in (pred, gt))
    row = list(range(len(second) + 1))
    for done, label in enumerate(first, start=1):
        corner, row[0] = row[0], done
        for column, other in enumerate(second, start=1):
            least = min(row[column], row[column - 1]) + 1
            corner, row[column] = row[column], min(least, corner + (label != other))
    return 100 * (1 - row[-1] / max(len(first), len(second)))


def plain_f1(pred: list[int], gt: list[int], overlap: float) -> float:
    """Return F1 by comparing each predicted segment with every true one."""
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


def plain_map(sample: Sample) -> float:
    """Return scikit-learn's average precision, as a mean over the classes present."""
    gt = sample.gt
    scores = [
        average_precision_score(gt == label, sample.scores[label])
        for label in np.unique(gt)
    ]
    return 100 * float(np.mean(scores))


def evaluate(sample: Sample) -> Mapping[str, float]:
    """Return what ``SegmentationMetric`` makes of the videos."""
    metric = SegmentationMetric(len(sample.scores))
    end = 0
    for index, (pred, gt) in enumerate(sample.pairs):
        start, end = end, end + len(gt)
        video = {
            'frame_dir': str(index),
            'pred_label': pred,
            'gt_label': gt,
            'pred_score': sample.scores[:, start:end],
        }
        metric.process(None, [video])
    return metric.evaluate(len(sample.pairs))


def run(args: argparse.Namespace) -> None:
    """Print times, the largest difference between both codes, and memory."""
    sample = random_sample(args.videos, args.frames, args.classes)
    few = sample.part(args.plain_videos)
    print(
        f'random labels, {args.videos} videos of {args.frames} frames, {args.classes} '
        'classes, one thread, medians of processor time; segments by plain code: '
        f'{len(few.pairs)} video(s), scaled'
    )
    print_times(sample, few, args.repeats)
    segmental = np.subtract(our_segmental(few.pairs), plain_segmental(few.pairs))
    by_frame = abs(frame_map(sample.scores, sample.gt) - plain_map(sample))
    print(
        f'largest difference, in percent: {np.abs(segmental).max():.1e} of accuracy, '
        f'edit and F1, {by_frame:.1e} of mAP'
    )
    for part in (sample.part(max(1, args.videos // 2)), sample):
        size = part.scores.nbytes + sum(p.nbytes + g.nbytes for p, g in part.pairs)
        extra = peak_memory(partial(evaluate, part))
        print(
            f'memory of SegmentationMetric, {len(part.pairs)} videos: input '
            f'{size / 1e6:.2f} MB, extra {extra / 1e6:.2f} MB'
        )


def seconds(function: Callable[[], object], repeats: int) -> float:
    (median,) = median_seconds([function], repeats, time.process_time, warm=False)
    return median


def print_times(sample: Sample, few: Sample, repeats: int) -> None:
    pairs, gt = sample.pairs, sample.gt
    slow = (
        seconds(lambda: plain_segmental(few.pairs), 1) * len(pairs) / len(few.pairs),
        seconds(lambda: plain_map(sample), repeats),
    )
    fast = (
        seconds(lambda: our_segmental(pairs), repeats),
        seconds(lambda: frame_map(sample.scores, gt), repeats),
    )
    whole = seconds(lambda: evaluate(sample), repeats)
    rows = [['', 'plain', 'mmskelseg', 'ratio']]
    names = ('accuracy, edit, F1@10/25/50', 'mAP')
    for name, plain, ours in zip(names, slow, fast, strict=True):
        rows.append([name, f'{plain:.2f} s', f'{ours:.2f} s', f'{plain / ours:.1f}'])
    rows.append(['SegmentationMetric, all', '', f'{whole:.2f} s', ''])
    print(*text_table(rows), sep='\n')
