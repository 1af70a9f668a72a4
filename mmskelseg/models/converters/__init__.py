"""Converters of checkpoints of other repositories into checkpoints of ours."""

# What each module of this name does, for `mmskelseg convert-model --help`.
CONVERTERS = {
    'ms_gcn': 'convert a checkpoint of the reference code of MS-GCN',
    'ms_tcn2': 'convert a checkpoint of the reference code of MS-TCN++',
}
