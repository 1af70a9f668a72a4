"""The error of the ergonomic risk score of each frame, as a metric of MMEngine."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from mmskelseg.evaluation.functional.framewise import frame_mae, frame_mse
from mmskelseg.registry import METRICS
from mmskelseg.utils.errors import UserError

FIELDS = ('pred_risk', 'gt_risk')


@METRICS.register_module()
class RiskMetric(BaseMetric):
    """Mean squared and mean absolute error of the risk score, ``mse`` and ``mae``.

    Both are means over videos, each the mean over its frames, in the unit of the
    annotated score (its square for ``mse``), not in percent. They come with a ``_std``,
    numpy's standard deviation over videos. After evaluation ``report`` holds the same,
    and the errors of each video.

    Args:
        collect_device: See :class:`mmengine.evaluator.BaseMetric`, as the next two.
        prefix: Prefix of the names, by default ``risk``.
        collect_dir: Folder for the exchange between processes.

    Source: the code of Parsa and Banerjee (WACV 2021), which reports ``mse`` with its
    deviation.
    """

    default_prefix = 'risk'

    def __init__(
        self,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        *,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.report: dict[str, Any] | None = None

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the errors of a batch of videos.

        Args:
            data_batch: Not used.
            data_samples: ``ActionDataSample`` or their dicts, with ``frame_dir``,
                ``gt_risk`` (T,) and ``pred_risk`` (T,).

        Raises:
            ValueError: Naming the video, if a field is missing or wrong.
        """
        for sample in data_samples:
            frame_dir = sample.get('frame_dir')
            missing = [name for name in FIELDS if sample.get(name) is None]
            if missing or frame_dir is None:
                raise UserError(
                    f'{frame_dir}: the data sample lacks '
                    f'{", ".join(missing or ["frame_dir"])}, which RiskMetric needs; '
                    "annotate the video's `risk` and give the model a `risk_head`, or "
                    'leave RiskMetric out of the evaluators.'
                )
            pred, gt = (
                torch.as_tensor(sample.get(name)).cpu().numpy() for name in FIELDS
            )
            try:
                errors = {'mse': frame_mse(pred, gt), 'mae': frame_mae(pred, gt)}
            except ValueError as error:
                raise UserError(f'{frame_dir}: {error}') from error
            self.results.append((frame_dir, errors))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the errors of all videos and keep the report."""
        # A distributed sampler repeats videos to fill the last batch.
        videos: dict[str, dict[str, float]] = dict(results)
        metrics = {}
        for name in ('mse', 'mae'):
            values = [errors[name] for errors in videos.values()]
            metrics[name] = float(np.mean(values))
            metrics[f'{name}_std'] = float(np.std(values))
        self.report = {'metrics': metrics, 'per_video': videos}
        return dict(metrics)
