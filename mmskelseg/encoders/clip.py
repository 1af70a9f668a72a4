"""Features of the clip around each frame, from a frozen network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from mmskelseg.encoders.network import FrozenNetwork
from mmskelseg.registry import MODELS
from mmskelseg.runtime.messages.options import Count


@MODELS.register_module()
class ClipEncoder:
    """A frozen clip network applied to a sliding window.

    The feature of a frame is the global average of the network's last output for the
    clip centred on it: the frame has index ``clip_len // 2`` in the clip. Beyond the
    ends of the video, a clip repeats the first or last frame.

    Args:
        arch: A registered backbone that reads (N, C, frames, H, W), such as
            ``dict(type='mmaction.ResNet3dSlowOnly', ...)``.
        weights: The path of a checkpoint of the network alone, or of an MMAction2 model
            with it as backbone; or ``none`` for random weights.
        clip_len: Number of frames in a clip.
        frame_interval: Distance between consecutive frames of a clip, in frames.
        step: Distance between the centres of consecutive clips, in frames; the frames
            around a centre share its feature. 1 gives each frame a feature of its own;
            n is n times as fast.
        mean: Subtracted from each channel first, if given.
        std: Each channel is divided by it first, if given.
        batch_size: Number of clips that go through the network at a time.

    Raises:
        UserError: If there is no such network, or a file holds the weights of another.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self,
        arch: str | Mapping[str, object],
        weights: str,
        *,
        clip_len: Count = 48,
        frame_interval: Count = 1,
        step: Count = 1,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        batch_size: Count = 4,
    ) -> None:
        self.clip_len = clip_len
        self.frame_interval = frame_interval
        self.step = step
        self.mean = mean
        self.std = std
        self.batch_size = batch_size
        self.network = FrozenNetwork(arch, weights)

    @property
    def context(self) -> tuple[int, int]:
        """Number of frames before and after its own on which a feature depends."""
        before = self.clip_len // 2 * self.frame_interval
        after = (self.clip_len - 1) * self.frame_interval - before
        # The frames of a group share the clip around the middle of the group.
        middle = self.step // 2
        return before + self.step - 1 - middle, after + middle

    def settings(self) -> dict[str, object]:
        """Return everything that determines the features, as plain values."""
        return {
            'type': type(self).__name__,
            **self.network.settings(),
            'clip_len': self.clip_len,
            'frame_interval': self.frame_interval,
            'step': self.step,
            'mean': self.mean and list(self.mean),
            'std': self.std and list(self.std),
        }

    def load(self, device: str | None = None) -> None:
        """Load the network onto a device; None: the one on which MMEngine trains."""
        self.network.load(device)

    def encode_video(
        self, blocks: Iterable[np.ndarray], num_frames: int
    ) -> Iterator[np.ndarray]:
        """Yield the features of a video's frames in order, (n, C), float32.

        Args:
            blocks: The video's images in blocks (n, channels, H, W); at most the frames
                of one clip and one block are held in memory.
            num_frames: Number of frames in all.
        """
        before = self.clip_len // 2 * self.frame_interval
        span = (self.clip_len - 1) * self.frame_interval + 1
        middle = self.step // 2
        # The window begins `before` frames ahead of the first frame without a feature,
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
        clips = clips.to(self.network.device).transpose(1, 2)
        if self.mean is not None:
            clips = clips - clips.new_tensor(self.mean)[:, None, None, None]
        if self.std is not None:
            clips = clips / clips.new_tensor(self.std)[:, None, None, None]
        return self.network.module(clips)


def _padded(
    blocks: Iterable[np.ndarray], before: int, after: int
) -> Iterator[np.ndarray]:
    """Yield the blocks, with copies of the first frame before and the last after."""
    rest = iter(blocks)
    last = next(rest)
    yield np.repeat(last[:1], before, axis=0)
    yield last
    for last in rest:
        yield last
    yield np.repeat(last[-1:], after, axis=0)
