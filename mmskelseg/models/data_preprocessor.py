"""What makes one batch of videos of different lengths."""

from typing import Any

from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmskelseg.registry import MODELS


@MODELS.register_module()
class SegDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the model's device and pads its videos with zeros.

    A batch comes with ``inputs``, for each modality a list of N tensors (C, T, ...); it
    leaves with tensors (N, C, T, ...) of the longest T.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the batch with padded ``inputs``."""
        data = self.cast_data(data)
        return {
            'inputs': {key: _pad(list(x)) for key, x in data['inputs'].items()},
            'data_samples': data.get('data_samples'),
        }


def _pad(videos: list[Tensor]) -> Tensor:
    if len(videos) == 1:
        # Not copied, since the features of a long video fill much of the memory.
        return videos[0][None]
    longest = max(video.shape[1] for video in videos)
    batch = videos[0].new_zeros(
        len(videos), len(videos[0]), longest, *videos[0].shape[2:]
    )
    for row, video in zip(batch, videos, strict=True):
        row[:, : video.shape[1]] = video
    return batch
