"""Checkpoints from which the branches of a model start: step two of Sec. III-C."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import ConfigDict
from torch import nn

from mmskelseg.checkpoints.reading import load_state_dict
from mmskelseg.checkpoints.weights import check_finite
from mmskelseg_io.messages.errors import MissingFileError, UserError


def branch_checkpoints(branches: Mapping[str, ConfigDict]) -> dict[str, str]:
    """Return the checkpoint file of each branch of a config that starts from one."""
    inits = {name: cfg.get('init_cfg') or {} for name, cfg in branches.items()}
    return {
        name: str(init['checkpoint'])
        for name, init in inits.items()
        if init.get('type') == 'Pretrained' and '://' not in str(init['checkpoint'])
    }


def check_branches_are_trained(branches: Mapping[str, ConfigDict]) -> None:
    """Check that every checkpoint from which a branch starts exists.

    Raises:
        MissingFileError: If one does not; the message says how to train it.
    """
    files = {name: Path(f) for name, f in branch_checkpoints(branches).items()}
    missing = {name: file for name, file in files.items() if not file.is_file()}
    if missing:
        which = ', '.join(f'{name} from {file}' for name, file in missing.items())
        commands = '; '.join(
            f'python tools/train.py {_config(file)}' for file in missing.values()
        )
        raise MissingFileError(
            f'The model starts from trained branches, but their checkpoints are '
            f'missing: {which}. Train first: {commands}. Or name others with '
            f'--cfg-options model.branches.{next(iter(missing))}.init_cfg.checkpoint='
            'FILE.'
        )


def check_branch_weights(name: str, branch: nn.Module, init_cfg: dict) -> None:
    """Check that a checkpoint has all weights of a branch, with the right shapes.

    MMEngine would leave missing weights, and those with other shapes, random.

    Raises:
        UserError: If it does not; the message names the weight.
    """
    file = init_cfg['checkpoint']
    prefix = init_cfg.get('prefix') or ''
    prefix += '.' if prefix and not prefix.endswith('.') else ''
    state = load_state_dict(file)
    check_finite(state, file)
    for key, value in branch.state_dict().items():
        found = state.get(f'{prefix}{key}')
        if found is None or found.shape != value.shape:
            what = 'is not in it' if found is None else f'is {tuple(found.shape)}'
            raise UserError(
                f'{file}: does not fit branch {name!r}, whose {key} is '
                f'{tuple(value.shape)}: {prefix}{key} {what}; name the checkpoint and '
                'the prefix of a model with the same branch.'
            )
    statistics = f'{prefix}standardizer.mean'
    if statistics in state and 'standardizer.mean' not in branch.state_dict():
        raise UserError(
            f'{file}: branch {name!r} was trained on standardised features, but here '
            f'it reads them unchanged; set model.branches.{name}.standardize=True.'
        )


def _config(checkpoint: Path) -> str:
    """Return the config that trains into a checkpoint's folder."""
    name = checkpoint.parent.name
    found = sorted(Path('configs').glob(f'*/{name}.py'))
    return str(found[0]) if len(found) == 1 else f'CONFIG (of {name})'
