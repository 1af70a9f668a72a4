"""The runs of a cross-validation, and their summary."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from copy import deepcopy
from pathlib import Path
from time import monotonic
from typing import Any

from mmengine.config import Config

from mmskelseg.config_files import annotation_path
from mmskelseg.engine.hooks.report_hook import scores_of
from mmskelseg.engine.jobs import CrossValidate, Test, Train
from mmskelseg.engine.loading import config_of
from mmskelseg.engine.run_folder import PREDICTIONS, RunFolder
from mmskelseg.evaluation.ensembles import average_dumps
from mmskelseg.evaluation.metrics import RiskMetric, SegmentationMetric, report_of
from mmskelseg.models.branch_checkpoints import branch_checkpoints
from mmskelseg_behaviour.functional.report import Report, format_summary, summarize_runs
from mmskelseg_behaviour.scores import score_of, score_texts
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import config_name, file_name
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.processes import Ended, Submit, ended, worker_processes
from mmskelseg_io.jobs.settings import setting_texts
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import MissingFileError, UserError, reading
from mmskelseg_io.messages.settings import Setting, flat_settings
from mmskelseg_io.structures.splits import folds_of

# The name of the splits `train` and `test`.
DEFAULT = 'default'
# Settings of where a run takes place, which do not change results.
PLACES = ('work_dir', 'launcher', 'ann_file')
# The conventions of a metric, as stored in metrics.json.
CONVENTIONS = ('background', 'average', 'scores', 'absent', 'last_frame')


def choose_folds(
    ann_file: Path, chosen: Sequence[str] | None
) -> dict[str, tuple[str, str]]:
    """Return the training and test split of each fold, by name.

    Raises:
        UserError: If there are no folds, or not those that are chosen.
    """
    data = load_annotations(ann_file)
    choices = {name or DEFAULT: p for name, p in folds_of(data['split']).items()}
    named = [name for name in choices if name != DEFAULT]
    if not choices:
        raise UserError(
            f'{ann_file}: has no folds for a cross-validation; add pairs of splits '
            '`<fold>/train` and `<fold>/test` to its `split`, as docs/data_format.md '
            'shows.'
        )
    for fold in chosen or ():
        if fold not in choices:
            raise UserError(
                f'{ann_file}: there is no fold {fold!r}; choose from '
                f'{", ".join(choices)}.'
            )
    return {fold: choices[fold] for fold in chosen or named or choices}


def settings_of(cfg: Config) -> dict[str, Setting]:
    """Return the settings that determine scores: config without places, and data."""
    ann_file = annotation_path(cfg.test_dataloader.dataset)
    settings = {
        key: value
        for key, value in flat_settings(cfg.to_dict())
        if key.rpartition('.')[2] not in PLACES
    }
    content = hashlib.sha256(ann_file.read_bytes()).hexdigest()
    return {**settings, 'content of ann_file': content}


def branches_of_run(cfg: Config, fold: str, seed: int) -> dict[str, Path]:
    """Return the checkpoint from which each branch starts, of the same fold and seed.

    A branch of another fold would have been trained on test videos.
    """
    files = branch_checkpoints(cfg.model.get('branches', {}))
    folder = Path(file_name(fold), f'seed_{seed}')
    return {
        name: Path(file).parent / folder / Path(file).name
        for name, file in files.items()
    }


def check_branches(cfg: Config, names: Iterable[str], seeds: Iterable[int]) -> None:
    """Raise an error if a branch starts from a checkpoint that is missing."""
    for fold in names:
        for seed in seeds:
            for branch, file in branches_of_run(cfg, fold, seed).items():
                if not file.is_file():
                    raise MissingFileError(
                        f'{file}: there is no such checkpoint, from which branch '
                        f'{branch!r} starts in fold {fold}, seed {seed}; '
                        'cross-validate the branch first, with its own config and the '
                        'same folds and seeds.'
                    )


def cross_validate(job: CrossValidate, events: Events) -> Path:
    """Execute the runs of a cross-validation that are not finished.

    Returns the file of the table.

    Raises:
        UserError: If a run fails, or folds, checkpoints or settings do not fit.
    """
    cfg = config_of(job)
    folder = Path(cfg.work_dir)
    chosen = choose_folds(annotation_path(cfg.test_dataloader.dataset), job.folds)
    seeds = list(dict.fromkeys(job.seeds))
    check_branches(cfg, chosen, seeds)
    settings = settings_of(cfg)
    runs = [
        run_folder(cfg, fold, splits, seed, settings)
        for fold, splits in chosen.items()
        for seed in seeds
    ]
    for run in runs:
        run.check()
    pending = [run for run in runs if not run.is_finished]
    finished = len(runs) - len(pending)
    events.note(f'{counted(len(runs), "run")}, {finished} finished before.')
    outcomes = executed(pending, folder, job.executor, job.executor_options)
    if failed := follow(outcomes, len(pending), folder, events):
        raise UserError(
            f'{failed} of {len(pending)} runs failed, so there is no table; the same '
            'command repeats only these runs.'
        )
    summary = save(runs, Path(cfg.filename), job.cfg_options or {}, folder)
    table = folder / 'cross_validation.md'
    events.note(f'\n{summary}\n\nKept in {table} and .json')
    return table


def follow(
    outcomes: Iterable[tuple[RunFolder, Ended]],
    count: int,
    folder: Path,
    events: Events,
) -> int:
    """Report each run when it ends, and return the number of failures.

    Runs below the folder, which is that of all, are named by their folders there.
    """
    begin, failed = monotonic(), 0
    for done, (run, outcome) in enumerate(outcomes, start=1):
        group = os.path.relpath(run.path.parent.parent, folder)
        place = f'{run.settings["fold"]}, seed {run.settings["seed"]}'
        place = place if group == '.' else f'{group}, {place}'
        if outcome.failure:
            failed += 1
            result = f'FAILED: {outcome.failure.removesuffix(".")}; see {run.log}'
        else:
            scores = outcome.result.metrics if outcome.result else {}
            result = ', '.join(score_texts(scores))
        events.note(f'{place}: {result}')
        left = (monotonic() - begin) / done * (count - done)
        events.progress('Training and testing', done, count, left)
    return failed


def run_folder(
    cfg: Config,
    fold: str,
    splits: tuple[str, str],
    seed: int,
    settings: Mapping[str, Setting],
) -> RunFolder:
    """Return the run of a fold, given its splits, with a seed.

    ``settings`` are those of :func:`settings_of`.
    """
    train_split, test_split = splits
    own = deepcopy(cfg)
    own.merge_from_dict(
        {
            'train_dataloader.dataset.split': train_split,
            'val_dataloader.dataset.split': test_split,
            'test_dataloader.dataset.split': test_split,
        }
    )
    for branch, file in branches_of_run(cfg, fold, seed).items():
        own.model.branches[branch].init_cfg.checkpoint = str(file)
    path = Path(cfg.work_dir) / file_name(fold) / f'seed_{seed}'
    shared: dict[str, Any] = {'config': own, 'work_dir': str(path)}
    # No scores before the last epoch, so that nobody selects epochs by them.
    train = Train(**shared, resume='auto', no_validate=True, seed=seed)
    # The dump is for the ensemble of the seeds.
    test = Test(**shared, dump=str(path / PREDICTIONS))
    return RunFolder(path, {**settings, 'fold': fold, 'seed': seed}, train, test)


def in_processes(
    submit: Submit, runs: Iterable[RunFolder]
) -> Iterator[tuple[RunFolder, Ended]]:
    """Execute runs in processes; yield each, and how it ended."""
    futures = {submit(RunFolder.execute, run): run for run in runs}
    for future in as_completed(futures):
        yield futures[future], ended(future)


def executed(
    runs: list[RunFolder],
    folder: Path,
    executor: str,
    options: Mapping[str, object] | None,
) -> Iterator[tuple[RunFolder, Ended]]:
    """Execute runs, in turn if the executor is ``none``, else by :func:`submitted`."""
    if executor != 'none':
        yield from submitted(runs, folder, executor, options)
        return
    for run in runs:
        # A process of its own, since one may end by a lack of memory.
        with worker_processes(1) as submit:
            yield from in_processes(submit, [run])


def submitted(
    runs: list[RunFolder],
    folder: Path,
    cluster: str,
    options: Mapping[str, object] | None,
) -> Iterator[tuple[RunFolder, Ended]]:
    """Execute runs as jobs of submitit; yield each, and how it ended.

    If it is closed before, the jobs that are left are cancelled.

    Raises:
        UserError: If submitit is not installed, or refuses the cluster or an option.
    """
    if not runs:
        return
    try:
        import submitit
    except ModuleNotFoundError:
        raise UserError(
            '--executor needs submitit, which is not installed: run '
            '`pip install submitit`.'
        ) from None
    try:
        executor = submitit.AutoExecutor(folder / 'submitit', cluster=cluster)
        # The default limit of local jobs is a few minutes.
        executor.update_parameters(**{'timeout_min': 24 * 60, **(options or {})})
    except (NameError, RuntimeError) as error:
        raise UserError(f'--executor {cluster}: {error}') from error
    jobs = executor.map_array(RunFolder.execute, runs)
    by_id = {job.job_id: run for job, run in zip(jobs, runs, strict=True)}
    try:
        for job in submitit.helpers.as_completed(jobs, poll_frequency=1):
            fault = job.exception()
            failed: Ended = Ended(failure=f'job {job.job_id}: {fault}')
            yield by_id.pop(job.job_id), failed if fault else job.result()
    finally:
        for job in jobs:
            if job.job_id in by_id:
                job.cancel(check=False)


def ensemble_of_seeds(runs: Sequence[RunFolder]) -> dict[str, Report]:
    """Return the scores of the mean of all seeds' probabilities, for each fold.

    They have the form of :meth:`RunFolder.report` and the conventions of the runs.

    Raises:
        UserError: If the predictions of a run are missing, or do not match the others.
    """
    reports = {}
    for fold in dict.fromkeys(_fold_and_seed(run)[0] for run in runs):
        same = [run for run in runs if _fold_and_seed(run)[0] == fold]
        for run in same:
            if not run.predictions.is_file():
                raise MissingFileError(
                    f'{run.predictions}: there is no such file, since the test of this '
                    f'run did not write it; delete {run.path / "metrics.json"} and run '
                    'the command again to repeat the test.'
                )
        samples = average_dumps([run.predictions for run in same])
        scores = same[0].scores()
        with reading(same[0].path / 'metrics.json'):
            conventions = {key: scores.conventions[key] for key in CONVENTIONS}
            classes = len(scores.classes)
        metrics: list[SegmentationMetric | RiskMetric] = [
            SegmentationMetric(classes, **conventions)
        ]
        if 'risk/mse' in scores.scores:
            metrics.append(RiskMetric())
        for metric in metrics:
            report_of(metric, samples)
        found = scores_of(metrics)
        assert found is not None, 'since the metrics have reports'
        # Post-processing is part of each model, with its own statistics.
        named = _as_raw if 'seg/raw_acc' in scores.scores else dict
        reports[fold] = Report(
            metrics=named(found.metrics),
            per_video={name: named(row) for name, row in found.per_video.items()},
        )
    return reports


def _fold_and_seed(run: RunFolder) -> tuple[str, int]:
    fold, seed = run.settings['fold'], run.settings['seed']
    assert isinstance(fold, str), 'as `run_folder` sets it'
    assert isinstance(seed, int), 'as `run_folder` sets it'
    return fold, seed


def _as_raw(scores: Mapping[str, float]) -> dict[str, float]:
    """Return scores under the names of those before post-processing.

    >>> _as_raw({'acc': 90.0, 'mAP': 80.0, 'gaze/acc': 70.0})
    {'raw_acc': 90.0, 'mAP': 80.0, 'gaze/raw_acc': 70.0}
    """
    found = {}
    for key, value in scores.items():
        tier, slash, name = key.rpartition('/')
        found[tier + slash + 'raw_' * score_of(name).of_labels + name] = value
    return found


def save(
    runs: list[RunFolder], config: Path, options: Mapping[str, object], folder: Path
) -> str:
    """Write the summary of finished runs as JSON and Markdown, and return the latter.

    With several seeds, it includes their ensemble, or the reason why there is none.
    ``runs`` have all seeds for each fold. ``cross_validation.json`` and ``.md`` go to
    the folder; they name the config and its options.
    """
    reports = {_fold_and_seed(run): run.report() for run in runs}
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
        'options': setting_texts(options),
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
