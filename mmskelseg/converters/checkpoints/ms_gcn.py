"""Converts a checkpoint of MS-GCN's reference code into one of mmskelseg."""

from dataclasses import dataclass

from mmskelseg.converters.checkpoints.renaming import WeightConverter
from mmskelseg_io.messages.options import like

_STAGE = r'stages\.(\d+)\.'
_BLOCK = r'stream\.st_gcn_networks\.(\d+)\.'
_OUR_STAGE = r'backbone.stages.<\1>.'
_OUR_BLOCK = r'backbone.stages.0.layers.\1.'

# Patterns of the reference's names, and our names within a branch.
RENAMES = {
    r'stream\.A$': r'backbone.stages.0.adjacency',
    r'stream\.data_bn\.': r'backbone.stages.0.norm_in.',
    r'stream\.conv_1x1\.': r'backbone.stages.0.conv_in.',
    r'stream\.edge_importance\.(\d+)$': rf'{_OUR_BLOCK}edge_importance',
    rf'{_BLOCK}gcn\.': rf'{_OUR_BLOCK}conv_graph.',
    rf'{_BLOCK}tcn\.0\.': rf'{_OUR_BLOCK}norm_graph.',
    rf'{_BLOCK}tcn\.2\.': rf'{_OUR_BLOCK}conv_time.',
    rf'{_BLOCK}tcn\.3\.': rf'{_OUR_BLOCK}norm_time.',
    r'stream\.conv_out\.': r'head.classifiers.0.',
    rf'{_STAGE}conv_1x1\.': rf'{_OUR_STAGE}conv_in.',
    rf'{_STAGE}layers\.(\d+)\.conv_dilated\.': rf'{_OUR_STAGE}layers.\2.conv_dilated.',
    rf'{_STAGE}layers\.(\d+)\.bn\.': rf'{_OUR_STAGE}layers.\2.norm.',
    rf'{_STAGE}conv_out\.': r'head.classifiers.<\1>.',
}


@dataclass(frozen=True, kw_only=True)
class ConvertMSGCN(WeightConverter):
    """Converts a checkpoint of MS-GCN's reference code into one of mmskelseg.

        %(prog)s epoch-100.model ms_gcn.pth

    SRC is a state dict that the code at github.com/BenjaminFiltjens/MS-GCN saved. DST
    can be loaded with a config whose model has the same widths and number of joints,
    for example:

        mmskelseg test ms_gcn/uwiom_pose3d ms_gcn.pth

    It includes the graph of the joints. As in the reference code, the input of a joint
    is its displacement followed by its coordinates, as SkeletonCoordinates computes
    them.
    """

    renames = RENAMES
    needed = {'stream.A', 'stream.conv_1x1.weight', 'stream.conv_out.bias'}
    network = 'MS-GCN (stream.* and stages.*)'
    modality: str = like(WeightConverter, 'modality', default='pose3d')


main = ConvertMSGCN.main
