"""Child registries of MMEngine's roots, in scope ``mmskelseg``.

Each of MMEngine's roots has a child here, even if nothing is registered in it, since
MMEngine warns at each build in a scope that lacks one.

``registered_only`` is for configs that are data, such as those in checkpoints.

This module must never raise ImportError, because MMEngine swallows it and then
reports a missing key instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mmengine.registry import registry as mmengine_registry
from mmengine.registry import root
from mmengine.registry.registry import Registry

from mmskelseg.runtime.parts import RENDERERS

_HOOKS = ['mmskelseg.engine.hooks']
_OPTIM_WRAPPERS = ['mmskelseg.engine.optim_wrappers']
_DATASETS = ['mmskelseg.datasets.action_seg_dataset', 'mmskelseg.datasets.samplers']
_TRANSFORMS = [
    'mmskelseg.datasets.transforms',
    'mmskelseg.encoders.mmaction_coordinates',
    'mmskelseg.runtime.features',
]
_MODELS = [
    'mmskelseg.models.backbones',
    'mmskelseg.models.data_preprocessor',
    'mmskelseg.models.heads',
    'mmskelseg.models.losses',
    'mmskelseg.models.necks',
    'mmskelseg.models.segmentors',
    'mmskelseg.models.stems',
    'mmskelseg.models.timestamps',
    'mmskelseg.encoders',
]
_METRICS = ['mmskelseg.evaluation.metrics']
_INFERENCERS = ['mmskelseg.apis.mmpose_inferencer']
_VISUALIZATION = ['mmskelseg.engine.seg_visualizer']


def _child(parent: Registry, locations: list[str] | None = None) -> Registry:
    # The scope is explicit, since MMEngine would infer it from the calling frame.
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
INFERENCERS = _child(root.INFERENCERS, _INFERENCERS)
FUNCTIONS = _child(root.FUNCTIONS)
# MMEngine has no root for these.
POSTPROCESSORS = Registry(
    'postprocessor', scope='mmskelseg', locations=['mmskelseg.models.postprocessors']
)

# The runtime does without MMEngine; what registers itself there is handed over, also
# later.
RENDERERS.share(lambda renderer: TRANSFORMS.register_module(module=renderer))

_imports_by_name = mmengine_registry.get_object_from_string
_registered_only = ContextVar('registered_only', default=False)


@contextmanager
def registered_only() -> Iterator[None]:
    """Keep registries from importing types that are not registered, for a block.

    Otherwise, MMEngine's registries import whatever a ``type`` names, such as
    ``subprocess.Popen``, if nothing of that name is registered.
    """
    token = _registered_only.set(True)
    try:
        yield
    finally:
        _registered_only.reset(token)


def _get_object_from_string(name: str) -> object:
    return None if _registered_only.get() else _imports_by_name(name)


mmengine_registry.get_object_from_string = _get_object_from_string
