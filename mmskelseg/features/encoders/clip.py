"""Features of the clip around each frame from a frozen network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from torch import Tensor

from mmskelseg.features.encoders.network import FrozenNetwork
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class ClipEncoder:
    """A frozen clip network over a window that slides along a video.

    The feature of a frame is the global average of the network's last output for the
    clip whose middle it is: frame ``clip_len // 2`` of the clip, counted from 0. Past
    the ends of the video, a clip repeats the first or the last frame.

    Args:
        arch: A registered backbone that reads (N, C, frames, H, W), such as
            ``dict(type='mmaction.ResNet3dSlowOnly', ...)``.
        weights: The path of a file, of the network alone or of a model of MMAction2
            with it as backbone; or ``none`` for random weights.
        clip_len: Frames of a clip.
        frame_interval: From one frame of a clip to the next.
        step: From the middle of a clip to that of the next; the frames around a middle
            share its feature. 1 gives each frame its own; more is faster as many times.
        mean: Subtracted from each channel before, if given.
        std: Divisor of each channel before, if given.
        batch_size: Clips that go through the network at a time.

    Raises:
        ValueError: If there is no such network, an option is below 1, or a file holds
            the weights of another network.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any],
        weights: str,
        *,
        clip_len: int = 48,
        frame_interval: int = 1,
        step: int = 1,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        batch_size: int = 4,
    ) -> None:
        self.clip_len = clip_len
        self.frame_interval = frame_interval
        self.step = step
        self.mean = mean
        self.std = std
        self.batch_size = batch_size
        for name in ('clip_len', 'frame_interval', 'step', 'batch_size'):
            if (value := getattr(self, name)) < 1:
                raise UserError(f'{name}={value} of ClipEncoder must be at least 1.')
        self.network = FrozenNetwork(arch, weights)

    @property
    def context(self) -> tuple[int, int]:
        """Frames before and after that a feature depends on."""
        before = self.clip_len // 2 * self.frame_interval
        after = (self.clip_len - 1) * self.frame_interval - before
        # The frames of a group share the clip around its middle.
        middle = self.step // 2
        return before + self.step - 1 - middle, after + middle

    def settings(self) -> dict[str, Any]:
        """Return all that decides the features, as plain values."""
        return {
            'type': type(self).__name__,
            **self.network.settings(),
            'clip_len': self.clip_len,
            'frame_interval': self.frame_interval,
            'step': self.step,
            'mean': self.mean and list(self.mean),
            'std': self.std and list(self.std),
        }

    def load(self) -> None:
        """Load the network, so that faults in its weights come before any work."""
        self.network.module.eval()

    def encode_video(
        self, blocks: Iterable[np.ndarray], num_frames: int
    ) -> Iterator[np.ndarray]:
        """Yield features (n, C) of a video's frames in turn, float32.

        Args:
            blocks: The video's images, shapes (n, channels, H, W); no more of them
                are held than a clip and a block have.
            num_frames: How many there are in all.
        """
        before = self.clip_len // 2 * self.frame_interval
        span = (self.clip_len - 1) * self.frame_interval + 1
        middle = self.step // 2
        # The window begins that long before the first frame that has no feature yet,
        # so that the clip around the middle of its group begins at `middle`.
        needed = max(middle + span, self.step)
        window: np.ndarray | None = None
        done = 0
        for block in _padded(blocks, before, needed - before - 1):
            window = block if window is None else np.concatenate([window, block])
            groups = (len(window) - needed) // self.step + 1
            if groups < 1:
                continue
            starts = range(middle, middle + groups * self.step, self.step)
            features = self._encode(
                window[start : start + span : self.frame_interval] for start in starts
            )
            window = window[groups * self.step :]
            features = np.repeat(features, self.step, axis=0)[: num_frames - done]
            done += len(features)
            yield features

    @torch.inference_mode()
    def _encode(self, clips: Iterable[np.ndarray]) -> np.ndarray:
        """Return features (clips, C) of clips (frames, channels, H, W)."""
        rest, features = iter(clips), []
        while batch := [torch.tensor(clip) for clip in islice(rest, self.batch_size)]:
            features.append(self._forward(torch.stack(batch)))
        return torch.cat(features).float().cpu().numpy()

    def _forward(self, clips: Tensor) -> Tensor:
        # (N, frames, channels, H, W) → (N, channels, frames, H, W)
        clips = clips.to(get_device()).transpose(1, 2)
        if self.mean is not None:
            clips = clips - clips.new_tensor(self.mean)[:, None, None, None]
        if self.std is not None:
            clips = clips / clips.new_tensor(self.std)[:, None, None, None]
        return self.network.module(clips)


def _padded(
    blocks: Iterable[np.ndarray], before: int, after: int
) -> Iterator[np.ndarray]:
    """Yield the blocks, and the first and last frame as often again as asked for."""
    rest = iter(blocks)
    last = next(rest)
    yield np.repeat(last[:1], before, axis=0)
    yield last
    for last in rest:
        yield last
    yield np.repeat(last[-1:], after, axis=0)
