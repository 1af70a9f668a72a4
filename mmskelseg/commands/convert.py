"""Converts a data set into an annotation file.

%(prog)s toy data/toy
"""

from collections.abc import Sequence

from mmskelseg.commands import dispatch


def main(argv: Sequence[str], prog: str) -> int | None:
    """Run the converter that the first argument names."""
    from mmskelseg.datasets.converters import CONVERTERS

    room = 'mmskelseg.datasets.converters'
    converters = {name: (f'{room}.{name}', text) for name, text in CONVERTERS.items()}
    return dispatch(converters, __doc__, argv, prog)
