"""Child registries of MMEngine's roots, in scope ``mmskelseg``.

All of MMEngine's roots have a child here, also where nothing of ours is registered
yet: MMEngine warns at each build in a scope that lacks one.

This module must never raise ImportError, because MMEngine swallows it and then
reports a missing key instead.
"""

from mmengine.registry import root
from mmengine.registry.registry import Registry

_HOOKS = ['mmskelseg.engine.hooks']
_OPTIM_WRAPPERS = ['mmskelseg.engine.optim_wrappers']
_DATASETS = ['mmskelseg.datasets.action_seg_dataset', 'mmskelseg.datasets.samplers']
_TRANSFORMS = ['mmskelseg.datasets.transforms']
_MODELS = ['mmskelseg.models', 'mmskelseg.features']
_METRICS = ['mmskelseg.evaluation']
_VISUALIZATION = ['mmskelseg.visualization']


def _child(parent: Registry, locations: list[str] | None = None) -> Registry:
    # The scope is named, since MMEngine would infer it from the calling frame.
    return Registry(
        parent.name, parent=parent, scope='mmskelseg', locations=locations or []
    )


RUNNERS = _child(root.RUNNERS)
RUNNER_CONSTRUCTORS = _child(root.RUNNER_CONSTRUCTORS)
STRATEGIES = _child(root.STRATEGIES)
LOOPS = _child(root.LOOPS)
HOOKS = _child(root.HOOKS, _HOOKS)
DATASETS = _child(root.DATASETS, _DATASETS)
DATA_SAMPLERS = _child(root.DATA_SAMPLERS, _DATASETS)
TRANSFORMS = _child(root.TRANSFORMS, _TRANSFORMS)
MODELS = _child(root.MODELS, _MODELS)
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS)
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS)
OPTIMIZERS = _child(root.OPTIMIZERS)
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, _OPTIM_WRAPPERS)
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS)
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS)
METRICS = _child(root.METRICS, _METRICS)
EVALUATOR = _child(root.EVALUATOR)
TASK_UTILS = _child(root.TASK_UTILS)
VISUALIZERS = _child(root.VISUALIZERS, _VISUALIZATION)
VISBACKENDS = _child(root.VISBACKENDS)
LOG_PROCESSORS = _child(root.LOG_PROCESSORS)
INFERENCERS = _child(root.INFERENCERS)
FUNCTIONS = _child(root.FUNCTIONS)
