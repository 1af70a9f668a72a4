"""What a training or test shows in the terminal; the log file has everything."""

import os
from collections.abc import Mapping
from logging import WARNING, LogRecord, StreamHandler
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

import mmaction
import mmengine
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.logging.logger import MMFormatter
from mmengine.runner import Runner

from mmskelseg.engine.hooks.epoch_seed_hook import innermost
from mmskelseg.engine.hooks.fit_statistics_hook import bare_model
from mmskelseg_behaviour.scores import score_texts
from mmskelseg_io.messages.counts import counted, duration

_OPENMMLAB = tuple(str(Path(m.__file__).parent) for m in (mmengine, mmaction))


class _TerminalFormatter(MMFormatter):
    """A formatter that puts time and level only before warnings and errors."""

    def format(self, record: LogRecord) -> str:
        """Return the text of a record."""
        text = record.getMessage()
        return text if record.levelno < WARNING else super().format(record)


class _TerminalRunner(Runner):
    """A runner whose terminal shows OpenMMLab's warnings, but not its reports."""

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Return MMEngine's logger, with a filter for the terminal."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            # Handlers of files are of a subclass.
            if type(handler) is StreamHandler:
                handler.addFilter(_is_shown)
                handler.setFormatter(
                    _TerminalFormatter(color=True, datefmt='%m/%d %H:%M:%S')
                )
        return logger


def _is_shown(record: LogRecord) -> bool:
    """Return whether a record is not from OpenMMLab, or a warning to its users."""
    if not record.pathname.startswith(_OPENMMLAB):
        return True
    # MMEngine itself calls what it deprecates.
    return record.levelno >= WARNING and 'deprecated' not in record.getMessage()


def build_runner(cfg: Config, verbose: bool) -> Runner:
    """Return the runner of a config.

    Args:
        cfg: The config. With ``log_level='DEBUG'``, everything is shown.
        verbose: Whether the terminal shows everything that the log file has.
    """
    is_full = verbose or cfg.get('log_level') == 'DEBUG'
    # ProgressHook only has lines for epochs, and this training counts iterations.
    is_full = is_full or 'max_iters' in (cfg.get('train_cfg') or {})
    kind = Runner if is_full else _TerminalRunner
    # By this name, MMEngine keeps loggers and visualizers for the whole process.
    cfg.setdefault('experiment_name', str(cfg.get('work_dir')))
    if (cfg.get('randomness') or {}).get('deterministic'):
        # PyTorch refuses products of matrices on a GPU without it.
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    return kind.from_cfg(cfg)


class ProgressHook(Hook):
    """A hook that logs what is trained, and then one line for each epoch.

    The line has the mean loss, the time left, and the scores if there was a validation.
    Long trainings have about 100 lines.
    """

    # Before the hook that reports the final scores.
    priority = 'HIGH'

    def __init__(self) -> None:
        self._begin = 0.0
        self._first = 0
        self._line = ''

    def before_train(self, runner: Runner) -> None:
        """Log what is trained on what, for how long, and where the log is."""
        self._begin, self._first = monotonic(), runner.epoch
        loop = runner.train_loop
        branches = (runner.cfg.get('model') or {}).get('branches') or {}
        named = ', '.join(f'{b.type} on {name}' for name, b in branches.items())
        weights = sum(p.numel() for p in runner.model.parameters() if p.requires_grad)
        data = next(iter(innermost(loop.dataloader.dataset)))
        source = getattr(data, 'ann_file', type(data).__name__)
        videos = counted(getattr(data, 'num_videos', len(data)), 'video')
        steps = counted(len(loop.dataloader), 'step')
        text = f'{counted(loop.max_epochs, "epoch")} of {steps}'
        if runner.epoch:
            text += f', continued after epoch {runner.epoch}'
        if runner.val_loop is not None:
            tested = counted(len(runner.val_dataloader.dataset), 'video')
            every = counted(loop.val_interval, 'epoch')
            text += f'; every {every}, scores of {tested}'
        log = Path(runner.log_dir, f'{runner.timestamp}.log')
        for line in (
            f'Training {named or type(bare_model(runner)).__name__} ({weights:,} '
            f'weights) on {videos} of {source}',
            text,
            f'Log: {log}',
        ):
            runner.logger.info(line)

    def before_train_epoch(self, runner: Runner) -> None:
        """Log the line of an epoch without validation."""
        self._log(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Prepare the line of the epoch, to which a validation adds its scores."""
        done, most = runner.epoch + 1, runner.max_epochs
        steps = len(runner.train_dataloader)
        loss = runner.message_hub.get_scalar('train/loss').mean(steps)
        passed = monotonic() - self._begin
        left = passed / (done - self._first) * (most - done)
        time = f'{duration(left)} left' if done < most else f'took {duration(passed)}'
        count = f'{done:{len(str(most))}}/{most}'
        if done % ceil(most / 100) == 0 or done == most:
            self._line = f'Epoch {count}  loss {loss:.4f}  {time}'

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Log the line of an epoch with the scores of its validation."""
        self._log(runner, metrics or {})

    def after_train(self, runner: Runner) -> None:
        """Log the line of the last epoch."""
        self._log(runner)

    def _log(self, runner: Runner, metrics: Mapping[str, float] | None = None) -> None:
        scores = {
            key.partition('/')[2]: value for key, value in (metrics or {}).items()
        }
        line = '  '.join(filter(None, [self._line, *score_texts(scores)]))
        self._line = ''
        if line:
            runner.logger.info(line)
