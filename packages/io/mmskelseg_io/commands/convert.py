"""Converts a data set into an annotation file, or a checkpoint of reference code.

NAME is followed by the arguments of that converter:

    %(prog)s toy data/toy
"""

from collections.abc import Sequence

from mmskelseg_io.entry_points import commands
from mmskelseg_io.jobs import dispatch


def main(argv: Sequence[str], prog: str) -> None:
    """Run the converter that the first argument names."""
    dispatch(commands('converters'), argv, prog=prog, about=__doc__)
