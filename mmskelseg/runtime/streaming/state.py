"""States of streams as arrays, which can be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np


class Stateful:
    """Something whose state is arrays of its own, and those of its parts."""

    #: The names of its arrays, which are attributes that begin with an underscore.
    _arrays: ClassVar[Sequence[str]] = ()

    @property
    def _parts(self) -> Mapping[str, Stateful]:
        """What has a state of its own, by its name."""
        return {}

    def reset(self) -> None:
        """Forget all frames."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        state = {key: np.array(getattr(self, f'_{key}')) for key in self._arrays}
        for name, part in self._parts.items():
            state |= {f'{name}.{key}': x for key, x in part.state_dict().items()}
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned."""
        for key in self._arrays:
            setattr(self, f'_{key}', np.array(state[key]))
        for name, part in self._parts.items():
            keys = part.state_dict()
            part.load_state_dict({key: state[f'{name}.{key}'] for key in keys})
