"""What the estimators of the OpenMMLab family share: networks by name, and scopes."""

from __future__ import annotations

import difflib
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.fileio import load
from mmengine.logging import print_log
from mmengine.registry import DefaultScope

from mmskelseg.apis.pose_estimators.estimator import require
from mmskelseg.compat.dependencies import Dependency
from mmskelseg.interchange.poses.layouts import checked, named_layout

_PACKAGES = (
    Dependency('mmdet', '3.0.0', '3.4.0'),
    Dependency('mmpose', '1.0.0', '2'),
    # For pkg_resources, by which MMPose looks for itself.
    Dependency('setuptools', '40', '81'),
)
_INDEX = 'model-index.yml'


def require_both(estimator: str) -> None:
    """Check that MMDetection, MMPose and what MMPose fails to declare are installed.

    Raises:
        DependencyError: In one sentence, for the first that is missing or unsuitable.
    """
    remedy = 'docs/pose_estimation.md says how to install MMDetection and MMPose'
    require(estimator, remedy, *_PACKAGES)


def find_network(
    package: str, name: str, weights: str | None
) -> tuple[str, str | None]:
    """Return the config file of a network, and the file or address of its weights.

    Args:
        package: ``mmdet`` or ``mmpose``.
        name: A name or alias in the package's model zoo, or the path of a config.
        weights: A file or address; None: those that the model zoo names; ``none``:
            none, so that they stay random, which is good for tests alone.

    Raises:
        FileNotFoundError: If ``weights`` is a file that is not there.
        ValueError: If there is no such network, or no weights are known for it.
    """
    listed = None
    if Path(name).is_file():
        config = name
    else:
        config, listed = _in_model_zoo(package, name)
    if weights == 'none':
        print_log(
            f'{name} has random weights: what it finds means nothing.',
            logger='current',
            level=logging.WARNING,
        )
        return config, None
    if weights is None and listed is None:
        raise ValueError(
            f'{name}: the model zoo of {package} names no weights for it; give their '
            "file, or 'none' for random ones."
        )
    if weights is not None and '://' not in weights and not Path(weights).is_file():
        raise FileNotFoundError(f'{weights}: there is no such file of weights.')
    return config, weights or listed


def _in_model_zoo(package: str, name: str) -> tuple[str, str | None]:
    spec = find_spec(package)
    assert spec is not None, 'the estimators check that it is installed'
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    # A checkout has beside the package what an installation has inside.
    root = next(
        (r for r in (folder / '.mim', folder.parent) if (r / _INDEX).is_file()), None
    )
    if root is None:
        raise ValueError(
            f'{folder}: no model zoo ({_INDEX}) comes with this {package}; give the '
            'path of a config.'
        )
    known: list[str] = []
    for file in load(root / _INDEX)['Import']:
        content = load(root / file)
        for model in content.get('Models', ()) if isinstance(content, dict) else ():
            aliases = model.get('Alias', [])
            names = [
                model['Name'],
                *([aliases] if isinstance(aliases, str) else aliases),
            ]
            if name.lower() in (item.lower() for item in names):
                weights = model.get('Weights')
                first = weights[0] if isinstance(weights, list) else weights
                return str(root / model['Config']), first
            known += names
    near = difflib.get_close_matches(name, known, 3, 0.4)
    raise ValueError(
        f'{name}: neither a config file nor in the model zoo of {package}'
        f'{", which has " + ", ".join(near) if near else ""}.'
    )


@contextmanager
def in_scope(scope: str) -> Iterator[None]:
    """Let the family's functions set the default scope, and set it back afterwards.

    They set filters of warnings as well, and warn of deprecations in every frame.
    """
    with DefaultScope.overwrite_default_scope(scope), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def layout_of(meta: Mapping[str, Any]) -> str | dict[str, Any]:
    """Return the layout that a network of MMPose was trained on, from its metainfo."""
    names = meta['keypoint_id2name']
    layout = named_layout(
        [names[i] for i in range(len(names))],
        meta['skeleton_links'],
        meta['dataset_name'],
    )
    return checked(layout, meta['dataset_name'])
