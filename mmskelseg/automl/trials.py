"""The trainings of a fit: trials of candidates, and the final model."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmskelseg.automl.folds import FitData
from mmskelseg.automl.model_folder import ModelFolder
from mmskelseg.automl.planning import PART, Candidate
from mmskelseg.converters.checkpoints.publish_model import PublishModel
from mmskelseg.engine.choosing import choose
from mmskelseg.engine.cross_validation import run_folder, settings_of
from mmskelseg.engine.jobs import Test
from mmskelseg.engine.new_config import Choice
from mmskelseg.engine.run_folder import RunFolder, changed_settings
from mmskelseg.export.export import export_onnx
from mmskelseg_behaviour.functional.report import summarize_runs
from mmskelseg_behaviour.functional.significance import (
    CLEAR,
    Difference,
    paired_bootstrap,
)
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError, reading

# Scores that are averaged to compare candidates.
_SCORES = ('f1@10', 'f1@25', 'f1@50')
# Timelines of all test videos take more than half of the time of a test.
_NO_PICTURES = {'default_hooks.visualization.enable': False}
# Candidates that differ by less count as equal, unless the difference is clear.
_LEVEL = 1.0


@dataclass(frozen=True)
class Trial:
    """The cross-validation of a candidate, with a run for each fold, or its final run.

    ``length`` is the part of a full training that each run has, and ``choice`` what
    they train.
    """

    candidate: Candidate
    length: float
    choice: Choice
    config: Path
    runs: Sequence[RunFolder]

    @cached_property
    def f1_of_videos(self) -> dict[str, float]:
        """The mean F1 of each held-out video, in percent."""
        found = {}
        for run in self.runs:
            with reading(run.path / 'metrics.json'):
                for name, scores in run.report()['per_video'].items():
                    found[name] = float(np.mean([scores[key] for key in _SCORES]))
        return found

    @cached_property
    def f1(self) -> float:
        """F1@10, the mean over folds, in percent."""
        runs = {(str(run.settings['fold']), 0): run.report() for run in self.runs}
        return summarize_runs(runs)['over_folds']['scores']['f1@10']['mean']

    @property
    def score(self) -> float:
        """The mean over all held-out videos."""
        return float(np.mean(list(self.f1_of_videos.values())))


@dataclass(frozen=True)
class Setup:
    """What a fit works with: its folder, its data and its seed."""

    folder: ModelFolder
    data: FitData
    seed: int
    _choices: dict[tuple[str, tuple[str, str]], Choice] = field(default_factory=dict)

    def begin(self, settings: Mapping[str, object]) -> None:
        """Write the data and the settings, or check that they are the same.

        A fit without a plan has trained nothing, so it may get other settings.

        Raises:
            UserError: If the folder has another fit.
        """
        path, file = self.folder.path, self.folder.settings
        if self.folder.plan.is_file():
            if changed := changed_settings(file, settings):
                raise UserError(
                    f'{path}: has a fit with other settings: {"; ".join(changed)}. '
                    'Name another folder with --out, or remove this one.'
                )
            return
        if not file.is_file() and path.is_dir() and any(path.iterdir()):
            raise UserError(
                f'{path}: has files that are not of `mmskelseg fit`; name another '
                'folder with --out.'
            )
        atomic_write_text(file, json.dumps(settings, indent=1))
        save_annotations(self.data.annotations, self.folder.ann_file)

    def timing(self, candidate: Candidate, process: int) -> Config:
        """Return the config of a short training whose steps a process times."""
        file = self.folder.speed.parent / f'{candidate.name}_{process}' / 'config.py'
        return self._choice(candidate, self.data.splits).shortened(PART).write(file)

    def trial(self, candidate: Candidate, length: float, half: bool = False) -> Trial:
        """Return the cross-validation of a candidate, on all labels or half of them."""
        folds = self.data.halves if half else self.data.folds
        name = f'{candidate.name}_{length:g}' + '_half' * half
        splits = {fold: (f'{fold}/train', f'{fold}/test') for fold in folds}
        return self._trial(candidate, length, name, splits)

    def whole(self, candidate: Candidate, length: float, name: str = 'final') -> Trial:
        """Return the training of the final model, or another on the same videos."""
        found = self._trial(candidate, length, name, {name: self.data.splits})
        # It is tested later, when its temperature is known.
        return replace(found, runs=[replace(run, test=None) for run in found.runs])

    def _trial(
        self,
        candidate: Candidate,
        length: float,
        name: str,
        splits: Mapping[str, tuple[str, str]],
    ) -> Trial:
        file = self.folder.runs / name / 'config.py'
        choice = self._choice(candidate, next(iter(splits.values()))).shortened(length)
        cfg = choice.write(file)
        settings = settings_of(cfg)
        cfg = deepcopy(cfg)
        cfg.work_dir = str(file.parent)
        cfg.merge_from_dict(_NO_PICTURES)
        runs = [
            run_folder(cfg, fold, pair, self.seed, settings)
            for fold, pair in splits.items()
        ]
        return Trial(candidate, length, choice, file, runs)

    def _choice(self, candidate: Candidate, splits: tuple[str, str]) -> Choice:
        """Return the config of a candidate for two splits, which is chosen once."""
        file = self.folder.ann_file
        if splits == self.data.splits:
            return replace(candidate.choice, ann_file=file)
        key = candidate.name, splits
        if key not in self._choices:
            data, request = self.data.annotations, candidate.request
            self._choices[key] = choose(data, file, splits, request)
        return self._choices[key]


def finish(
    folder: ModelFolder, cfg: Config, trained: Path, has_test: bool, events: Events
) -> None:
    """Write, test and export the final model, from the folder of its training."""
    PublishModel(src=trained, dst=folder.model, config=cfg).run(events)
    if has_test:
        folder.tested.mkdir(exist_ok=True)
        Test(
            config=cfg,
            checkpoints=[str(folder.model)],
            work_dir=str(folder.tested),
            dump=str(folder.predictions),
        ).run(events)
    export_onnx(cfg, [str(folder.model)], str(folder.exported))


def best_of(trials: Sequence[Trial], persons: Mapping[str, str]) -> Trial:
    """Return the cheapest trial that is about as good as the best.

    It is within a point of mean F1, and the difference is not clear.

    Args:
        trials: Finished trials on the same folds; of equally long ones, the first wins.
        persons: The person in each video; they are resampled together.
    """
    best = max(trials, key=lambda trial: trial.score)
    level = [
        trial
        for trial in trials
        if trial is best
        or (
            (best.score - trial.score < _LEVEL)
            and difference(trial, best, persons).p >= CLEAR
        )
    ]
    return min(level, key=lambda trial: trial.candidate.seconds)


def difference(trial: Trial, to: Trial, persons: Mapping[str, str]) -> Difference:
    """Return the difference of a trial from another one, in mean F1."""
    names = list(to.f1_of_videos)
    first, second = ([t.f1_of_videos[name] for name in names] for t in (trial, to))
    return paired_bootstrap(first, second, groups=[persons[name] for name in names])
