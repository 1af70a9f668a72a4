"""Converters of checkpoints: of other repositories, and for publication."""

# What each module of this name does, for `mmskelseg convert-model --help`.
CONVERTERS = {
    'ms_gcn': 'convert a checkpoint of the reference code of MS-GCN',
    'ms_tcn2': 'convert a checkpoint of the reference code of MS-TCN++',
    'publish_model': 'leave of a checkpoint what others need to use its model',
}
