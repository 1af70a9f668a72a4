"""Labels the people in front of a camera live."""

from dataclasses import dataclass

from mmskelseg.runtime.jobs import live


@dataclass(frozen=True, kw_only=True)
class Live(live.Live):
    """The runtime's job, extended to models in PyTorch."""

    pytorch = 'mmskelseg.commands._opening:open_stream'


# The help is the same.
Live.__doc__ = live.Live.__doc__
main = Live.main
