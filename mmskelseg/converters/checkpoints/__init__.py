"""Converters of checkpoints from other repositories, and for publication."""

# The purpose of each module, for `mmskelseg convert-model --help`.
CONVERTERS = {
    'ms_gcn': "convert a checkpoint of MS-GCN's reference code",
    'ms_tcn2': "convert a checkpoint of MS-TCN++'s reference code",
    'publish_model': 'reduce a checkpoint to what others need to use its model',
}
