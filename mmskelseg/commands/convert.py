"""Converts a data set into an annotation file.

NAME is followed by the arguments of that converter:

    %(prog)s toy data/toy
"""

from collections.abc import Sequence

from mmskelseg.converters import converters
from mmskelseg.runtime.jobs import dispatch


def main(argv: Sequence[str], prog: str) -> None:
    """Run the converter that the first argument names."""
    dispatch('mmskelseg.converters', converters(), argv, prog=prog, about=__doc__)
