"""How long a step of a training takes on this machine."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import cycle, pairwise
from pathlib import Path
from statistics import median
from time import monotonic, time

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmskelseg.automl.model_folder import ModelFolder
from mmskelseg.automl.planning import Candidate
from mmskelseg.automl.progress import every_pause
from mmskelseg.automl.trials import Setup
from mmskelseg.engine.jobs import ConfigRequest
from mmskelseg.engine.terminal import build_runner
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.processes import Ended, Submit, ended, logged
from mmskelseg_io.messages.errors import UserError

# A measurement ends after this many steps or seconds.
_STEPS, _SECONDS = 20, 8.0
# It counts for so many seconds, and is never slower or faster by more than a factor.
_RECENT, _MOST = 1800.0, 1e6


def paces(
    setup: Setup,
    submit: Submit,
    processes: int,
    events: Events,
    todo: Sequence[Candidate],
) -> dict[ConfigRequest, float]:
    """Return how many times as long as assumed the steps of trainings take here.

    As many trainings take place at the same time as later on; if there are fewer
    candidates, some of them in several processes. The folder keeps what was found.

    Raises:
        UserError: If a training fails.
    """
    events.progress('Measuring how long a step of a training takes here', 0, None)
    calls = [
        (one, submit(step_seconds, setup.timing(one, process)))
        for process, one in zip(range(processes), cycle(todo), strict=False)
    ]
    found: dict[str, list[float]] = {}
    with every_pause(lambda: events.note('Still measuring ...')):
        for one, call in calls:
            measured = ended(call)
            if measured.failure:
                reason = measured.failure.removesuffix('.')
                raise UserError(
                    f'The first steps of {one.name} failed: {reason}; see '
                    f'{setup.folder.speed.parent}.'
                )
            assert measured.result is not None, 'since it has not failed'
            found.setdefault(one.name, []).append(measured.result)
    result = {}
    for one in todo:
        seconds = median(found[one.name])
        result[one.kind] = pace = seconds / one.step_seconds
        what = f'{seconds:.2f} s a step, {pace:.1f} times as long as on an idle core'
        events.note(f'{one.name:20}{what}')
    kept = {one.name: result[one.kind] for one in todo}
    atomic_write_text(setup.folder.speed, json.dumps(kept))
    return result


def recent_paces(
    folder: ModelFolder, found: Sequence[Candidate]
) -> dict[ConfigRequest, float]:
    """Return what a fit in a folder beside this one has measured a short time ago."""
    files = folder.path.parent.glob(f'*/{folder.speed.relative_to(folder.path)}')
    file = max(files, key=lambda one: one.stat().st_mtime, default=None)
    known: dict[str, float] = {}
    if file is not None and time() - file.stat().st_mtime < _RECENT:
        # What somebody has damaged is measured again.
        with suppress(UserError):
            known = read_typed(file, dict[str, float], '`mmskelseg fit`', 'remove it')
    return {
        one.kind: known[one.name]
        for one in found
        if 1 / _MOST < known.get(one.name, 0) < _MOST
    }


class _EnoughError(Exception):
    """As many steps as are needed were measured."""


class _Stopwatch(Hook):
    """A hook that notes when steps end, and ends the training after some."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def before_train(self, runner: Runner) -> None:
        """Note when the first step begins."""
        self.times.append(monotonic())

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Mapping[str, object] | None = None,
        outputs: Mapping[str, object] | None = None,
    ) -> None:
        """Note when a step ends."""
        self.times.append(monotonic())
        passed = self.times[-1] - self.times[0]
        if len(self.times) > _STEPS or passed > _SECONDS:
            raise _EnoughError


def step_seconds(cfg: Config) -> Ended[float]:
    """Train for some steps in this process, and return the median time of a step.

    The folder of the config's file gets the log.
    """
    folder = Path(cfg.filename).parent
    # MMEngine writes its own form of a config, by the same name, into the run's folder.
    cfg.work_dir = str(folder / 'steps')
    threads = torch.get_num_threads()
    try:
        return logged(folder / 'run.log', _train, cfg)
    finally:
        torch.set_num_threads(threads)


def _train(cfg: Config) -> float:
    watch = _Stopwatch()
    cfg.default_hooks.checkpoint = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = build_runner(cfg, verbose=False)
    runner.register_hook(watch)
    with suppress(_EnoughError):
        runner.train()
    times = [end - begin for begin, end in pairwise(watch.times)]
    # The first step takes longer.
    return median(times[1:] or times)
