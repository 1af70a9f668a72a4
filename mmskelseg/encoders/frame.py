"""Features of single images: from a frozen network, or averages over a grid."""

import copy
from collections.abc import Mapping
from logging import WARNING
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.encoders.network import FrozenNetwork
from mmskelseg.models.layers.pooling import adaptive_mean_2d
from mmskelseg.models.precision import has_bfloat16
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.options import Count

# Mean and standard deviation of ImageNet images in [0, 1], as torchvision uses them.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

_INTENSITIES = {
    'div3': lambda images: (images / 3).clamp(0, 1),
    'clip': lambda images: images.clamp(0, 1),
    'raw': lambda images: images,
}


@MODELS.register_module()
class FrameEncoder:
    """A frozen image network, including the preprocessing of its input.

    The feature is the global average of the network's last feature map: the output of
    ``layer4`` for ResNets (2048 values for ``resnet50``, 512 for ``resnet18``), and of
    ``features`` for VGGs (512) and other networks with such a part. Networks of timm
    use their own pooling.

    The network is loaded when the first image is encoded, so it costs nothing if all
    features exist already.

    Args:
        arch: ``torchvision.`` and the name of a classification network of torchvision;
            ``timm.`` and the name of a network of timm, if it is installed; or a
            registered backbone such as ``dict(type='mmaction.ResNet', depth=50)``,
            whose last output is used.
        weights: The path of a checkpoint of the network alone, or of an OpenMMLab model
            with it as backbone; ``torchvision`` to download its first ImageNet weights
            (``IMAGENET1K_V1``, as in the literature), or the name of other weights of
            torchvision (``IMAGENET1K_V2``); ``timm`` to download those of timm; or
            ``none`` for random weights.
        intensity: How image values are mapped before ImageNet's mean and standard
            deviation are applied: ``div3`` divides by 3, which a sum of heatmaps rarely
            exceeds, and clips to [0, 1]; ``clip`` only clips; ``raw`` does neither.
        input_size: Side length in pixels to which images are resized (bilinear) for the
            network; None keeps their size. VGG-16 reduces 56 pixels to a last feature
            map of 1x1; with 224 there is more to average, at 16 times the cost.
        batch_size: Number of images that go through the network at a time.
        dtype: ``float32``, or ``bfloat16``, which is faster on hardware that supports
            it; docs/performance.md gives the error.

    Raises:
        UserError: If a file holds the weights of another network.
        FileNotFoundError: If there is no such file.
        RuntimeError: If weights cannot be downloaded.
    """

    def __init__(
        self,
        arch: str | Mapping[str, object],
        weights: str,
        *,
        intensity: Literal['div3', 'clip', 'raw'] = 'div3',
        input_size: Count | None = None,
        batch_size: Count = 64,
        dtype: Literal['float32', 'bfloat16'] = 'float32',
    ) -> None:
        self.arch = arch
        self.weights = weights
        self.intensity = intensity
        self.input_size = input_size
        self.batch_size = batch_size
        self.dtype = dtype
        self.network = FrozenNetwork(arch, weights)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the features, as plain values."""
        precision = {} if self.dtype == 'float32' else {'dtype': self.dtype}
        return {
            'type': type(self).__name__,
            **self.network.settings(),
            'intensity': self.intensity,
            'input_size': self.input_size,
            **precision,
        }

    def load(self, device: str | None = None) -> None:
        """Load the network onto a device; None: the one on which MMEngine trains."""
        self.network.load(device)
        if self.dtype == 'bfloat16' and not has_bfloat16(self.network.device):
            print_log(
                f'{self.network.device} has no hardware support for bfloat16, so '
                "dtype='float32' is faster here.",
                WARNING,
            )

    def encode(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Return features (T, C), float32, of images (T, 3, H, W).

        Raises:
            UserError: If images have other than 3 channels.
        """
        images = torch.as_tensor(images)
        if images.shape[1] != 3:
            raise UserError(
                f'FrameEncoder: images have {images.shape[1]} channels, but a network '
                'for photographs reads 3; use a renderer of 3 channels, without '
                'velocity, or train an encoder (`stem`).'
            )
        # Channels of heatmaps share memory, and one of them is enough.
        channels = 1 if images.stride(1) == 0 else 3
        settings: dict[str, Any] = {
            'dtype': getattr(torch, self.dtype),
            'memory_format': torch.channels_last,
        }
        network = self.network.module.to(**settings)
        features = []
        with torch.inference_mode():
            for batch in images[:, :channels].split(self.batch_size):
                batch = self._prepare(batch.to(self.network.device, torch.float32))
                features.append(network(batch.to(**settings)).float())
        return torch.cat(features).cpu().numpy()

    def graph(self, *, equal: bool) -> nn.Module:
        """Return a module that computes features (n, C) of images, for an ONNX graph.

        If the three channels are ``equal``, as in heatmaps, it reads only one of them.

        Raises:
            UserError: If the encoder computes in bfloat16.
        """
        if self.dtype != 'float32':
            raise UserError(
                f'FrameEncoder: dtype={self.dtype!r}, but graphs are in float32; '
                "set encoder.dtype='float32'."
            )
        return _FrameGraph(self, 1 if equal else 3)

    def _prepare(self, images: Tensor) -> Tensor:
        """Return images of one or three channels as the network reads them."""
        images = _INTENSITIES[self.intensity](images)
        if self.input_size is not None:
            images = F.interpolate(images, (self.input_size,) * 2, mode='bilinear')
        mean, std = (images.new_tensor(v)[:, None, None] for v in (_MEAN, _STD))
        return (images - mean) / std


