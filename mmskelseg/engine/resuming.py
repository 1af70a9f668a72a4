"""Checks that a training can be resumed from a checkpoint."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

# Settings that distinguish kinds of optimizers. Other settings depend on the release of
# torch, which adds those that a checkpoint lacks.
_KINDS = {'alpha', 'betas', 'etas', 'lr_decay', 'momentum', 'momentum_decay', 'rho'}
_HUB = ('log_scalars', 'runtime_info', 'resumed_keys')


def resume_problems(runner: Runner, checkpoint: Mapping[str, object]) -> Iterator[str]:
    """Yield the reasons why a training cannot be resumed exactly from a checkpoint."""
    meta, hub = checkpoint.get('meta'), checkpoint.get('message_hub')
    steps = [meta.get(key) for key in ('epoch', 'iter')] if _is_dict(meta) else [None]
    if not all(type(step) is int and step >= 0 for step in steps):
        yield 'does not state its epoch and step (meta)'
    if not _is_dict(hub) or not all(_is_dict(hub.get(key)) for key in _HUB):
        yield 'lacks the history of the training (message_hub)'
    state = checkpoint.get('optimizer')
    if not _is_dict(state):
        yield 'lacks the state of the optimizer'
    elif isinstance(runner.optim_wrapper, OptimWrapper):
        yield from _optimizer_problems(runner.optim_wrapper, state)
    schedulers = runner.param_schedulers
    if isinstance(schedulers, Sequence):
        saved = checkpoint.get('param_schedulers')
        states = saved if isinstance(saved, list) else [None]
        if len(states) != len(schedulers) or not all(map(_is_dict, states)):
            yield 'lacks the state of the schedules of the config (param_schedulers)'


def _optimizer_problems(
    wrapper: OptimWrapper, state: Mapping[str, Any]
) -> Iterator[str]:
    here, saved = wrapper.optimizer.param_groups, state.get('param_groups')
    values = state.get('state')
    if not (
        isinstance(saved, list)
        and _is_dict(values)
        and saved
        and all(map(_is_dict, (*saved, *values.values())))
    ):
        yield 'holds no state of an optimizer'
        return
    kinds = [sorted(_KINDS & group.keys()) for group in (here[0], saved[0])]
    sizes = [
        [len(group.get('params') or ()) for group in groups] for groups in (here, saved)
    ]
    if kinds[0] != kinds[1] or sizes[0] != sizes[1] or 'lr' not in saved[0]:
        yield 'holds the state of another optimizer than the config'
        return
    shapes = [parameter.shape for group in here for parameter in group['params']]
    keys = [key for group in saved for key in group['params']]
    for key, shape in zip(keys, shapes, strict=True):
        for value in (values.get(key) or {}).values():
            if isinstance(value, Tensor) and value.dim() and value.shape != shape:
                yield 'holds the state of an optimizer of another model'
                return


def _is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
