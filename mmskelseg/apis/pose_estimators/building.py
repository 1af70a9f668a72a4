"""Pose estimators by name or config."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator
from mmskelseg.registry import INFERENCERS

# The type that a name stands for, and the argument that follows it after a colon.
NAMES: dict[str, tuple[str, str | None]] = {
    'mediapipe': ('MediaPipePose', None),
    'topdown': ('TopDownPose', 'pose'),
    'mmpose': ('MMPoseAlias', 'model'),
    'rtmlib': ('RTMLibPose', 'mode'),
}


def build_pose_estimator(
    estimator: str | Mapping[str, Any] = 'mediapipe', **options: Any
) -> PoseEstimator:
    """Return the pose estimator that a name or a config stands for.

    Args:
        estimator: ``mediapipe``; ``topdown`` or ``topdown:NETWORK`` (MMDetection and
            MMPose); ``mmpose:ALIAS`` (MMPose's inferencer, ``mmpose:human``);
            ``rtmlib`` or ``rtmlib:MODE``; or a config with ``type``.
        options: Further arguments of the type, which replace those of a config.

    Raises:
        DependencyError: If what it needs is not installed, or cannot be.
        ValueError: If there is no such estimator, or it has no such option.
    """
    if isinstance(estimator, str):
        name, _, argument = estimator.partition(':')
        kind, parameter = NAMES.get(name, ('', None))
        if not kind or (argument and parameter is None):
            raise ValueError(
                f'There is no pose estimator {estimator!r}; choose mediapipe, topdown, '
                'topdown:NETWORK, mmpose:ALIAS, rtmlib or rtmlib:MODE.'
            )
        config: dict[str, Any] = {}
        if argument and parameter:
            config[parameter] = argument
    else:
        config = dict(estimator)
        kind = config.pop('type', None)
    # Not by `build`, which would look in the default scope, whichever that is.
    cls = INFERENCERS.get(kind) if isinstance(kind, str) else kind
    if cls is None:
        known = ', '.join(kind for kind, _ in NAMES.values())
        raise ValueError(
            f'The type of a pose estimator is {kind!r}, expected {known}, or another '
            'that is registered in INFERENCERS.'
        )
    config.update(options)
    parameters = inspect.signature(cls).parameters
    unknown = sorted(config.keys() - parameters.keys())
    if unknown:
        raise ValueError(
            f'{cls.__name__} has no option {unknown[0]}; it has '
            f'{", ".join(parameters)}.'
        )
    return cls(**config)
