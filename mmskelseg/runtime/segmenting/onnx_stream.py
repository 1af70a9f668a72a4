"""Live labels of a person's frames, by an exported model."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

import numpy as np

from mmskelseg.runtime.features import SkeletonCoordinates
from mmskelseg.runtime.features.drawing import MIN_SCORE
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.segmenting.model_files import ModelFile
from mmskelseg.runtime.segmenting.onnx_features import renderer_of
from mmskelseg.runtime.streaming import SkeletonStream
from mmskelseg.runtime.streaming.model import check_state
from mmskelseg.runtime.structures.skeleton import SkeletonLike, pushed_joints

# The most numbers in the buffers of a stream, some ten times those of any recipe.
_MOST_BUFFERED = 1 << 25


class OnnxStream(SkeletonStream):
    """A stream that labels a person's frames live, with an exported causal model.

    Methods, labels and probabilities are those of
    :class:`mmskelseg.apis.SkelSegStream`.

    Args:
        model: The file that `mmskelseg export --streaming` wrote.
        fps: Frame rate of the training data; by default the one that the file states.
        layout: The layout of the joints that you push, such as ``coco17``; by default
            that of the model.
        threads: Number of threads; more than one rarely helps.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is not such a file.

    Example::

        stream = OnnxStream('stream.onnx')
        for keypoints, score, time in camera:
            for frame in stream.push(keypoints, score, time):
                print(frame.time, frame.label)
    """

    def __init__(
        self,
        model: str | os.PathLike,
        *,
        fps: float | None = None,
        layout: SkeletonLike | None = None,
        threads: int = 1,
    ) -> None:
        self.file = ModelFile.open(model, 'cpu', threads)
        metadata = self.file.metadata
        if metadata['kind'] != 'streaming' or len(metadata['branches']) != 1:
            raise self.file.fault(
                f'its kind is {metadata["kind"]!r}, but a stream needs one that was '
                'exported with --streaming'
            )
        ((name, branch),) = metadata['branches'].items()
        render = renderer_of(self.file, name)
        if not isinstance(render, SkeletonCoordinates) or not render.causal:
            raise self.file.fault(
                f'makes features with {type(render).__name__}, but a stream reads '
                'causal SkeletonCoordinates'
            )
        self.skeleton = metadata['skeleton']
        joints, columns = pushed_joints(self.skeleton, layout)
        super().__init__(
            OnnxStreamingModel(self.file),
            render.running(),
            metadata['classes'],
            joints=joints,
            columns=columns,
            fps=metadata['fps'] if fps is None else fps,
            min_score=MIN_SCORE,
            dtype=branch['dtype'],
        )


class OnnxStreamingModel:
    """The graph of one push of frames, used like a ``StreamingModel``."""

    lookahead: int

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        shapes = file.inputs
        self.states = {k: v for k, v in shapes.items() if k.startswith('state_')}
        wanted = {'features', 'present', 'frames', *self.states}
        outputs = ['probabilities', 'frames_next', *(f'{k}_next' for k in self.states)]
        is_whole = (
            wanted == set(shapes)
            and set(outputs) == set(file.outputs)
            and len(shapes['features']) == 2
            and type(shapes['features'][1]) is int
            and all(type(n) is int and n > 0 for s in self.states.values() for n in s)
        )
        lookahead = file.metadata['lookahead']
        if not is_whole or lookahead is None:
            raise file.fault('its graph is not that of a push to a stream')
        buffered = sum(map(math.prod, self.states.values()))
        buffered += lookahead * shapes['features'][1]
        if buffered > _MOST_BUFFERED:
            raise file.fault(
                f'its buffers hold {buffered} numbers, but may hold {_MOST_BUFFERED}'
            )
        self.outputs = outputs
        self.lookahead = lookahead
        self.in_channels = shapes['features'][1]

    def stream(self) -> OnnxModelStream:
        """Return a new stream of frames; all streams share the weights."""
        return OnnxModelStream(self)


class OnnxModelStream:
    """A stream that computes probabilities of frames, like ``ModelStream``."""

    def __init__(self, model: OnnxStreamingModel) -> None:
        self.model = model
        self.reset()

    @property
    def frames(self) -> int:
        """Number of processed frames, including zeros after the last one."""
        return int(self._state['frames'])

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
        return self._run(features, 1)

    def flush(self) -> np.ndarray:
        """Return the probabilities (n', K) of the last frames."""
        shape = (self.model.lookahead, self.model.in_channels)
        return self._run(np.zeros(shape), 0)

    def reset(self) -> None:
        """Forget all frames."""
        shapes = self.model.states
        self._state = {k: np.zeros(shape, np.float32) for k, shape in shapes.items()}
        self._state['frames'] = np.array(0, np.int64)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        return {key: value.copy() for key, value in self._state.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned.

        Raises:
            UserError: If the state belongs to another model.
        """
        check_state(state, self._state)
        self._state = {
            key: np.array(state[key], value.dtype) for key, value in self._state.items()
        }

    def _run(self, features: np.ndarray, present: int) -> np.ndarray:
        model = self.model
        feed = {
            'features': np.ascontiguousarray(features, np.float32),
            'present': np.full(len(features), present, np.float32),
            **self._state,
        }
        if not len(features):
            return np.zeros((0, len(model.file.metadata['classes'])), np.float32)
        scores, frames, *states = model.file.run(model.outputs, feed)
        file, passed = model.file, self.frames + len(features)
        file.check_output(
            'probabilities', scores, (None, len(file.metadata['classes']))
        )
        if len(scores) > len(features) or frames != passed:
            raise file.fault(
                f'its graph labels {len(scores)} of {len(features)} frames, and counts '
                f'{frames} after frame {self.frames}'
            )
        state = {**dict(zip(model.states, states, strict=True)), 'frames': frames}
        for key, value in state.items():
            file.check_output(f'{key}_next', value, self._state[key].shape)
        self._state = state
        return scores
