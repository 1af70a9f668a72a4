"""Labels of a stream's frames, from their probabilities."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_runtime.decoding import causal_min_duration


class RunningLabels:
    """The labels that ``CausalMinDuration`` gives a whole video, as frames arrive.

    Args:
        tiers: Number of classes of each of the G tiers.
        frames: The minimum duration in each tier; with 1, labels are the most likely
            classes.
    """

    # The labels of the last final frame, (G, 1) or (G, 0), and the probabilities (n, K)
    # of the frames after it.
    _last: np.ndarray
    _waiting: np.ndarray

    def __init__(self, tiers: Sequence[int], frames: Sequence[int]) -> None:
        self.tiers = tiers
        self.frames = frames
        self.reset()

    @property
    def lookahead(self) -> int:
        """Number of further frames after which a label is final."""
        return max(self.frames) - 1

    def push(
        self, score: np.ndarray, *, ends: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return labels (G, n') and probabilities (n', K) of the frames final now.

        Args:
            score: Probabilities of the next frames, shape (n, K).
            ends: Whether these are the last frames.
        """
        score = np.concatenate([self._waiting, score])
        final = len(score) if ends else max(len(score) - self.lookahead, 0)
        begin, rows = self._last.shape[1], []
        parts = np.split(score, np.cumsum(self.tiers)[:-1], axis=1)
        for last, part, frames in zip(self._last, parts, self.frames, strict=True):
            likeliest = np.append(last, part.argmax(axis=1))
            row = causal_min_duration(likeliest, frames)
            rows.append(row[begin : begin + final])
        labels = np.stack(rows)
        self._last = np.concatenate([self._last, labels], axis=1)[:, -1:]
        self._waiting = score[final:]
        return labels, score[:final]

    def reset(self) -> None:
        """Forget all frames."""
        self._last = np.zeros((len(self.tiers), 0), np.int64)
        self._waiting = np.zeros((0, sum(self.tiers)), np.float32)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays of fixed shapes, filled up with -1."""
        missing = self.lookahead - len(self._waiting)
        waiting = np.pad(self._waiting, ((0, missing), (0, 0)), constant_values=-1)
        last = self._last[:, 0] if self._last.size else np.full(len(self.tiers), -1)
        return {'last': last, 'waiting': waiting}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned."""
        last, waiting = state['last'][:, None], state['waiting']
        self._last = last if (last >= 0).all() else last[:, :0]
        self._waiting = waiting[waiting[:, 0] != -1]
