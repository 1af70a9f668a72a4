"""Converts a checkpoint of reference code for mmskelseg, or publishes a checkpoint.

NAME is followed by the arguments of that converter:

    %(prog)s ms_tcn2 epoch-100.model ms_tcn2.pth
"""

from collections.abc import Callable, Sequence

from mmskelseg.commands import convert
from mmskelseg.converters import checkpoints, converters
from mmskelseg.runtime.jobs import chosen


def main(argv: Sequence[str], prog: str) -> int | None:
    """Run the converter that the first argument names."""
    name = chosen(converters(checkpoints.__path__), argv, prog, __doc__)
    return converter(name)(argv[1:], f'{prog} {name}')


def converter(name: str) -> Callable[..., int | None]:
    """Return the ``main(argv=None, prog=None)`` of a converter of checkpoints."""
    return convert.converter(name, 'mmskelseg.converters.checkpoints')
