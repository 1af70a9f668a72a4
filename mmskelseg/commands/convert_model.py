"""Converts a checkpoint of reference code for mmskelseg, or publishes a checkpoint.

NAME is followed by the arguments of that converter:

    %(prog)s ms_tcn2 epoch-100.model ms_tcn2.pth
"""

from collections.abc import Sequence

from mmskelseg.converters import checkpoints, converters
from mmskelseg.runtime.jobs import dispatch


def main(argv: Sequence[str], prog: str) -> None:
    """Run the converter that the first argument names."""
    known = converters(checkpoints.__path__)
    dispatch(checkpoints.__name__, known, argv, prog=prog, about=__doc__)
