"""Stems, which are trained with a segmentor and process each frame separately."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmskelseg.models.layers.padding import VideoNorm
from mmskelseg.models.layers.pooling import adaptive_mean_2d
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, CountOrZero

# Channels of the layers of each architecture.
_ARCHITECTURES = {
    'small': (32, 64, 128),
    'medium': (64, 128, 256),
    'large': (128, 256, 512),
}
# Groups of channels that are normalised together.
_GROUPS = 4


@MODELS.register_module()
class HeatmapEncoder(BaseModule):
    """A small convolutional network that turns each frame's heatmap into a vector.

    It consists of a 5x5 convolution with stride 4, then 3x3 convolutions with stride 2,
    each followed by a group norm and ReLU, then means over the four quarters of the
    image, and a linear layer. Then ``norm_out``, which the segmentor calls, normalises
    each feature over the frames of a video
    (:class:`~mmskelseg.models.layers.padding.VideoNorm`).

    Frames are computed in chunks. In batches of more than ``kept_frames`` frames, they
    are computed again in the backward pass, so that training keeps the activations of
    only one chunk, however long videos are. Since no layer looks beyond a frame, the
    gradients are exact.

    Args:
        in_channels: Channels of the heatmaps, C.
        arch: ``small``, ``medium`` or ``large``, or the channels of each layer,
            multiples of 4. For 5 channels of 56x56 pixels, the three take 2.9, 10.0 and
            36.7 million multiply-adds per frame; ResNet-50 takes 4,090 million for
            224x224.
        out_channels: Number of features per frame.
        chunk_frames: Number of frames that are computed together.
        prior_frames: The weight of the running statistics in the norm of a video in
            evaluation, as a number of frames.
        kept_frames: Number of frames of a batch up to which training keeps all
            activations: 0.16 MB per frame for ``small`` and 0.45 MB for ``large``, with
            5 channels of 56x56 pixels.
        init_cfg: Initialisation by MMEngine.

    Raises:
        UserError: If a number of channels is not a multiple of 4.
    """

    #: Number of frames to each side on which the output for a frame depends.
    context = 0

    def __init__(
        self,
        in_channels: Count,
        *,
        arch: Literal['small', 'medium', 'large'] | Sequence[int] = 'small',
        out_channels: Count = 128,
        chunk_frames: Count = 64,
        prior_frames: CountOrZero = 100,
        kept_frames: CountOrZero = 4096,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        widths = _ARCHITECTURES[arch] if isinstance(arch, str) else arch
        if not widths or any(n <= 0 or n % _GROUPS for n in widths):
            raise UserError(
                f'HeatmapEncoder: arch={arch!r} must name channels of at least one '
                f'layer, each a multiple of {_GROUPS}.'
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.chunk_frames = chunk_frames
        self.kept_frames = kept_frames
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise((in_channels, *widths))):
            # The first layer halves the size twice, since activations of half the size
            # would take most of the time and memory.
            size, stride = (3, 2) if i else (5, 4)
            layers += [
                nn.Conv2d(before, after, size, stride, size // 2, bias=False),
                # Unlike a batch norm, it treats each frame separately.
                nn.GroupNorm(_GROUPS, after),
                nn.ReLU(inplace=True),
            ]
        layers += [
            _Quarters(),
            nn.Flatten(),
            nn.Linear(4 * widths[-1], out_channels),
        ]
        self.layers = nn.Sequential(*layers)
        # This is twice as fast on CPUs.
        self.to(memory_format=torch.channels_last)
        self.norm_out = VideoNorm(out_channels, prior_frames=prior_frames)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, out_channels, T) for x (N, C, T, H, W); mask (N, 1, T).

        They are not normalised yet.

        Raises:
            ValueError: If x has no height and width.
        """
        if x.dim() != 5:
            raise UserError(
                'HeatmapEncoder reads images (videos, channels, frames, height, '
                f'width), but gets {tuple(x.shape)}; use features without an encoder, '
                "such as dict(render=dict(type='RenderSkeletonHeatmap'), online=True)."
            )
        if x.shape[1] != self.in_channels:
            raise UserError(
                f'HeatmapEncoder: in_channels={self.in_channels}, but the images have '
                f'{x.shape[1]} channels.'
            )
        frames = x.transpose(1, 2)
        shown = None if mask is None else mask[:, 0] > 0
        images = frames.flatten(0, 1) if shown is None else frames[shown]
        # An exported graph cannot be chunked, since it does not know the length.
        whole = torch.onnx.is_in_onnx_export()
        chunks = [images] if whole else images.split(self.chunk_frames)
        keep = whole or len(images) <= self.kept_frames
        rows = torch.cat([self._encode(chunk, keep) for chunk in chunks])
        if shown is None:
            features = rows.view(len(x), -1, self.out_channels)
        else:
            features = rows.new_zeros(*shown.shape, self.out_channels)
            features[shown] = rows
        return features.transpose(1, 2)

    def _encode(self, images: Tensor, keep: bool) -> Tensor:
        """Return vectors (n, out_channels) for images (n, C, H, W)."""
        images = images.contiguous(memory_format=torch.channels_last)
        if keep or not torch.is_grad_enabled():
            return self.layers(images)
        return checkpoint(
            self.layers, images, use_reentrant=False, preserve_rng_state=False
        )


class _Quarters(nn.Module):
    """Means over the four quarters of maps (n, C, H, W), shape (n, C, 2, 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return adaptive_mean_2d(x, (2, 2))
