"""A causal segmentor of plain arrays, which labels one frame after another.

The members of an ensemble are the first axis of all arrays and are computed together,
since products of such small matrices take little more time than calling NumPy.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg.runtime.messages.errors import UserError

# The most frames that a layer processes together.
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

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return standardised features (M, n, C) for features (1, n, C)."""
        return np.clip((x - self.mean) / self.std, -self.limit, self.limit)


@dataclass(frozen=True)
class StreamingModel:
    """The weights of a causal segmentor with M members, in float32.

    Args:
        stages: All stages; the first reads features, and the others probabilities.
        order: The index of the stage that runs at each step.
        lookahead: Number of later frames that the first stage sees.
        standardizer: Standardisation of the features, if there is any.
    """

    stages: Sequence[StreamingStage]
    order: Sequence[int]
    lookahead: int
    standardizer: Standardizer | None = None

    @property
    def in_channels(self) -> int:
        """Number of features per frame, C."""
        return self.stages[0].weight.shape[1]

    @property
    def num_classes(self) -> int:
        """Number of classes, K."""
        return self.stages[0].cls_weight.shape[2]

    def stream(self) -> 'ModelStream':
        """Return a new stream of frames; all streams share the weights."""
        return ModelStream(self)


class ModelStream:
    """A stream that computes the probabilities of frames, delayed by the lookahead.

    Memory and time per frame are constant, however long the stream is.
    """

    def __init__(self, model: StreamingModel) -> None:
        self.model = model
        self._steps = [_StageStream(model.stages[i]) for i in model.order]

    @property
    def frames(self) -> int:
        """Number of frames that the first stage has processed, including padding."""
        return self._steps[0].frames

    def push(self, features: np.ndarray) -> np.ndarray:
        """Return the probabilities (n', K) of the frames that are final now.

        Args:
            features: Features of the next frames, shape (n, C).
        """
        if features.ndim != 2 or features.shape[1] != self.model.in_channels:
            raise UserError(
                f'The features have the shape {features.shape}, but the model reads '
                f'(frames, {self.model.in_channels}).'
            )
        return self._gathered(
            self._labelled(self._steps[0].enter(self._standardized(block)))
            for block in _blocks(features)
        )

    def flush(self) -> np.ndarray:
        """Return the probabilities (n', K) of the last frames, and end the stream.

        These frames see nothing after the last frame, as at the end of a video.
        :meth:`reset` starts a new stream.
        """
        weight = self.model.stages[0].weight
        nothing = np.zeros((self.model.lookahead, weight.shape[2]), np.float32)
        return self._gathered(
            self._labelled(np.repeat(block[None], len(weight), axis=0))
            for block in _blocks(nothing)
        )

    def reset(self) -> None:
        """Forget all frames."""
        for step in self._steps:
            step.reset()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        state = {}
        for i, step in enumerate(self._steps):
            state[f'{i}.frames'] = np.array(step.frames)
            for j, ring in enumerate(step.rings):
                state[f'{i}.{j}'] = ring.copy()
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned.

        Raises:
            UserError: If the state belongs to another model.
        """
        check_state(state, self.state_dict())
        for i, step in enumerate(self._steps):
            step.frames = int(state[f'{i}.frames'])
            for j, ring in enumerate(step.rings):
                ring[:] = state[f'{i}.{j}']

    def _standardized(self, features: np.ndarray) -> np.ndarray:
        x = features[None].astype(np.float32, copy=False)
        standardizer = self.model.standardizer
        return x if standardizer is None else standardizer(x)

    def _labelled(self, x: np.ndarray) -> np.ndarray:
        """Return the mean probabilities (n', K) for the input of the first layers."""
        early = max(self.model.lookahead - self.frames, 0)
        scores = _softmax(self._steps[0].run(x)[:, early:])
        for step in self._steps[1:]:
            if not scores.shape[1]:
                break
            scores = _softmax(step.run(step.enter(scores)))
        return scores.mean(axis=0)

    def _gathered(self, blocks: Iterator[np.ndarray]) -> np.ndarray:
        nothing = np.zeros((0, self.model.num_classes), np.float32)
        return np.concatenate([nothing, *blocks])


class _StageStream:
    """The state of a stage at one step: for each layer, a ring buffer of its inputs."""

    def __init__(self, stage: StreamingStage) -> None:
        self.stage = stage
        self.frames = 0
        members, _, channels = stage.weight.shape
        # Large enough that a block never overwrites frames that it still reads.
        self.rings = [
            np.zeros((members, max(layer.offsets) + _BLOCK, channels), np.float32)
            for layer in stage.layers
        ]
        self._offsets = [np.array(layer.offsets) for layer in stage.layers]

    def reset(self) -> None:
        """Forget all frames."""
        self.frames = 0
        for ring in self.rings:
            ring[:] = 0

    def enter(self, x: np.ndarray) -> np.ndarray:
        """Return the input of the layers (M, n, C') for x (M, n, C)."""
        return x @ self.stage.weight + self.stage.bias

    def run(self, x: np.ndarray) -> np.ndarray:
        """Return logits (M, n, K) for the input of the layers (M, n, C')."""
        members, n, channels = x.shape
        block = np.arange(n)[:, None]
        for layer, ring, offsets in zip(
            self.stage.layers, self.rings, self._offsets, strict=True
        ):
            size = ring.shape[1]
            first = self.frames % size
            if first + n <= size:
                ring[:, first : first + n] = x
            else:
                ring[:, first:] = x[:, : size - first]
                ring[:, : first + n - size] = x[:, size - first :]
            # The frames that the taps read, (M, n, k, C')
            read = ring.take(first + block - offsets, axis=1, mode='wrap')
            change = read.reshape(members, n, -1) @ layer.weight
            change += layer.bias
            np.maximum(change, 0, out=change)
            if layer.out_weight is not None:
                change = change @ layer.out_weight
                change += layer.out_bias
            change += x
            x = change
        self.frames += n
        return x @ self.stage.cls_weight + self.stage.cls_bias


def check_state(state: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray]) -> None:
    """Raise an error if a state lacks arrays of another, or if shapes differ."""
    for key, value in own.items():
        shape = np.shape(state[key]) if key in state else None
        if shape != value.shape:
            raise UserError(
                f'The state of the stream has {key} of shape {shape}, but the model '
                f'needs {value.shape}; load it into a stream of the same model.'
            )


def _blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(rows), _BLOCK):
        yield rows[begin : begin + _BLOCK]


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=-1, keepdims=True)
