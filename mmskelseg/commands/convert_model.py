"""Converts a checkpoint of reference code for mmskelseg, or publishes a checkpoint.

NAME is followed by the arguments of that converter:

    %(prog)s ms_tcn2 epoch-100.model ms_tcn2.pth
"""

from collections.abc import Sequence

from mmskelseg_io.entry_points import commands_in
from mmskelseg_io.jobs import dispatch


def main(argv: Sequence[str], prog: str) -> None:
    """Run the converter that the first argument names."""
    known = commands_in('mmskelseg.converters.checkpoints')
    dispatch(known, argv, prog=prog, about=__doc__)
