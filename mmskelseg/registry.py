"""Child registries of MMEngine's roots, in scope ``mmskelseg``.

Each of MMEngine's roots has a child here, even if nothing is registered in it, since
MMEngine warns at each build in a scope that lacks one.

This module must never raise ImportError, because MMEngine swallows it and then
reports a missing key instead.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mmskelseg import check_dependencies

# Before one that is missing or too old fails in its own words.
check_dependencies()

# ruff: noqa: E402
from mmengine.registry import root
from mmengine.registry.registry import Registry

from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.messages.options import checked
from mmskelseg_runtime.parts import RENDERERS


def modules_of(*folders: str) -> list[str]:
    """Return the modules in folders of the package; their parts register themselves."""
    package = Path(__file__).parent
    found = (p for name in folders for p in sorted((package / name).rglob('*.py')))
    names = (path.relative_to(package.parent).with_suffix('').parts for path in found)
    return ['.'.join(name) for name in names if name[-1] != '__init__']


def part_finder(package: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a folder, for the classes in its modules.

    Raises:
        AttributeError: If no module has such a class.
    """

    def find(name: str) -> Any:
        folder = package.partition('.')[2].replace('.', '/')
        for module in modules_of(folder) if name[:1].isupper() else ():
            if hasattr(found := import_module(module), name):
                return getattr(found, name)
        raise AttributeError(f'module {package!r} has no attribute {name!r}')

    return find


class CheckedRegistry(Registry):
    """A registry whose parts check their arguments by their annotations."""

    def register_module(
        self,
        name: str | list[str] | None = None,
        force: bool = False,
        module: type | None = None,
    ) -> Any:
        """Register a class, or return the decorator that does."""
        if module is not None:
            return super().register_module(name, force, checked(module))
        register = super().register_module(name, force)
        return lambda part: register(checked(part))


def _child(parent: Registry, locations: list[str] | None = None) -> Registry:
    # The scope is explicit, since MMEngine would infer it from the calling frame.
    return CheckedRegistry(
        parent.name, parent=parent, scope='mmskelseg', locations=locations or []
    )


RUNNERS = _child(root.RUNNERS)
RUNNER_CONSTRUCTORS = _child(root.RUNNER_CONSTRUCTORS)
STRATEGIES = _child(root.STRATEGIES)
LOOPS = _child(root.LOOPS)
HOOKS = _child(root.HOOKS, modules_of('engine/hooks'))
DATASETS = _child(root.DATASETS, ['mmskelseg.datasets.action_seg_dataset'])
DATA_SAMPLERS = _child(root.DATA_SAMPLERS)
TRANSFORMS = _child(
    root.TRANSFORMS,
    [*modules_of('datasets/transforms'), 'mmskelseg_runtime.features'],
)
MODELS = _child(root.MODELS, modules_of('models', 'encoders'))
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS)
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS)
OPTIMIZERS = _child(root.OPTIMIZERS)
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, ['mmskelseg.engine.optim_wrappers'])
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS)
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS)
METRICS = _child(root.METRICS, ['mmskelseg.evaluation.metrics'])
EVALUATOR = _child(root.EVALUATOR)
TASK_UTILS = _child(root.TASK_UTILS)
VISUALIZERS = _child(root.VISUALIZERS, ['mmskelseg.engine.seg_visualizer'])
VISBACKENDS = _child(root.VISBACKENDS)
LOG_PROCESSORS = _child(root.LOG_PROCESSORS)
INFERENCERS = _child(
    root.INFERENCERS,
    ['mmskelseg.apis.mmdet_detector', 'mmskelseg.apis.mmpose_inferencer'],
)
FUNCTIONS = _child(root.FUNCTIONS)
# MMEngine has no root for these.
POSTPROCESSORS = CheckedRegistry(
    'postprocessor', scope='mmskelseg', locations=['mmskelseg.models.postprocessors']
)

# The runtime works without MMEngine; renderers registered there, now or later, are
# registered here too.
RENDERERS.share(lambda renderer: TRANSFORMS.register_module(module=renderer))


def build_part(
    place: str, cfg: object, registry: Registry = MODELS, **given: object
) -> Any:
    """Return a part of a model, built from its config.

    Args:
        place: Its key, such as ``model.head``.
        cfg: Its config.
        registry: Where its type is registered.
        given: What the model fills in, unless the config says otherwise.

    Raises:
        UserError: If the config is not a dict with its type.
    """
    if not isinstance(cfg, Mapping) or 'type' not in cfg:
        raise UserError(
            f'{place} is {shown(cfg)}, expected a dict with its type, such as '
            "dict(type='NAME')."
        )
    return registry.build({**given, **cfg})
