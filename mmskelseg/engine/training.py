"""A training with the options of its job."""

from pathlib import Path

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from mmskelseg.checkpoints.config_texts import reduce_config_text
from mmskelseg.engine.config_checks import building, check_checkpoint
from mmskelseg.engine.dist import init_distributed
from mmskelseg.engine.jobs import Train
from mmskelseg.engine.loading import config_of
from mmskelseg.engine.results import Trained
from mmskelseg.engine.terminal import ProgressHook, build_runner
from mmskelseg.models.branch_checkpoints import check_branches_are_trained
from mmskelseg.models.precision import has_bfloat16
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.work_folders import checkpoint_file, find_latest_checkpoint
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError


def _merge_options(cfg: Config, job: Train, events: Events) -> None:
    if job.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if job.amp:
        if has_bfloat16(get_device()):
            cfg.optim_wrapper.type = 'BFloat16OptimWrapper'
        elif get_device() == 'cuda':
            cfg.optim_wrapper.type = 'AmpOptimWrapper'
        else:
            raise UserError(
                '--amp needs a GPU, or a processor that supports bfloat16, but there '
                'is neither; leave it out.'
            )
    if job.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if job.resume is not None:
        _resume(cfg, job.resume, events)
    # Options that were not given leave the config as it is.
    options = ('diff_rank_seed', 'deterministic')
    given: dict[str, int] = {name: True for name in options if getattr(job, name)}
    if job.seed is not None:
        given['seed'] = job.seed
    cfg.randomness = {'seed': 0, **cfg.get('randomness', {}), **given}


def _resume(cfg: Config, checkpoint: str, events: Events) -> None:
    """Let a training continue from a checkpoint; ``auto`` stands for the last one."""
    if checkpoint != 'auto':
        if '://' not in checkpoint:
            checkpoint = str(regular_file(checkpoint_file(checkpoint)))
        cfg.resume, cfg.load_from = True, checkpoint
    elif find_latest_checkpoint(cfg.work_dir) is not None:
        # MMEngine looks for it again.
        cfg.resume, cfg.load_from = True, None
    else:
        cfg.resume = False
        events.warning(
            f'--resume: {cfg.work_dir} has no checkpoint, so the training starts from '
            'the beginning.'
        )


def check_work_dir(cfg: Config) -> None:
    """Raise an error if the folder contains checkpoints of another kind of model.

    Configs of different models may have the same name, and then share a work folder.
    """
    folder = Path(cfg.work_dir)
    kept = folder / Path(cfg.filename).name
    if not (folder / 'last_checkpoint').is_file() or not kept.is_file():
        return
    # The folder may be from somebody else, so its config is read as data.
    try:
        text = reduce_config_text(kept.read_text('utf-8'))
    except ValueError:
        return
    then, now = map(_kinds, (Config.fromstring(text, '.py'), cfg))
    if then != now:
        raise UserError(
            f'{folder}: contains the training of another model, with the branches '
            f'{then} instead of {now}; name another folder with --work-dir, or remove '
            'this one.'
        )


def _kinds(cfg: Config) -> dict[str, str]:
    """Return the kind of each branch of the model, and the frames that it may see."""
    kinds = {}
    for name, branch in cfg.model.get('branches', {}).items():
        kinds[name] = branch.type
        if branch.get('causal'):
            kinds[name] += f' with lookahead={branch.get("lookahead", 0)}'
    return kinds


def train(job: Train, events: Events) -> Trained:
    """Train the config of a job, with its options."""
    cfg = config_of(job)
    with building(job.source):
        _merge_options(cfg, job, events)
        check_work_dir(cfg)
        # Checked before features are computed.
        if isinstance(cfg.get('load_from'), str):
            cfg.load_from = checkpoint_file(cfg.load_from)
            check_checkpoint(cfg.load_from)
        check_branches_are_trained(cfg.model.get('branches', {}))
    with init_distributed(cfg, events):
        with building(job.source):
            runner = build_runner(cfg, job.verbose)
            runner.register_hook(ProgressHook())
        # The runner builds loaders, optimizer and schedules in this call.
        with building(job.source, lambda: not _has_begun(runner)):
            runner.train()
    return Trained(Path(cfg.work_dir), find_latest_checkpoint(cfg.work_dir))


def _has_begun(runner: Runner) -> bool:
    """Return whether a training has made its first step."""
    loop = runner._train_loop
    # It is a config until it is built.
    return not isinstance(loop, dict) and loop is not None and loop.iter > 0
