"""C2F-TCN: down to a 64th of the frame rate and back, with predictions at each level.

Source: Singhania et al., "Coarse to Fine Multi-Resolution Temporal Convolutional
Network" (arXiv 2105.10859); details that the text leaves open are from
github.com/dipika-singhania/C2F-TCN.
"""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.heads import SegmentationHead, average_logits
from mmskelseg.models.layers.padding import masked, norm_frames
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count

# Lengths of the max-pooling windows of the coarsest level.
_PYRAMID = (2, 3, 5, 6)
# The number of levels of the decoder that are output.
_LEVELS = 4


@MODELS.register_module()
class C2FTCN(BaseModule):
    """One stage: an encoder that halves the frame rate at each level, and a decoder.

    Its features are the concatenated features of the finest four levels of the decoder.
    :class:`LevelHead` classifies each and averages their probabilities, which is the
    ensemble of the paper.

    An output depends on all frames of a video. The stage therefore has no ``context``,
    and a video is always processed as a whole.

    Args:
        in_channels: Number of features per frame, C.
        num_classes: Not used, since no stage reads classes.
        encoder_channels: Width of each level, beginning with the finest.
        channels: Width of the decoder.
        init_cfg: Initialisation by MMEngine.

    Raises:
        UserError: If the decoder has fewer levels.

    Note:
        In the reference code, a video of T frames has floor(T / 2) frames at the next
        level, and is padded with zeros on the way back. Here it has ceil(T / 2), and a
        level is interpolated to the length of the next finer one, so that videos of any
        length can be segmented. Both agree if T is a multiple of 64.

        The classifiers of the two coarsest levels, which the reference code does not
        use, are left out. So are its loss on the set of actions in a video, and its
        pooling of features in windows of random length.
    """

    def __init__(
        self,
        in_channels: Count,
        num_classes: Count,
        *,
        encoder_channels: Sequence[Count] = (256, 256, 256, 128, 128, 128, 128),
        channels: Count = 128,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(encoder_channels) <= _LEVELS:
            raise UserError(
                f'encoder_channels={encoder_channels} are {len(encoder_channels)} '
                f'levels, but the decoder outputs {_LEVELS}; give one more at least.'
            )
        self.in_channels = in_channels
        self.out_channels = _LEVELS * channels
        self.stages = ModuleList(
            [CoarseToFineStage(in_channels, encoder_channels, channels)]
        )


class CoarseToFineStage(BaseModule):
    """The encoder, pyramid pooling of its coarsest level, and the decoder."""

    def __init__(
        self, in_channels: int, encoder_channels: Sequence[int], channels: int
    ) -> None:
        super().__init__()
        widths = [in_channels, *encoder_channels]
        self.encoder = ModuleList(map(ConvPair, widths, encoder_channels))
        *skipped, coarsest = encoder_channels
        self.conv_pool = TemporalConv1d(coarsest, 1, 1)
        below = [coarsest + len(_PYRAMID)] + [channels] * (len(skipped) - 1)
        self.decoder = ModuleList(
            ConvPair(skip + width, channels)
            for skip, width in zip(reversed(skipped), below, strict=True)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (N, 4 * channels, T), finest first, for x (N, C, T).

        The mask is (N, 1, T).
        """
        x, level = masked(x, mask), Level(x, mask)
        skipped: list[tuple[Tensor, Level]] = []
        for block in self.encoder:
            if skipped:
                x, level = level.pooled(x, 2)
            x = block(x, level.mask)
            skipped.append((x, level))
        skipped.pop()
        pyramid = [x]
        for window in _PYRAMID:
            pooled, coarse = level.pooled(x, window)
            pooled = masked(self.conv_pool(pooled), coarse.mask)
            pyramid.append(coarse.stretched(pooled, level))
        x = torch.cat(pyramid, dim=1)
        outputs = []
        for block in self.decoder:
            skip, finer = skipped.pop()
            x = block(torch.cat([skip, level.stretched(x, finer)], 1), finer.mask)
            level = finer
            outputs.append((x, level))
        return torch.cat(
            [
                coarse.stretched(output, level)
                for output, coarse in reversed(outputs[-_LEVELS:])
            ],
            dim=1,
        )


class ConvPair(BaseModule):
    """Two convolutions over 5 frames, each with a batch norm and ReLU."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.convs = ModuleList(
            TemporalConv1d(width, channels, 5, padding=2)
            for width in (in_channels, channels)
        )
        self.norms = ModuleList(nn.BatchNorm1d(channels) for _ in self.convs)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return (N, channels, T) for x (N, C, T), both 0 in the padding."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm_frames(norm, conv(x), mask))
        return x


class Level:
    """The lengths of the videos of a batch at one temporal resolution.

    Args:
        x: A tensor (N, C, T) of this level.
        mask: Shape (N, 1, T), or None.
    """

    def __init__(self, x: Tensor, mask: Tensor | None) -> None:
        self.mask = mask
        self.frames = x.shape[2]
        if mask is None:
            self.lengths = torch.full((len(x), 1), self.frames, device=x.device)
        else:
            self.lengths = (mask[:, 0] > 0).sum(dim=1, keepdim=True)

    def pooled(self, x: Tensor, window: int) -> tuple[Tensor, 'Level']:
        """Return the maxima of windows of x (N, C, T), and their level.

        x must be non-negative, and 0 in the padding. The last window may be shorter.
        """
        mask = self.mask
        if mask is not None:
            mask = mask[:, :, ::window]
        pooled = F.max_pool1d(x, window, ceil_mode=True)
        return pooled, Level(pooled, mask)

    def stretched(self, x: Tensor, finer: 'Level') -> Tensor:
        """Return x (N, C, T), with each video interpolated to its length at a level.

        The first and last frames are aligned, and the others evenly spaced.
        """
        if finer is self:
            return x
        # In integers, so that the result for a video is the same in every batch.
        last = finer.lengths - 1
        frames = torch.arange(finer.frames, device=x.device).minimum(last)
        steps = frames * (self.lengths - 1)
        whole = last.clamp(min=1)
        before = steps // whole
        share = (steps % whole).to(x.dtype) / whole
        after = (before + 1).minimum(self.lengths - 1)
        offsets = self.frames * torch.arange(len(x), device=x.device)[:, None]
        # Frames are rows, as the convolutions output them.
        rows = x.transpose(1, 2).flatten(0, 1)
        between = torch.lerp(
            rows[before + offsets], rows[after + offsets], share[:, :, None]
        )
        return masked(between.transpose(1, 2), finer.mask)


@MODELS.register_module()
class LevelHead(SegmentationHead):
    """A head that classifies each of four levels; see :class:`C2FTCN`.

    The losses are those of the mean probabilities.
    """

    def classifier(self, channels: int, num_classes: int) -> nn.Module:
        """Return a classifier of the features (N, 4 * C, T) of a stage."""
        return LevelClassifier(channels // _LEVELS, self.tiers)


class LevelClassifier(BaseModule):
    """A 1x1 classifier of each level of features; their probabilities are averaged."""

    def __init__(self, channels: int, tiers: Sequence[int]) -> None:
        super().__init__()
        self.tiers = tiers
        self.levels = ModuleList(
            TemporalConv1d(channels, sum(tiers), 1) for _ in range(_LEVELS)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return log-probabilities (N, K, T) for features (N, 4 * C, T)."""
        parts = features.chunk(len(self.levels), dim=1)
        logits = [level(x) for level, x in zip(self.levels, parts, strict=True)]
        return average_logits(torch.stack(logits), self.tiers)