class _FrameGraph(nn.Module):
    def __init__(self, encoder: FrameEncoder, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.network = copy.deepcopy(encoder.network.module).cpu()
        self._encoder = encoder
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return self.network(self._encoder._prepare(images))


@MODELS.register_module()
class GridEncoder:
    """An encoder without a network: averages of the image over the cells of a grid.

    It needs no weights and describes how much of the skeleton, or which colour, is
    where. That is enough for a segmentor to learn from; a trained network also
    describes shapes.

    Args:
        grid: Number of rows and columns of cells.
        channels: Number of channels to average, counted from the first: 1 for heatmaps,
            whose channels are equal, 3 for colours.
    """

    def __init__(
        self, grid: tuple[Count, Count] = (14, 14), *, channels: Literal[1, 2, 3] = 1
    ) -> None:
        self.grid = (int(grid[0]), int(grid[1]))
        self.channels = channels

    def settings(self) -> dict[str, object]:
        """Return everything that determines the features, as plain values."""
        return {
            'type': type(self).__name__,
            'grid': list(self.grid),
            'channels': self.channels,
        }

    def load(self, device: str | None = None) -> None:
        """Do nothing: there is no network to load, and it computes on the CPU."""

    @torch.inference_mode()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the means over the cells of images (T, 3, H, W).

        They have the shape (T, channels * rows * columns), float32.

        Raises:
            UserError: If channels would be dropped.
        """
        dropped = images[:, self.channels :]
        # The channels of heatmaps share memory.
        if images.strides[1] and (dropped != images[:, :1]).any():
            raise UserError(
                f'GridEncoder: images have {images.shape[1]} different channels, but '
                f'channels={self.channels} would drop {dropped.shape[1]} of them; set '
                'it to their number, or use a renderer of fewer channels.'
            )
        images = np.ascontiguousarray(images[:, : self.channels])
        return _GridGraph(self)(torch.from_numpy(images)).float().numpy()

    def graph(self, *, equal: bool) -> nn.Module:
        """Return a module that computes features (n, C) of images, for an ONNX graph.

        It reads ``channels`` channels, whether they are ``equal`` or not.
        """
        return _GridGraph(self)


class _GridGraph(nn.Module):
    def __init__(self, encoder: GridEncoder) -> None:
        super().__init__()
        self.channels = encoder.channels
        self.grid = encoder.grid

    def forward(self, images: Tensor) -> Tensor:
        return adaptive_mean_2d(images, self.grid).flatten(1)
