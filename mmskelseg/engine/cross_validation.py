"""The runs of a cross-validation, and their summary."""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmskelseg.datasets.annotations import folds, load_annotations
from mmskelseg.engine.run_folder import PREDICTIONS, RunFolder
from mmskelseg.evaluation import (
    RiskMetric,
    SegmentationMetric,
    format_summary,
    summarize_runs,
)
from mmskelseg.evaluation.ensembles import average_dumps
from mmskelseg.evaluation.functional.report import Report
from mmskelseg.fileio.atomic import atomic_write_text
from mmskelseg.fileio.names import config_name, file_name
from mmskelseg.models.branch_checkpoints import branch_checkpoints
from mmskelseg.utils.errors import MissingFileError, UserError
from mmskelseg.utils.settings import flat_settings

# The pair of splits without a name, `train` and `test`.
DEFAULT = 'default'
# They say where things lie, not what is computed.
PLACES = ('work_dir', 'launcher', 'ann_file')
# How a metric counts, as metrics.json keeps it.
CONVENTIONS = ('average', 'scores', 'absent', 'last_frame')


def choose_folds(ann_file: str, chosen: list[str] | None) -> dict[str, tuple[str, str]]:
    """Return the splits to train and to test on, for each fold by its name."""
    data = load_annotations(ann_file)
    named = {fold: (f'{fold}/train', f'{fold}/test') for fold in folds(data)}
    choices = dict(named)
    if {'train', 'test'} <= data['split'].keys():
        choices = {DEFAULT: ('train', 'test'), **named}
    if not choices:
        raise UserError(
            f'{ann_file}: has no folds to validate across; name pairs of splits '
            '`<fold>/train` and `<fold>/test` in its `split`, as docs/data_format.md '
            'shows.'
        )
    for fold in chosen or ():
        if fold not in choices:
            raise UserError(
                f'{ann_file}: there is no fold {fold!r}; choose from '
                f'{", ".join(choices)}.'
            )
    return {fold: choices[fold] for fold in chosen or named or choices}


def settings_of(cfg: Config) -> dict[str, Any]:
    """Return what scores depend on: the config without places, and the data."""
    ann_file = Path(cfg.test_dataloader.dataset.ann_file)
    return {
        **{
            key: value
            for key, value in flat_settings(cfg.to_dict())
            if key.rpartition('.')[2] not in PLACES
        },
        'content of ann_file': hashlib.sha256(ann_file.read_bytes()).hexdigest(),
    }


def branches_of_run(cfg: Config, fold: str, seed: int) -> dict[str, Path]:
    """Return the checkpoint that each branch starts from: of the same fold and seed.

    One that was trained on another split has seen test videos.
    """
    files = branch_checkpoints(cfg.model.get('branches', {})).items()
    return {
        name: path.parent / file_name(fold) / f'seed_{seed}' / path.name
        for name, path in ((name, Path(file)) for name, file in files)
    }


def check_branches(cfg: Config, names: Iterable[str], seeds: Iterable[int]) -> None:
    """Raise an error if a run starts from a branch that is not there."""
    for fold in names:
        for seed in seeds:
            for branch, file in branches_of_run(cfg, fold, seed).items():
                if not file.is_file():
                    raise MissingFileError(
                        f'{file}: there is no such checkpoint, which branch '
                        f'{branch!r} starts from in fold {fold}, seed {seed}; '
                        'cross-validate the branch first, with its own config and the '
                        'same folds and seeds.'
                    )


def run_folder(
    cfg: Config,
    fold: str,
    splits: tuple[str, str],
    seed: int,
    settings: dict[str, Any],
    typed: Sequence[str],
) -> RunFolder:
    """Return the run of a fold with a seed.

    Its settings are those of :func:`settings_of`; ``typed`` are ``key=value`` of the
    command line, which have been merged into ``cfg``.
    """
    train_split, test_split = splits
    chosen = [
        f'train_dataloader.dataset.split={train_split}',
        f'val_dataloader.dataset.split={test_split}',
        f'test_dataloader.dataset.split={test_split}',
    ]
    starts = [
        f'model.branches.{branch}.init_cfg.checkpoint={file}'
        for branch, file in branches_of_run(cfg, fold, seed).items()
    ]
    path = Path(cfg.work_dir) / file_name(fold) / f'seed_{seed}'
    options = ['--cfg-options', *typed, *chosen, *starts, '--work-dir', str(path)]
    train, test = (
        [sys.executable, '-m', 'mmskelseg', command, str(cfg.filename), *options]
        for command in ('train', 'test')
    )
    # No scores before the last epoch: nothing is to be chosen by them.
    train += ['--resume', '--no-validate', '--seed', str(seed)]
    # Of these the ensemble of the seeds is made.
    test += ['--dump', str(path / PREDICTIONS)]
    return RunFolder(path, {**settings, 'fold': fold, 'seed': seed}, train, test)


