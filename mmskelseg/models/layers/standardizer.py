"""Standardisation of features by the statistics of the training videos."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


class Fitted(nn.Module):
    """A module that is fitted to the training set before the first step, if ``needed``.

    The flag ``fitted`` is stored with the weights.
    """

    fitted: Tensor
    #: Fits the module to the videos of the training set: their features or labels.
    fit: Callable[..., None]
    #: Index of the tier whose labels it is fitted to; None if there is only one.
    tier: int | None = None

    def __init__(self, needed: bool = True) -> None:
        super().__init__()
        self.register_buffer('fitted', torch.tensor(not needed), persistent=needed)

    @property
    def is_fitted(self) -> bool:
        """Whether the module has been fitted."""
        return bool(self.fitted)


class FeatureStandardizer(Fitted):
    """Standardisation of each of C channels by its mean and standard deviation.

    Both are computed on the training videos and stored with the weights; before
    :meth:`fit`, features are unchanged. A channel that hardly varies, such as the
    position of the root to which all joints are relative, is divided by a fraction of
    the median deviation instead, since otherwise its noise would be amplified.
    """

    #: The smallest divisor, as a fraction of the median deviation.
    floor = 0.1
    #: Values are clipped at this many deviations from the mean, since a joint that
    #: leaps away was merely lost by the tracker.
    limit = 5.0
    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer('mean', torch.zeros(channels))
        self.register_buffer('std', torch.ones(channels))

    def fit(self, videos: Iterable[Tensor]) -> None:
        """Compute the mean and deviation over videos (C, T, ...)."""
        count = 0
        # On the host, since some devices have no float64.
        total = torch.zeros(self.mean.shape, dtype=torch.float64)
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
        # An `if` would wait for the GPU.
        limited = standard.clamp(-self.limit, self.limit)
        return torch.where(self.fitted, limited, x)
