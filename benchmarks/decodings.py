"""Compares rules that make labels of kept probabilities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config

from benchmarks.candidates import DECISIVE, PROTOCOLS, SCORES, Runs, table
from mmskelseg.engine.cross_validation import CONVENTIONS
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.evaluation import SegmentationMetric
from mmskelseg.evaluation.metrics import report_of
from mmskelseg.evaluation.predictions import Sample, load_samples
from mmskelseg.runtime.decoding import min_duration
from mmskelseg.runtime.files.annotations import load_annotations, videos_of_split
from mmskelseg.runtime.jobs.events import Events
from mmskelseg.runtime.jobs.job import Job
from mmskelseg.runtime.messages.options import argument, option
from mmskelseg.runtime.structures.segments import segment_table

COSTS = range(7)


def likeliest_segments(score: np.ndarray, frames: int, cost: float) -> np.ndarray:
    """Return the labels (T,) that maximise the sum of logarithms minus the costs.

    Args:
        score: Probabilities, shape (K, T).
        frames: The shortest duration of a segment.
        cost: What each segment costs, in nats.
    """
    # No frame rules a class out.
    logs = np.log(np.maximum(score.T.astype(np.float64), 1e-12))
    sums = np.pad(np.cumsum(logs, axis=0), ((1, 0), (0, 0)))
    count, classes = score.shape[::-1]
    frames = min(frames, count)
    # Of labels that end in a class: their value minus the sum of this class, which
    # stays as long as they continue; where their last segment began, and the class
    # before it.
    gain = np.zeros(classes)
    begin = np.zeros((count + 1, classes), np.int32)
    before = np.zeros((count + 1, classes), np.int32)
    best, value = np.zeros(count + 1, np.int64), np.full(count + 1, -np.inf)
    for t in range(frames, count + 1):
        start = t - frames
        begin[t], before[t] = begin[t - 1], before[t - 1]
        added = value[start] - cost - sums[start]
        better = added > gain
        gain[better] = added[better]
        begin[t, better], before[t, better] = start, best[start]
        total = gain + sums[t]
        best[t] = total.argmax()
        value[t] = total[best[t]]
    labels = np.empty(count, np.int64)
    end, label = count, int(best[count])
    while end:
        start = begin[end, label]
        labels[start:end] = label
        end, label = int(start), int(before[end, label])
    return labels


def _durations(run: RunFolder) -> np.ndarray:
    """Return the durations of the training segments of a run, in frames."""
    config = run.path.parent.parent / f'{run.path.parent.name}.py'
    dataset = Config.fromfile(config).train_dataloader.dataset
    data = load_annotations(dataset.ann_file)
    videos = videos_of_split(data, dataset.split, dataset.ann_file)
    tables = [segment_table(video['label']) for video in videos]
    return np.concatenate([table[:, 1] - table[:, 0] for table in tables])


def _labels(
    score: np.ndarray, durations: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each rule and its labels of a video's probabilities (K, T)."""
    raw, frames = score.argmax(axis=0), int(np.percentile(durations, 5))
    yield 'none', raw
    yield 'merging', min_duration(raw, score, frames)
    counted = np.log(durations.mean() - 1) + np.log(len(score) - 1)
    costs = {f'cost_{c}': c for c in COSTS} | {'cost_counted': counted}
    for name, cost in costs.items():
        yield name, likeliest_segments(score, frames, cost)


def _scores(run: RunFolder) -> dict[str, np.ndarray]:
    """Return the scores of each rule in the test of a run."""
    content, durations = run.scores(), _durations(run)
    conventions = {key: content['conventions'][key] for key in CONVENTIONS}
    decoded: dict[str, list[Sample]] = {}
    for sample in load_samples(run.predictions).values():
        score = np.asarray(sample['pred_score'])
        for name, labels in _labels(score, durations):
            decoded.setdefault(name, []).append({**sample, 'pred_label': labels})
    found = {}
    for name, samples in decoded.items():
        metric = SegmentationMetric(len(content['classes']), **conventions)
        metrics = report_of(metric, samples)['metrics']
        found[name] = np.array([metrics[score] for score in SCORES.values()])
    return found


def found(rules: Mapping[str, Runs]) -> Runs:
    """Return the scores with the rule that is best on the other folds of a set."""
    decisive = [list(SCORES).index(score) for score in DECISIVE]
    names = ['merging', *(f'cost_{c}' for c in COSTS)]
    chosen = {}
    for fold, seed in rules['merging']:
        others = [key for key in rules['merging'] if key[0] != fold]
        if others:
            means = {
                name: np.mean([rules[name][key][decisive] for key in others])
                for name in names
            }
            best = max(means, key=means.__getitem__)
            chosen[fold, seed] = rules[best][fold, seed]
    return chosen


@dataclass(frozen=True, kw_only=True)
class Decodings(Job[None]):
    """Compares rules that make labels of kept probabilities, without any training.

        python -m benchmarks.candidates DATA WORK_DIR --candidate default= --seeds 0 1 2
        python -m benchmarks.decodings WORK_DIR --candidate default

    The rules, each with the 5th percentile of durations in training as its minimum:

      none         the likeliest class of each frame
      merging      `MinDuration`: short segments, from the shortest on, take the class
                   of the neighbour that is likelier in them
      cost_C       the likeliest segmentation without short segments, where each segment
                   costs C nats: 0 to 6
      cost_counted the same with C = log(m - 1) + log(K - 1), where m is the mean
                   duration of the K classes' segments in training: a semi-Markov model
                   of uniform transitions and durations with a geometric tail
      cost_found   the same with the C from 0 to 6 that has the best mean of F1@10,
                   F1@50 and Edit on the other folds of the set; merging, if that is
                   better
    """

    work_dir: Path = argument('that of benchmarks.candidates', metavar='WORK_DIR')
    candidate: str = option('default: %(default)s', 'default', metavar='NAME')
    against: str = option('default: %(default)s', 'merging', metavar='RULE')

    def run(self, events: Events) -> None:
        """Print the scores of each rule, and of the one found on the other folds."""
        finished: dict[tuple[str, str], dict] = {}
        for each in PROTOCOLS:
            folder = self.work_dir / each / self.candidate
            for file in sorted(folder.glob('*/seed_*/metrics.json')):
                fold, seed = file.parts[-3:-1]
                key = fold, int(seed.removeprefix('seed_'))
                for rule, scores in _scores(RunFolder(file.parent)).items():
                    finished.setdefault((each, rule), {})[key] = scores
        rules = dict.fromkeys(rule for _, rule in finished)
        for each in dict.fromkeys(name for name, _ in finished):
            own = {rule: finished[each, rule] for rule in rules}
            finished[each, 'cost_found'] = dict(found(own))
        events.note(table(finished, self.against))


if __name__ == '__main__':
    Decodings.main()
