"""Features of single images, from a frozen network or as means over a grid."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.features.encoders.fused_network import FusedNetwork
from mmskelseg.features.encoders.network import FrozenNetwork
from mmskelseg.models.layers.pooling import adaptive_mean_2d
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError
from mmskelseg.utils.precision import has_bfloat16

# Of all ImageNet images in [0, 1], as torchvision's networks were trained.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

_INTENSITIES = {
    'div3': lambda images: (images / 3).clamp(0, 1),
    'clip': lambda images: images.clamp(0, 1),
    'raw': lambda images: images,
}


@MODELS.register_module()
class FrameEncoder:
    """A frozen image network with the preprocessing of its input.

    The feature is the global average of the network's last feature map: of ``layer4``
    for ResNets (2048 values for ``resnet50``, 512 for ``resnet18``), of ``features``
    for VGGs (512) and for other networks that have such a part. timm's pool as they do
    themselves.

    The network is loaded when the first image is encoded, so that features which are
    there already cost nothing.

    Args:
        arch: ``torchvision.`` and the name of one of its classification networks;
            ``timm.`` and one of timm's, if it is installed; or a registered backbone,
            as ``dict(type='mmaction.ResNet', depth=50)``, whose last output counts.
        weights: The path of a file, of the network alone or of a model of the OpenMMLab
            family with it as backbone; ``torchvision`` for its first ImageNet weights
            (``IMAGENET1K_V1``, as in the literature), or the name of others of its
            weights (``IMAGENET1K_V2``), which are downloaded; ``timm`` for those of
            timm, likewise; or ``none`` for random weights.
        intensity: How an image becomes values for ImageNet's mean and deviation:
            ``div3`` divides by 3, which a sum of heatmaps hardly exceeds, and clips to
            [0, 1]; ``clip`` only clips; ``raw`` does neither.
        input_size: Side in pixels to which images are resized (bilinear) before they
            enter the network; None leaves them. VGG-16 shrinks 56 pixels to a last
            map of 1x1, so that 224 gives it more to average, at 16 times the work.
        batch_size: Images that go through the network at a time.
        dtype: ``float32``, or ``bfloat16``, in which the network multiplies about twice
            as fast where the hardware has it; docs/performance.md has the error.

    Raises:
        ValueError: If an option is not one of these, or a file holds the weights of
            another network.
        FileNotFoundError: If there is no such file.
        RuntimeError: If weights cannot be downloaded.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any],
        weights: str,
        *,
        intensity: str = 'div3',
        input_size: int | None = None,
        batch_size: int = 64,
        dtype: str = 'float32',
    ) -> None:
        self.arch = arch
        self.weights = weights
        self.intensity = intensity
        self.input_size = input_size
        self.batch_size = batch_size
        self.dtype = dtype
        if dtype not in ('float32', 'bfloat16'):
            raise UserError(f"dtype={dtype!r} is not 'float32' or 'bfloat16'.")
        if intensity not in _INTENSITIES:
            raise UserError(
                f'intensity={intensity!r} is not one of {", ".join(_INTENSITIES)}.'
            )
        self.network = FrozenNetwork(arch, weights)

    def settings(self) -> dict[str, Any]:
        """Return all that decides the features, as plain values."""
        precision = {} if self.dtype == 'float32' else {'dtype': self.dtype}
        return {
            'type': type(self).__name__,
            **self.network.settings(),
            'intensity': self.intensity,
            'input_size': self.input_size,
            **precision,
        }

    def load(self) -> None:
        """Load the network, so that faults in its weights come before any work."""
        self.network.module.eval()
        if self.dtype == 'bfloat16' and not has_bfloat16(get_device()):
            print_log(
                'This machine multiplies bfloat16 in software, if at all, so that '
                "dtype='float32' is faster here.",
                logger='current',
                level=30,
            )

    @torch.inference_mode()
    def encode(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Return features (T, C), float32, of images (T, 3, H, W).

        Where the three channels share memory, as those of heatmaps do, the network
        reads them as one.
        """
        images = torch.as_tensor(images)
        equal = images.stride(1) == 0 and self._network.reads_equal_channels
        features = [
            self._network(self._prepare(batch.to(get_device(), torch.float32), equal))
            for batch in images[:, : 1 if equal else 3].split(self.batch_size)
        ]
        return torch.cat(features).cpu().numpy()

    def graph(self, *, equal: bool) -> nn.Module:
        """Return what makes features (n, C) of images, for an ONNX graph.

        Args:
            equal: Whether the three channels of images are equal, as those of heatmaps
                are. It reads one of them then, if the network can.

        Raises:
            UserError: If the encoder computes in bfloat16.
        """
        if self.dtype != 'float32':
            raise UserError(
                f'FrameEncoder: dtype={self.dtype!r}, but a graph is made of float32; '
                'set encoder.dtype to that.'
            )
        equal = equal and self._network.reads_equal_channels
        return _FrameGraph(self, self._network.plain(2 if equal else 3), equal)

    @cached_property
    def _network(self) -> FusedNetwork:
        dtype = getattr(torch, self.dtype)
        return FusedNetwork(self.network.module, _MEAN, _STD, dtype)

    def _prepare(self, images: Tensor, equal: bool) -> Tensor:
        """Return the network's input: three channels, or one and one of ones."""
        images = _INTENSITIES[self.intensity](images)
        if self.input_size is not None:
            images = F.interpolate(images, (self.input_size,) * 2, mode='bilinear')
        if equal:
            return torch.cat([images, torch.ones_like(images)], dim=1)
        mean, std = (images.new_tensor(v)[:, None, None] for v in (_MEAN, _STD))
        return (images - mean) / std


class _FrameGraph(nn.Module):
    def __init__(self, encoder: FrameEncoder, network: nn.Module, equal: bool) -> None:
        super().__init__()
        self.channels = 1 if equal else 3
        self.network = network
        self._encoder = encoder
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return self.network(self._encoder._prepare(images, self.channels == 1))


@MODELS.register_module()
class GridEncoder:
    """An encoder without a network: the image averaged over the cells of a grid.

    It needs no weights and says how much of the skeleton, or which colour, is where,
    from which a segmentor can learn; a trained network describes shapes as well.

    Args:
        grid: Rows and columns of cells.
        channels: The first so many channels of the image are averaged: 1 for heatmaps,
            whose channels are equal, 3 for colours.

    Raises:
        ValueError: If there are not that many channels.
    """

    def __init__(self, grid: tuple[int, int] = (14, 14), *, channels: int = 1) -> None:
        self.grid = (int(grid[0]), int(grid[1]))
        self.channels = channels
        if not 1 <= channels <= 3:
            raise UserError(f'GridEncoder: channels={channels} is not 1, 2 or 3.')

    def settings(self) -> dict[str, Any]:
        """Return all that decides the features, as plain values."""
        return {
            'type': type(self).__name__,
            'grid': list(self.grid),
            'channels': self.channels,
        }

    def load(self) -> None:
        """Do nothing: there is no network to load."""

    @torch.inference_mode()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the means over the cells, channel by channel and row by row.

        They are of shape (T, channels * rows * columns), float32; images (T, 3, H, W).
        """
        images = np.ascontiguousarray(images[:, : self.channels])
        return _GridGraph(self)(torch.from_numpy(images)).float().numpy()

    def graph(self, *, equal: bool) -> nn.Module:
        """Return what makes features (n, C) of images, for an ONNX graph.

        It reads ``channels`` of them, whether they are ``equal`` or not.
        """
        return _GridGraph(self)


class _GridGraph(nn.Module):
    def __init__(self, encoder: GridEncoder) -> None:
        super().__init__()
        self.channels = encoder.channels
        self.grid = encoder.grid

    def forward(self, images: Tensor) -> Tensor:
        return adaptive_mean_2d(images, self.grid).flatten(1)
