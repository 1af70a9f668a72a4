"""Opens the config and the checkpoint that a job names."""

import os
import sys
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config

from mmskelseg.config_files import find_config
from mmskelseg.engine.config_checks import check_config, merge_options, read_config
from mmskelseg.engine.jobs import ConfigJob, LaunchedJob
from mmskelseg_io.files.inputs import check_local
from mmskelseg_io.files.work_folders import FITTED, find_latest_checkpoint
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_runtime.commands.models import (
    is_name,
    is_onnx,
    is_weights,
    named_checkpoint,
    say_checkpoint,
)


def config_of(job: ConfigJob) -> Config:
    """Return a copy of the config of a job, with launcher, settings and work folder.

    The work folder is the given one, or else that of the config, or else
    ``work_dirs/<name of the config>``.

    Raises:
        UserError: If the config is that of a model without data, or does not fit.
    """
    if isinstance(job.config, str):
        if is_onnx(job.config) or is_name(job.config) or is_weights(job.config):
            raise UserError(
                f'{job.config}: has no data; name the folder of its fit or its '
                'training, or a config and then the checkpoint.'
            )
        cfg = read_config(find_config(job.config), job.cfg_options)
    else:
        cfg = deepcopy(job.config)
        merge_options(cfg, job.cfg_options)
    cfg.work_dir = _work_folder(cfg) if job.work_dir is None else job.work_dir
    check_config(cfg, job.source)
    if sys.platform == 'darwin':
        # Forks that use Apple's libraries may crash.
        cfg.merge_from_dict({'env_cfg.mp_cfg.mp_start_method': 'spawn'})
    check_local(cfg.work_dir)
    if isinstance(job, LaunchedJob):
        os.environ.setdefault('LOCAL_RANK', str(job.local_rank))
        cfg.launcher = job.launcher
    return cfg


def _work_folder(cfg: Config) -> str:
    file = Path(cfg.filename)
    # All configs of fits have the same name.
    is_fitted = (file.parent / FITTED).is_file()
    name = file.resolve().parent.name if is_fitted else file.stem
    return cfg.get('work_dir') or str(Path('work_dirs', name))


def last_checkpoint(cfg: Config, config: str, work_dir: str | None = None) -> str:
    """Return and print the last checkpoint of a config's training.

    ``config`` is how it was named, and ``work_dir`` the folder that was given with it.
    The copy of a config in a work folder belongs to that folder, even if the folder was
    moved.

    Raises:
        MissingFileError: If there is none.
    """
    own = Path(cfg.filename).parent
    if own.resolve() == Path(config).resolve():
        return named_checkpoint(config)
    is_copy = (own / 'last_checkpoint').is_file()
    folder = work_dir or (str(own) if is_copy else _work_folder(cfg))
    file = find_latest_checkpoint(folder)
    if file is None:
        raise MissingFileError(
            f'{config}: has no checkpoint in {folder} yet; run `mmskelseg train '
            f'{config}` first, or name a checkpoint after the config.'
        )
    say_checkpoint(file)
    return file
