"""Labels of a stream's frames, from their probabilities."""

from collections.abc import Mapping

import numpy as np

from mmskelseg.runtime.decoding import causal_min_duration


class RunningLabels:
    """The labels that ``CausalMinDuration`` gives a whole video, as frames arrive.

    Args:
        num_classes: Number of classes, K.
        frames: The minimum duration; with 1, labels are the most likely classes.
    """

    # The label of the last final frame, (1,) or (0,), and the probabilities (n, K) of
    # the frames after it.
    _last: np.ndarray
    _waiting: np.ndarray

    def __init__(self, num_classes: int, frames: int = 1) -> None:
        self.num_classes = num_classes
        self.frames = frames
        self.reset()

    @property
    def lookahead(self) -> int:
        """Number of further frames after which a label is final."""
        return self.frames - 1

    def push(
        self, score: np.ndarray, *, ends: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return labels (n',) and probabilities (n', K) of the frames final now.

        Args:
            score: Probabilities of the next frames, shape (n, K).
            ends: Whether these are the last frames.
        """
        score = np.concatenate([self._waiting, score])
        final = len(score) if ends else max(len(score) - self.lookahead, 0)
        likeliest = np.append(self._last, score.argmax(axis=1))
        begin = len(self._last)
        labels = causal_min_duration(likeliest, self.frames)[begin : begin + final]
        self._last = np.append(self._last, labels)[-1:]
        self._waiting = score[final:]
        return labels, score[:final]

    def reset(self) -> None:
        """Forget all frames."""
        self._last = np.zeros(0, np.int64)
        self._waiting = np.zeros((0, self.num_classes), np.float32)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays of fixed shapes, filled up with -1."""
        missing = self.lookahead - len(self._waiting)
        waiting = np.pad(self._waiting, ((0, missing), (0, 0)), constant_values=-1)
        return {'last': np.append(self._last, -1)[:1], 'waiting': waiting}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned."""
        last, waiting = state['last'], state['waiting']
        self._last, self._waiting = last[last >= 0], waiting[waiting[:, 0] != -1]
