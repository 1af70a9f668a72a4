"""Segments videos or skeletons."""

from dataclasses import dataclass
from functools import partial

from mmskelseg.runtime.jobs import segment
from mmskelseg.runtime.jobs.models import NamedModel


@dataclass(frozen=True, kw_only=True)
class Segment(segment.Segment):
    """The runtime's job, extended to models in PyTorch."""

    has_pytorch = True

    def open_trained(self, model: NamedModel) -> segment.Stream:
        """Return the ``stream`` of a model that PyTorch runs."""
        # It imports PyTorch.
        from mmskelseg.commands._opening import load_inferencer

        stream = load_inferencer(self, model).stream
        return partial(stream, batch_size=self.batch_size)


# The help is the same.
Segment.__doc__ = segment.Segment.__doc__
main = Segment.main
