"""The causal segmentor as a function of the next frames.

The forward pass of a causal network exists twice. PyTorch's (``mmskelseg.models``)
reads whole videos, as training does; for every new frame of a stream, it would compute
thousands of earlier ones again. :func:`push_frames` computes only the new frames, and
keeps what its layers have read. The same code takes arrays and tensors: streams run it
in NumPy, and ``mmskelseg export --streaming`` traces it in PyTorch. Tests and every
export compare it with the network in PyTorch.

The first axis of all arrays holds the members of an ensemble. They are computed
together, since products of such small matrices cost little more than a NumPy call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np

from mmskelseg_io.messages.errors import UserError

#: A NumPy array or a PyTorch tensor.
Array: TypeAlias = Any
#: Probabilities are at least this large before their logarithm is taken.
TINY = float(np.finfo(np.float32).tiny)
# Largest number of frames that a layer processes together.
_BLOCK = 64


@dataclass(frozen=True)
class StreamingLayer:
    """A dilated convolution, ReLU and an optional 1x1, added to their input.

    Args:
        offsets: Number of frames by which each of the k taps looks back.
        weight: Weights of all taps, shape (M, k * C, C), beginning with the first tap.
        bias: Bias, shape (M, 1, C).
        out_weight: Weights of the 1x1, shape (M, C, C), or None.
        out_bias: Bias of the 1x1, shape (M, 1, C), or None.
    """

    offsets: tuple[int, ...]
    weight: np.ndarray
    bias: np.ndarray
    out_weight: np.ndarray | None = None
    out_bias: np.ndarray | None = None

    @property
    def reach(self) -> int:
        """Number of earlier frames that the layer reads."""
        return max(self.offsets)

    @cached_property
    def taps(self) -> list[tuple[slice, slice]]:
        """The rows (M, n, C) that each tap reads of (M, reach + n, C)."""
        return [
            (slice(None), slice(self.reach - offset, -offset or None))
            for offset in self.offsets
        ]


@dataclass(frozen=True)
class StreamingStage:
    """A 1x1 convolution, layers, and a classifier.

    Args:
        weight: Weights of the 1x1, shape (M, C, C').
        bias: Bias of the 1x1, shape (M, 1, C').
        layers: Layers of width C'.
        cls_weight: Weights of the classifier, shape (M, C', K).
        cls_bias: Bias of the classifier, shape (M, 1, K).
    """

    weight: np.ndarray
    bias: np.ndarray
    layers: Sequence[StreamingLayer]
    cls_weight: np.ndarray
    cls_bias: np.ndarray


@dataclass(frozen=True)
class Standardizer:
    """Standardisation by mean and deviation, with clipping.

    Args:
        mean: Mean, shape (M, 1, C).
        std: Standard deviation, shape (M, 1, C).
        limit: Limit of the result, shape (M, 1, 1).
    """

    mean: np.ndarray
    std: np.ndarray
    limit: np.ndarray


@dataclass(frozen=True)
class StreamingModel:
    """The weights of a causal segmentor with M members, in float32.

    Args:
        stages: All stages; the first reads features, and the others probabilities.
        order: The index of the stage that runs at each step.
        lookahead: Number of later frames that the first stage sees.
        standardizer: Standardisation of the features, if any.
        tiers: Number of classes of each tier; empty for one.
        models: Number of models of an ensemble, which have equally many of the members.
        temperature: What the logarithms of each model's probabilities, the means of its
            members, are divided by.
    """

    stages: Sequence[StreamingStage]
    order: Sequence[int]
    lookahead: int
    standardizer: Standardizer | None = None
    tiers: tuple[int, ...] = ()
    models: int = 1
    temperature: float = 1.0

    @property
    def in_channels(self) -> int:
        """Number of features per frame, C."""
        return self.stages[0].weight.shape[1]

    @property
    def num_classes(self) -> int:
        """Number of classes, K."""
        return self.stages[0].cls_weight.shape[2]

    @property
    def states(self) -> dict[str, tuple[int, ...]]:
        """The shape of each buffer, which holds the last frames that a layer read."""
        shapes: dict[str, tuple[int, ...]] = {}
        for i, k in enumerate(self.order):
            members, _, channels = self.stages[k].weight.shape
            for j, layer in enumerate(self.stages[k].layers):
                shapes[f'state_{i}_{j}'] = (members, layer.reach, channels)
        return shapes

    def push(
        self,
        features: np.ndarray,
        present: np.ndarray,
        frames: int,
        states: Sequence[np.ndarray],
    ) -> tuple[np.ndarray, int, Sequence[np.ndarray]]:
        """Return what :func:`push_frames` returns, computed in NumPy."""
        parts = []
        for begin in range(0, len(features), _BLOCK):
            block = slice(begin, begin + _BLOCK)
            scores, frames, states = push_frames(
                self, _NUMPY, features[block], present[block], frames, states
            )
            parts.append(scores)
        return np.concatenate(parts), frames, states


@dataclass(frozen=True)
class Operations:
    """What :func:`push_frames` needs from NumPy or PyTorch, beyond operators.

    Args:
        concatenate: Arrays along an axis.
        relu: The larger of each number and 0.
        softmax: Softmax over the last axis.
        log: Natural logarithm.
        clip: Numbers between a lower limit and an upper one.
        extended: A buffer (M, R, C) followed by new frames (M, n, C), and the buffer of
            its last R frames.
    """

    concatenate: Callable[[list[Array], int], Array]
    relu: Callable[[Array], Array]
    softmax: Callable[[Array], Array]
    log: Callable[[Array], Array]
    clip: Callable[[Array, Array, Array], Array]
    extended: Callable[[Array, Array], tuple[Array, Array]]


def push_frames(
    model: StreamingModel,
    use: Operations,
    features: Array,
    present: Array,
    frames: Array,
    states: Sequence[Array],
) -> tuple[Array, Array, list[Array]]:
    """Return probabilities (n', K) of final frames, the frame count, and the buffers.

    Args:
        model: The weights, as arrays of the same kind.
        use: Operations on these arrays.
        features: Features of the next frames, shape (n, C).
        present: 1 for a frame of the video, 0 for padding after the last, (n,).
        frames: Number of earlier frames.
        states: The buffers that the previous call returned; zeros at first.
    """
    x = features[None]
    standardizer = model.standardizer
    if standardizer is not None:
        x = (x - standardizer.mean) / standardizer.std
        x = use.clip(x, -standardizer.limit, standardizer.limit)
    rest, kept = iter(states), []
    for step, k in enumerate(model.order):
        stage = model.stages[k]
        x = x @ stage.weight + stage.bias
        if step == 0:
            x = x * present[None, :, None]
        for layer in stage.layers:
            rows, state = use.extended(next(rest), x)
            kept.append(state)
            read = use.concatenate([rows[tap] for tap in layer.taps], 2)
            change = use.relu(read @ layer.weight + layer.bias)
            if layer.out_weight is not None:
                change = change @ layer.out_weight + layer.out_bias
            x = x + change
        x = x @ stage.cls_weight + stage.cls_bias
        if step == 0 and model.lookahead:
            # Drop the first outputs, which precede the first frame.
            x = x[:, use.clip(model.lookahead - frames, 0, None) :]
        x = _within_tiers(use.softmax, x, model.tiers, use)
    if model.temperature != 1:
        size = x.shape[0] // model.models
        means = [x[i : i + size].mean(0)[None] for i in range(0, x.shape[0], size)]
        logits = use.log(use.clip(use.concatenate(means, 0), TINY, None))
        x = _within_tiers(use.softmax, logits / model.temperature, model.tiers, use)
    return x.mean(0), frames + features.shape[0], kept


def _within_tiers(
    function: Callable[[Array], Array], x: Array, tiers: Sequence[int], use: Operations
) -> Array:
    """Return a function of the classes of each tier, side by side."""
    if not tiers:
        return function(x)
    parts, begin = [], 0
    for size in tiers:
        parts.append(function(x[:, :, begin : begin + size]))
        begin += size
    return use.concatenate(parts, 2)


class PushModel(Protocol):
    """A causal model that computes a push of frames."""

    @property
    def in_channels(self) -> int:
        """Number of features per frame, C."""

    @property
    def num_classes(self) -> int:
        """Number of classes, K."""

    @property
    def lookahead(self) -> int:
        """Number of later frames that a frame depends on."""

    @property
    def states(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each buffer."""

    def push(
        self,
        features: np.ndarray,
        present: np.ndarray,
        frames: int,
        states: Sequence[np.ndarray],
    ) -> tuple[np.ndarray, int, Sequence[np.ndarray]]:
        """Return what :func:`push_frames` returns, for at least one frame."""


class ModelStream:
    """A stream that computes the probabilities of frames, delayed by the lookahead.

    Memory and time per frame are constant, however long the stream is.
    """

    def __init__(self, model: PushModel) -> None:
        self.model = model
        self.reset()

    def push(self, features: np.ndarray) -> np.ndarray:
        """Return the probabilities (n', K) of the frames that are final now.

        The features of the next frames have the shape (n, C).

        Raises:
            UserError: If they have another number of channels than the model.
        """
        if features.ndim != 2 or features.shape[1] != self.model.in_channels:
            raise UserError(
                f'The features have the shape {features.shape}, but the model reads '
                f'(frames, {self.model.in_channels}).'
            )
        return self._pushed(np.ascontiguousarray(features, np.float32), 1)

    def flush(self) -> np.ndarray:
        """Return the probabilities (n', K) of the last frames, and end the stream.

        These frames see nothing after the last frame, as at the end of a video.
        :meth:`reset` starts a new stream.
        """
        shape = (self.model.lookahead, self.model.in_channels)
        return self._pushed(np.zeros(shape, np.float32), 0)

    def reset(self) -> None:
        """Forget all frames."""
        #: Number of processed frames, including padding after the last.
        self.frames = 0
        self._states: Sequence[np.ndarray] = [
            np.zeros(shape, np.float32) for shape in self.model.states.values()
        ]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        buffers = zip(self.model.states, self._states, strict=True)
        state = {name: np.array(buffer) for name, buffer in buffers}
        return {**state, 'frames': np.array(self.frames, np.int64)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned.

        Raises:
            UserError: If the state belongs to another model.
        """
        check_state(state, self.state_dict())
        self.frames = int(state['frames'])
        self._states = [np.array(state[k], np.float32) for k in self.model.states]

    def _pushed(self, features: np.ndarray, present: int) -> np.ndarray:
        if not len(features):
            return np.zeros((0, self.model.num_classes), np.float32)
        scores, self.frames, self._states = self.model.push(
            features,
            np.full(len(features), present, np.float32),
            self.frames,
            self._states,
        )
        return scores


class _Buffer:
    """A layer's last R frames (M, R, C), with room for more, so that few are copied."""

    def __init__(self, state: np.ndarray) -> None:
        members, self.reach, channels = state.shape
        size = self.reach + self.reach // 4 + _BLOCK
        self.rows = np.zeros((members, size, channels), np.float32)
        self.rows[:, : self.reach] = state
        self.begin = 0

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self.rows[:, self.begin : self.begin + self.reach].copy()


def _extended(state: np.ndarray | _Buffer, x: np.ndarray) -> tuple[np.ndarray, _Buffer]:
    buffer = state if isinstance(state, _Buffer) else _Buffer(state)
    rows, begin = buffer.rows, buffer.begin
    middle = begin + buffer.reach
    end = middle + x.shape[1]
    if end > rows.shape[1]:
        rows[:, : buffer.reach] = rows[:, begin:middle]
        begin, middle, end = 0, buffer.reach, buffer.reach + x.shape[1]
    rows[:, middle:end] = x
    buffer.begin = end - buffer.reach
    return rows[:, begin:end], buffer


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# As an array, it is faster than a Python number.
_ZERO = np.zeros((), np.float32)

_NUMPY = Operations(
    np.concatenate, lambda x: np.maximum(x, _ZERO), _softmax, np.log, np.clip,
    _extended,
)  # fmt: skip


def check_state(state: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray]) -> None:
    """Raise a UserError if a state lacks arrays of ``own``, or if shapes differ."""
    for key, value in own.items():
        if key not in state or np.shape(state[key]) != value.shape:
            found = f'no {key}'
            if key in state:
                found = f'{key} of shape {np.shape(state[key])}'
            raise UserError(
                f'The state of the stream has {found}, but the model needs '
                f'{value.shape}; load it into a stream of the same model, in the same '
                'version of mmskelseg.'
            )
