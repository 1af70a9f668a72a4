"""Compares rules that make labels of kept probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from benchmarks.candidates import PROTOCOLS, SCORES, table
from mmskelseg.checkpoints.reading import load_checkpoint, tensors_of
from mmskelseg.engine.cross_validation import CONVENTIONS
from mmskelseg.engine.hooks.fit_statistics_hook import predicted_videos
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.evaluation import SegmentationMetric
from mmskelseg.evaluation.metrics import report_of
from mmskelseg.evaluation.predictions import Sample, load_samples
from mmskelseg.models.postprocessors import ActionOrder, MinDuration
from mmskelseg.registry import DATASETS, MODELS
from mmskelseg_io.files.work_folders import find_latest_checkpoint
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures.segments import resolve_background
from mmskelseg_runtime.decoding import action_order, min_duration

#: A function of probabilities (K, T) that gives labels (T,).
Rule: TypeAlias = Callable[[np.ndarray], np.ndarray]

COSTS = range(7)


def _rules(run: RunFolder) -> dict[str, Rule]:
    """Return the rules for a run, fitted to its training videos."""
    cfg = Config.fromfile(run.path.parent.parent / f'{run.path.parent.name}.py')
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    model = MODELS.build(cfg.model)
    file = str(find_latest_checkpoint(run.path))
    # Not strict, since a step may have been added since.
    model.load_state_dict(tensors_of(load_checkpoint(file), file), strict=False)
    labels = [np.asarray(video['label']) for _, video in dataset.videos()]
    shortest = MinDuration()
    shortest.fit(labels)
    meta = dataset.metainfo
    background = resolve_background(meta['background'], meta['classes'])
    order, script = (ActionOrder(len(meta['classes']), b) for b in (None, background))
    order.fit(labels)
    script.fit(labels)
    order.weigh(predicted_videos(model, dataset))

    def merged(score: np.ndarray) -> np.ndarray:
        return min_duration(score.argmax(axis=0), score, int(shortest.shortest))

    def ordered(step: ActionOrder, **own: float) -> Rule:
        options: Any = {**step.options(), **own}
        return lambda score: action_order(merged(score), score, **options)

    cost = float(order.cost)
    return {
        'none': lambda score: score.argmax(axis=0),
        'merging': merged,
        **{f'order_{c}': ordered(order, frames=1, cost=c) for c in COSTS},
        'order': ordered(order, frames=1),
        'script_0': ordered(script),
        'script': ordered(script, cost=cost),
    }


def _scores(run: RunFolder) -> dict[str, np.ndarray]:
    """Return the scores of each rule in the test of a run."""
    content, rules = run.scores(), _rules(run)
    conventions = {key: content.conventions[key] for key in CONVENTIONS}
    decoded: dict[str, list[Sample]] = {}
    for sample in load_samples(run.predictions).values():
        score = np.asarray(sample['pred_score'])
        for name, rule in rules.items():
            labels = rule(score)
            decoded.setdefault(name, []).append({**sample, 'pred_label': labels})
    found = {}
    for name, samples in decoded.items():
        metric = SegmentationMetric(len(content.classes), **conventions)
        metrics = report_of(metric, samples)['metrics']
        found[name] = np.array([metrics[score] for score in SCORES.values()])
    return found


@dataclass(frozen=True, kw_only=True)
class Decodings(Job[None]):
    """Compares rules that make labels of kept probabilities, without any training.

        python -m benchmarks.candidates DATA WORK_DIR --candidate default= --seeds 0 1 2
        python -m benchmarks.decodings WORK_DIR --candidate default

    The rules, each with the 5th percentile of durations in training as its minimum:

      none      the likeliest class of each frame
      merging   `MinDuration`: short segments, from the shortest on, take the class of
                the neighbour that is likelier in them
      order_C   `ActionOrder` after that, where the order counts as much as a frame, and
                a segment costs C nats: 0 to 6
      order     the same with the cost that the training videos give
      script    `ActionOrder` with background, where the order counts as much as half
                of an action's median duration, with this cost; script_0 without it
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
        events.note(table(finished, self.against))


if __name__ == '__main__':
    Decodings.main()
