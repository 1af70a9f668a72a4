"""The folder of a fit: its data, trainings and final model."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmskelseg.automl.folds import fold_splits
from mmskelseg.automl.planning import PART, Candidate
from mmskelseg.converters.checkpoints.publish_model import PublishModel
from mmskelseg.engine.choosing import choose
from mmskelseg.engine.cross_validation import run_folder, settings_of
from mmskelseg.engine.jobs import Test
from mmskelseg.engine.run_folder import PREDICTIONS, RunFolder, changed_settings
from mmskelseg.export.export import export_onnx
from mmskelseg_behaviour.functional.report import summarize_runs
from mmskelseg_behaviour.functional.significance import (
    CLEAR,
    Difference,
    paired_bootstrap,
)
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.work_folders import FITTED
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError, reading
from mmskelseg_io.structures.annotations import AnnotationFile
from mmskelseg_io.structures.tiers import labelled_frames

# Scores that are averaged to compare candidates.
_SCORES = ('f1@10', 'f1@25', 'f1@50')
# Timelines of all test videos take more than half of the time of a test.
_NO_PICTURES = {'default_hooks.visualization.enable': False}
# Candidates that differ by less count as equal, unless the difference is clear.
_LEVEL = 1.0


@dataclass(frozen=True)
class Trial:
    """The cross-validation of a candidate, with a run for each fold, or its final run.

    ``length`` is the part of a full training that each run has.
    """

    candidate: Candidate
    length: float
    config: Path
    runs: Sequence[RunFolder]

    @cached_property
    def by_video(self) -> dict[str, float]:
        """The mean F1 of each held-out video, in percent."""
        found = {}
        for run in self.runs:
            with reading(run.path / 'metrics.json'):
                for name, scores in run.report()['per_video'].items():
                    found[name] = float(np.mean([scores[key] for key in _SCORES]))
        return found

    @property
    def steps(self) -> int:
        """About how many steps each run has."""
        return self.candidate.choice.plan.shortened(self.length).steps

    @cached_property
    def f1(self) -> float:
        """F1@10, the mean over folds, in percent."""
        runs = {(str(run.settings['fold']), 0): run.report() for run in self.runs}
        return summarize_runs(runs)['over_folds']['scores']['f1@10']['mean']

    @property
    def score(self) -> float:
        """The mean over all held-out videos."""
        return float(np.mean(list(self.by_video.values())))


class ModelFolder:
    """The folder that a fit writes.

    ``annotations.pkl`` has the data with the folds; ``runs`` all trainings; ``test``
    the test of the final model; ``config.py``, ``model.safetensors`` and ``model.onnx``
    are that model, and ``report.html`` and ``report.json`` say how good it is.
    ``persons`` are those of the training videos.
    """

    def __init__(
        self,
        path: Path,
        data: AnnotationFile,
        train: Sequence[str],
        test: Sequence[str],
        persons: Mapping[str, str],
        seed: int,
    ) -> None:
        self.path = path
        #: The data with the folds.
        self.ann_file = path / 'annotations.pkl'
        #: The config of the final model, the model, and the model as an ONNX file.
        self.config = path / 'config.py'
        self.model = path / FITTED
        self.exported = path / 'model.onnx'
        #: The folder of the test of the final model.
        self.tested = path / 'test'
        #: What is trained, as JSON; it is there before the first training.
        self.plan = path / 'plan.json'
        #: How many times as long as assumed steps of candidates take, as JSON.
        self.speed = path / 'runs' / 'speed' / 'paces.json'
        self.seed = seed
        self.persons = persons
        self.has_test = bool(test)
        known = {video['frame_dir']: video for video in data['annotations']}
        splits = {'train': list(train), **({'test': list(test)} if test else {})}
        splits |= dict(fold_splits([known[name] for name in train], persons))
        tests = [name.partition('/')[0] for name in splits if name.endswith('/test')]
        self.folds = [name for name in tests if name.startswith('fold')]
        self.halves = [name for name in tests if name.startswith('half')]
        kept = dict.fromkeys([*train, *test])
        self.data: AnnotationFile = {
            'split': splits,
            'annotations': [known[name] for name in kept],
            'metainfo': data['metainfo'],
        }

    @property
    def splits(self) -> tuple[str, str]:
        """The splits of the final model; without test videos, those of a fold."""
        without = f'{self.folds[0]}/test' if self.folds else 'train'
        return 'train', 'test' if self.has_test else without

    @property
    def half_share(self) -> float:
        """The share of a fold's labelled frames that is about half of them."""
        frames = {
            video['frame_dir']: int(labelled_frames(video['label']).sum())
            for video in self.data['annotations']
        }
        half, whole = (
            [n for fold in folds for n in self.data['split'][f'{fold}/train']]
            for folds in (self.halves, self.folds)
        )
        return sum(frames[name] for name in half) / sum(frames[name] for name in whole)

    def begin(self, settings: Mapping[str, object]) -> None:
        """Write the data and the settings, or check that they are the same.

        A fit without a plan has trained nothing, so it may get other settings.

        Raises:
            UserError: If the folder has another fit.
        """
        file = self.path / 'fit.json'
        if self.plan.is_file():
            if changed := changed_settings(file, settings):
                raise UserError(
                    f'{self.path}: has a fit with other settings: '
                    f'{"; ".join(changed)}. Name another folder with --out, or remove '
                    'this one.'
                )
            return
        if not file.is_file() and self.path.is_dir() and any(self.path.iterdir()):
            raise UserError(
                f'{self.path}: has files that are not of `mmskelseg fit`; name another '
                'folder with --out.'
            )
        atomic_write_text(file, json.dumps(settings, indent=1))
        save_annotations(self.data, self.ann_file)

    def timing(self, candidate: Candidate, process: int) -> Config:
        """Return the config of a short training whose steps a process times."""
        name = f'{candidate.name}_{process}'
        file = self.path / 'runs' / 'speed' / name / 'config.py'
        return self._write_config(file, candidate, self.splits, PART)

    def trial(self, candidate: Candidate, length: float, half: bool = False) -> Trial:
        """Return the cross-validation of a candidate, on all labels or half of them."""
        folds = self.halves if half else self.folds
        name = f'{candidate.name}_{length:g}' + '_half' * half
        file = self.path / 'runs' / name / 'config.py'
        splits = [(f'{fold}/train', f'{fold}/test') for fold in folds]
        cfg = self._write_config(file, candidate, splits[0], length)
        runs = [self._run(cfg, *pair) for pair in zip(folds, splits, strict=True)]
        return Trial(candidate, length, file, runs)

    def final(self, candidate: Candidate, length: float) -> Trial:
        """Return the training of the final model."""
        file = self.path / 'runs' / 'final' / 'config.py'
        cfg = self._write_config(file, candidate, self.splits, length)
        # It is tested later, when its temperature is known.
        run = replace(self._run(cfg, 'final', self.splits), test=None)
        return Trial(candidate, length, file, [run])

    def final_config(
        self, candidate: Candidate, length: float, temperature: float
    ) -> Config:
        """Write and return the config of the final model."""
        given = candidate, self.splits, length, temperature
        return self._write_config(self.config, *given)

    def finish(self, cfg: Config, trained: Path, events: Events) -> None:
        """Write, test and export the final model, from the folder of its training."""
        PublishModel(src=trained, dst=self.model, config=cfg).run(events)
        if self.has_test:
            self.tested.mkdir(exist_ok=True)
            Test(
                config=cfg,
                checkpoints=[str(self.model)],
                work_dir=str(self.tested),
                dump=str(self.tested / PREDICTIONS),
            ).run(events)
        export_onnx(cfg, [str(self.model)], str(self.exported))

    def _write_config(
        self,
        file: Path,
        candidate: Candidate,
        splits: tuple[str, str],
        length: float,
        temperature: float = 1.0,
    ) -> Config:
        """Write and return a candidate's config, for a part of the planned length."""
        choice = choose(self.data, self.ann_file, splits, candidate.request)
        return choice.shortened(length).write(file, temperature)

    def _run(self, cfg: Config, fold: str, splits: tuple[str, str]) -> RunFolder:
        settings = settings_of(cfg)
        cfg = deepcopy(cfg)
        cfg.work_dir = str(Path(cfg.filename).parent)
        cfg.merge_from_dict(_NO_PICTURES)
        return run_folder(cfg, fold, splits, self.seed, settings)


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
    names = list(to.by_video)
    first, second = ([t.by_video[name] for name in names] for t in (trial, to))
    return paired_bootstrap(first, second, groups=[persons[name] for name in names])
