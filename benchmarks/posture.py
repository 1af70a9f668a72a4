"""Compares the REBA scores of joints with those in an annotation file (`risk`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from mmskelseg_behaviour.posture.scores import read_station
from mmskelseg_behaviour.posture.tasks import assess
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures.annotations import AnnotationFile


def agreement(low: np.ndarray, high: np.ndarray, given: np.ndarray) -> list[float]:
    """Return how far ranges agree with given scores, each of shape (n,).

    In percent: given scores within a point of the low end, of the middle, of the high
    end, and of the nearest value of the range; then Spearman's correlation of the
    middle, and by how much the middle is higher.
    """
    middle = (low + high) / 2
    nearest = np.clip(given, low, high)
    within = [
        100 * (np.abs(values - given) <= 1).mean()
        for values in (low, middle, high, nearest)
    ]
    return [*within, spearmanr(middle, given).statistic, (middle - given).mean()]


def compared(
    data: AnnotationFile, station: Path | None
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield video, class, and low end, high end and given score of frames, (3, n)."""
    meta = data['metainfo']
    work = read_station(station, meta['classes']) if station else {}
    for video in data['annotations']:
        _, risk = assess(video, video['label'], meta, work)
        reba = risk.scores['reba']
        scores = np.stack([reba.low, reba.high, video['risk']])
        for k in np.unique(video['label'][video['label'] >= 0]):
            yield video['frame_dir'], meta['classes'][k], scores[:, video['label'] == k]


@dataclass(frozen=True, kw_only=True)
class ComparePostures(Job[None]):
    """Compares the REBA scores of joints with those in an annotation file (`risk`).

    python -m benchmarks.posture data/uwiom/annotations.pkl
    """

    ann_file: Path = argument('annotation file with risk and 3D joints', metavar='ANN')
    station: Path | None = option('work in each class', None, metavar='FILE')

    def run(self, events: Events) -> None:
        """Print the agreement by frame, by class of a video, and of each class."""
        found = [*compared(load_annotations(self.ann_file), self.station)]
        constant = sum(len(np.unique(scores[2])) == 1 for *_, scores in found)
        events.note(f'{constant} of {len(found)} classes of a video have one score')
        head = ('low', 'middle', 'high', 'range', 'rho', 'bias')
        events.note(f'{"":24}' + ''.join(f'{name:>8}' for name in head))
        frames = np.concatenate([scores for *_, scores in found], axis=1)
        events.note(_row('frames', agreement(*frames)))
        means = np.array([scores.mean(axis=1) for *_, scores in found]).T
        events.note(_row('classes of a video', agreement(*means)))
        by_class: dict[str, list[np.ndarray]] = {}
        for _, name, scores in found:
            by_class.setdefault(name, []).append(scores)
        overall = {k: np.concatenate(own, axis=1) for k, own in by_class.items()}
        table = np.array([scores.mean(axis=1) for scores in overall.values()]).T
        events.note(_row('classes', agreement(*table)))
        for name, scores in overall.items():
            low, high, given = scores.mean(axis=1)
            values = agreement(*scores)
            own = np.array([one.mean(axis=1) for one in by_class[name]]).T
            values[4] = spearmanr(own[0] + own[1], own[2]).statistic
            means_ = f'   {low:.2f} to {high:.2f}, given {given:.2f}'
            events.note(_row(name, values) + means_)


def _row(name: str, values: list[float]) -> str:
    return f'{name:24}' + ''.join(f'{value:8.2f}' for value in values)


if __name__ == '__main__':
    ComparePostures.main()
