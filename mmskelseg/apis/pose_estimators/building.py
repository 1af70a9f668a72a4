"""Pose estimators by name or config."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator
from mmskelseg.registry import INFERENCERS
from mmskelseg.utils.errors import UserError

# The type that a name stands for, and the argument that follows it after a colon.
NAMES: dict[str, tuple[str, str | None]] = {
    'mediapipe': ('MediaPipePose', None),
    'topdown': ('MMPoseAlias', 'model'),
    'mmpose': ('MMPoseAlias', 'model'),
    'rtmlib': ('RTMLibPose', 'mode'),
}
# The networks of the paper, and options that are called after them.
_TOPDOWN: dict[str, Any] = {
    'model': 'td-hm_hrnet-w32_8xb64-210e_coco-256x192',
    'detector': 'faster-rcnn_r50_fpn_1x_coco',
    'categories': ('person',),
    'box_score': 0.5,
}
_TOPDOWN_OPTIONS = {'pose': 'model', 'pose_weights': 'weights'}


def build_pose_estimator(
    estimator: str | Mapping[str, Any] = 'mediapipe', **options: Any
) -> PoseEstimator:
    """Return the pose estimator that a name or a config stands for.

    Args:
        estimator: ``mediapipe``; ``mmpose:ALIAS`` (MMPose's inferencer,
            ``mmpose:human``); ``topdown`` or ``topdown:NETWORK`` (the same with Faster
            R-CNN, and HRNet or another network); ``rtmlib`` or ``rtmlib:MODE``; or a
            config with ``type``.
        options: Further arguments of the type, which replace those of a config.

    Raises:
        DependencyError: If what it needs is not installed, or cannot be.
        UserError: If there is no such estimator, or it has no such option.
    """
    if isinstance(estimator, str):
        name, _, argument = estimator.partition(':')
        kind, parameter = NAMES.get(name, ('', None))
        if not kind or (argument and parameter is None):
            raise UserError(
                f'There is no pose estimator {estimator!r}; choose mediapipe, topdown, '
                'topdown:NETWORK, mmpose:ALIAS, rtmlib or rtmlib:MODE.'
            )
        config: dict[str, Any] = {}
        if name == 'topdown':
            config = dict(_TOPDOWN)
            options = {_TOPDOWN_OPTIONS.get(k, k): v for k, v in options.items()}
        if argument and parameter:
            config[parameter] = argument
    else:
        config = dict(estimator)
        kind = config.pop('type', None)
    # Not by `build`, which would look in the default scope, whichever that is.
    cls = INFERENCERS.get(kind) if isinstance(kind, str) else kind
    if cls is None:
        known = ', '.join(dict.fromkeys(kind for kind, _ in NAMES.values()))
        raise UserError(
            f'The type of a pose estimator is {kind!r}, expected {known}, or another '
            'that is registered in INFERENCERS.'
        )
    config.update(options)
    parameters = inspect.signature(cls).parameters
    unknown = sorted(config.keys() - parameters.keys())
    if unknown:
        raise UserError(
            f'{cls.__name__} has no option {unknown[0]}; it has '
            f'{", ".join(parameters)}.'
        )
    return cls(**config)
