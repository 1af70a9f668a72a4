"""Segments videos or skeletons."""

from dataclasses import dataclass

from mmskelseg.runtime.jobs import segment


@dataclass(frozen=True, kw_only=True)
class Segment(segment.Segment):
    """The runtime's job, extended to models in PyTorch."""

    pytorch = 'mmskelseg.commands._opening:load_inferencer'


# The help is the same.
Segment.__doc__ = segment.Segment.__doc__
main = Segment.main
