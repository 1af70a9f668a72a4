"""Padding of videos of different lengths to one batch."""

from typing import Any

from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmskelseg.registry import MODELS


@MODELS.register_module()
class SegDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the model's device and pads its videos with zeros.

    A batch comes with ``inputs``, for each modality a list of N tensors (C, T, ...); it
    leaves with tensors (N, C, T, ...) of the longest T. A video alone is neither copied
    nor moved: it may fill more than the memory, and the segmentor takes what it needs.
    Samples stay on the host, where the segmentor checks their labels.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the batch with padded ``inputs``."""
        return {
            'inputs': {key: self._pad(list(x)) for key, x in data['inputs'].items()},
            'data_samples': data.get('data_samples'),
        }

    def _pad(self, videos: list[Tensor]) -> Tensor:
        if len(videos) == 1:
            return videos[0][None]
        # (T, C, ...), since the features of a frame lie beside one another.
        rows = [self.cast_data(video).transpose(0, 1) for video in videos]
        return pad_sequence(rows, batch_first=True).transpose(1, 2)
