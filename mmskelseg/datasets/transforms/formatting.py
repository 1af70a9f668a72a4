"""What turns an item into the inputs of a model."""

import warnings
from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform

from mmskelseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackSegInputs(BaseTransform):
    """Packs features and labels for :class:`mmskelseg.models.ActionSegmentor`.

    Reads: features, (C, T, ...) for each modality; label (T,) and risk (T,), where they
    are there; the keys of the meta information. Writes: inputs, a tensor (C, T, ...)
    for each modality, and data_samples, an ``ActionDataSample`` with gt_label (T,) and
    gt_risk (T,).

    Args:
        meta_keys: Keys that become the sample's meta information where they are there.
    """

    def __init__(
        self, meta_keys: Sequence[str] = ('frame_dir', 'total_frames', 'fps')
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Return ``inputs`` and ``data_samples``."""
        sample = ActionDataSample(
            metainfo={key: results[key] for key in self.meta_keys if key in results}
        )
        if 'label' in results:
            sample.set_gt_label(results['label'])
        if 'risk' in results:
            risk = torch.as_tensor(results['risk'], dtype=torch.float32)
            sample.set_field(risk, 'gt_risk', dtype=torch.Tensor)
        with warnings.catch_warnings():
            # Features that stay in their file cannot be written to.
            warnings.filterwarnings('ignore', 'The given NumPy array is not writable')
            inputs = {k: torch.from_numpy(x) for k, x in results['features'].items()}
        return {'inputs': inputs, 'data_samples': sample}

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'
