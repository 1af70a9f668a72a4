"""Padding of videos of different lengths to a batch."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from mmaction.structures import ActionDataSample
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmskelseg.registry import MODELS


class Batch(TypedDict, total=False):
    """Videos of a batch: a list of features for each modality, or padded features."""

    inputs: Mapping[str, Sequence[Tensor] | Tensor]
    data_samples: Sequence[ActionDataSample] | None


@MODELS.register_module()
class SegDataPreprocessor(BaseDataPreprocessor):
    """A preprocessor that moves a batch to the model's device and pads its videos.

    For each modality, ``inputs`` are a list of N tensors (C, T, ...) before, and a
    tensor (N, C, T, ...) with zeros up to the longest T afterwards. A single video is
    neither copied nor moved: it may exceed the memory, and the segmentor loads it in
    parts. Samples stay on the host, where the segmentor checks their labels.
    """

    def forward(self, data: Batch, training: bool = False) -> Batch:
        """Return the batch with padded ``inputs``."""
        return {
            'inputs': {key: self._pad(list(x)) for key, x in data['inputs'].items()},
            'data_samples': data.get('data_samples'),
        }

    def _pad(self, videos: list[Tensor]) -> Tensor:
        if len(videos) == 1:
            return videos[0][None]
        # (T, C, ...), since the features of a frame are contiguous in memory.
        rows = [self.cast_data(video).transpose(0, 1) for video in videos]
        return pad_sequence(rows, batch_first=True).transpose(1, 2)