def in_turn(runs: list[RunFolder]) -> Iterator[tuple[RunFolder, str]]:
    """Run one after another, and yield each with the reason of its failure."""
    for run in runs:
        yield run, run.execute()


def submitted(
    runs: list[RunFolder], folder: Path, cluster: str, options: dict
) -> Iterator[tuple[RunFolder, str]]:
    """Run as jobs of submitit, and yield each with the reason of its failure."""
    try:
        import submitit
    except ModuleNotFoundError:
        raise UserError(
            '--executor needs submitit, which is not installed: run '
            '`pip install submitit`.'
        ) from None
    try:
        executor = submitit.AutoExecutor(folder / 'submitit', cluster=cluster)
        # Local jobs would end after minutes.
        executor.update_parameters(**{'timeout_min': 24 * 60, **options})
    except (NameError, RuntimeError) as error:
        raise UserError(f'--executor {cluster}: {error}') from error
    jobs = executor.map_array(RunFolder.execute, runs)
    by_id = {job.job_id: run for job, run in zip(jobs, runs, strict=True)}
    for job in submitit.helpers.as_completed(jobs, poll_frequency=1):
        fault = job.exception()
        failure = f'job {job.job_id}: {fault}' if fault else job.result()
        yield by_id[job.job_id], failure


def ensemble_of_seeds(runs: Sequence[RunFolder]) -> dict[str, Report]:
    """Return the scores of the mean of all seeds' probabilities, for each fold.

    They are those of :meth:`RunFolder.report`, by the conventions of the runs.

    Raises:
        UserError: If a run has kept no predictions, or others than those beside it.
    """
    reports = {}
    for fold in dict.fromkeys(run.settings['fold'] for run in runs):
        same = [run for run in runs if run.settings['fold'] == fold]
        for run in same:
            if not run.predictions.is_file():
                raise MissingFileError(
                    f'{run.predictions}: there is no such file, since this run was '
                    f'tested without it; delete {run.path / "metrics.json"} and start '
                    'again to test it again.'
                )
        samples = average_dumps([run.predictions for run in same])
        scores = same[0].scores()
        conventions = scores['conventions']
        metrics: list[SegmentationMetric | RiskMetric] = [
            SegmentationMetric(
                len(scores['classes']),
                conventions['background'],
                **{key: conventions[key] for key in CONVENTIONS},
            )
        ]
        metrics[0].dataset_meta = {'classes': scores['classes']}
        if 'risk/mse' in scores:
            metrics.append(RiskMetric())
        report: Report = {'metrics': {}, 'per_video': {}}
        for metric in metrics:
            metric.process(None, samples)
            values = metric.compute_metrics(metric.results).items()
            report['metrics'] |= {k: v for k, v in values if not k.endswith('_std')}
            for name, row in (metric.report or {})['per_video'].items():
                report['per_video'].setdefault(name, {}).update(row)
        if 'seg/raw_acc' in scores:
            # Only the models themselves post-process, each with what it has counted.
            report = {
                'metrics': _as_raw(report['metrics']),
                'per_video': {k: _as_raw(v) for k, v in report['per_video'].items()},
            }
        reports[fold] = report
    return reports


def _as_raw(scores: Mapping[str, float]) -> dict[str, float]:
    """Return scores under the names of those before post-processing."""
    return {k if k == 'mAP' else f'raw_{k}': value for k, value in scores.items()}


def save(runs: list[RunFolder], config: Path, folder: Path) -> str:
    """Write the summary of finished runs as JSON and Markdown; return the latter.

    With two seeds or more it has their ensemble as well, or says why there is none.
    """
    reports = {
        (run.settings['fold'], run.settings['seed']): run.report() for run in runs
    }
    summary = summarize_runs(reports)
    note = ''
    if len(summary['seeds']) > 1:
        try:
            ensembles = ensemble_of_seeds(runs)
        except UserError as error:
            note = f'\n\nThere is no ensemble of the seeds: {error}'
        else:
            whole = summarize_runs({(fold, 0): r for fold, r in ensembles.items()})
            summary['ensemble'] = {
                'over_folds': whole['over_folds'],
                'over_videos': whole['over_videos'],
                'runs': [{'fold': fold, **r} for fold, r in ensembles.items()],
            }
    content = {
        'config': config_name(config),
        **summary,
        'runs': [
            {'fold': fold, 'seed': seed, **report}
            for (fold, seed), report in reports.items()
        ],
    }
    text = format_summary(summary) + note
    files = {'.json': json.dumps(content, indent=2), '.md': f'{text}\n'}
    for suffix, written in files.items():
        atomic_write_text(folder / f'cross_validation{suffix}', written)
    return text
