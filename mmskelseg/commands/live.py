"""Labels the people in front of a camera live."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmskelseg.runtime.jobs import live
from mmskelseg.runtime.jobs.models import NamedModel
from mmskelseg.runtime.streaming import SkeletonStream


@dataclass(frozen=True, kw_only=True)
class Live(live.Live):
    """The runtime's job, extended to models in PyTorch."""

    has_pytorch = True

    def open_trained(
        self, model: NamedModel, objects: Mapping[str, int]
    ) -> SkeletonStream:
        """Return the stream of a model that PyTorch runs."""
        # It imports PyTorch.
        from mmskelseg.commands._opening import open_stream

        return open_stream(self, model, objects)


# The help is the same.
Live.__doc__ = live.Live.__doc__
main = Live.main
