"""Standardisation of features by the statistics of the training videos."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Fitted(nn.Module):
    """A module that takes something from the training set before the first step.

    Whether it has is kept with the weights.
    """

    fitted: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('fitted', torch.zeros((), dtype=torch.bool))

    @property
    def is_fitted(self) -> bool:
        """Whether it has taken what it needs."""
        return bool(self.fitted)


class FeatureStandardizer(Fitted):
    """Subtracts the mean of each channel and divides by its standard deviation.

    Both are those of the training videos and are kept with the weights; until
    :meth:`fit` has found them, features stay as they are. A channel that hardly varies,
    such as the place of a root that everything is measured from, is divided by a part
    of the median deviation instead, or noise in it would count as much as the rest.

    Args:
        channels: Features of a frame, C.
        floor: That part of the median.
        limit: What is more deviations than this from the mean is cut to it, since a
            joint that leaps away says no more than that it was lost.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, floor: float = 0.1, limit: float = 5.0) -> None:
        super().__init__()
        self.floor = floor
        self.limit = limit
        self.register_buffer('mean', torch.zeros(channels))
        self.register_buffer('std', torch.ones(channels))

    def fit(self, videos: Iterable[Tensor]) -> None:
        """Find mean and deviation of videos (C, T, ...)."""
        count = 0
        total = torch.zeros_like(self.mean, dtype=torch.float64)
        squares = torch.zeros_like(total)
        for video in videos:
            values = video.to(total).flatten(1)
            count += values.shape[1]
            total += values.sum(dim=1)
            squares += (values**2).sum(dim=1)
        mean = total / max(count, 1)
        std = (squares / max(count, 1) - mean**2).clamp(min=0).sqrt()
        varying = std[std > 1e-6]
        least = self.floor * varying.median() if len(varying) else std.new_ones(())
        self.mean.copy_(mean)
        self.std.copy_(std.clamp(min=least))
        self.fitted.fill_(True)

    def forward(self, x: Tensor) -> Tensor:
        """Return standardised features (N, C, T, ...)."""
        shape = (-1, *[1] * (x.dim() - 2))
        standard = (x - self.mean.view(shape)) / self.std.view(shape)
        # Not by an `if`, for which a GPU would be waited for.
        limited = standard.clamp(-self.limit, self.limit)
        return torch.where(self.fitted, limited, x)
