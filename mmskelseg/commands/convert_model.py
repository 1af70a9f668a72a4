"""Converts a checkpoint of reference code into one of ours.

%(prog)s ms_tcn2 epoch-100.model ms_tcn2.pth
"""

from collections.abc import Sequence

from mmskelseg.commands import dispatch


def main(argv: Sequence[str], prog: str) -> int | None:
    """Run the converter that the first argument names."""
    room = 'mmskelseg.models.converters'
    models = {
        'ms_tcn2': (f'{room}.ms_tcn2', 'MS-TCN++, of github.com/sj-li/MS-TCN2'),
        'ms_gcn': (f'{room}.ms_gcn', 'MS-GCN, of github.com/BenjaminFiltjens/MS-GCN'),
    }
    return dispatch(models, __doc__, argv, prog)
