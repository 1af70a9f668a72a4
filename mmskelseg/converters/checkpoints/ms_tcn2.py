"""Converts a checkpoint of MS-TCN++'s reference code into one of mmskelseg."""

from dataclasses import dataclass

from mmskelseg.converters.checkpoints.renaming import WeightConverter
from mmskelseg_io.messages.options import like

# Patterns of the reference's names, and our names within a branch.
RENAMES = {
    r'PG\.conv_1x1_in\.': r'backbone.stages.0.conv_in.',
    r'PG\.conv_dilated_1\.(\d+)\.': r'backbone.stages.0.layers.\1.conv_far.',
    r'PG\.conv_dilated_2\.(\d+)\.': r'backbone.stages.0.layers.\1.conv_near.',
    r'PG\.conv_fusion\.(\d+)\.': r'backbone.stages.0.layers.\1.merge.',
    r'PG\.conv_out\.': r'head.classifiers.0.',
    r'Rs\.(\d+)\.conv_1x1\.': r'backbone.stages.<\1>.conv_in.',
    r'Rs\.(\d+)\.layers\.(\d+)\.conv_dilated\.': (
        r'backbone.stages.<\1>.layers.\2.conv_dilated.'
    ),
    r'Rs\.(\d+)\.layers\.(\d+)\.conv_1x1\.': (
        r'backbone.stages.<\1>.layers.\2.conv_out.'
    ),
    r'Rs\.(\d+)\.conv_out\.': r'head.classifiers.<\1>.',
}


@dataclass(frozen=True, kw_only=True)
class ConvertMSTCN2(WeightConverter):
    """Converts a checkpoint of MS-TCN++'s reference code into one of mmskelseg.

        %(prog)s epoch-100.model ms_tcn2.pth

    SRC is a state dict that the code at github.com/sj-li/MS-TCN2 saved. DST can be
    loaded with a config whose model has the same widths, for example:

        mmskelseg test skelseg/uwiom_joint_limb ms_tcn2.pth
    """

    renames = RENAMES
    needed = {'PG.conv_1x1_in.weight', 'PG.conv_out.bias'}
    network = 'MS-TCN++ (PG.* and Rs.*)'
    modality: str = like(WeightConverter, 'modality', default='heatmap')


main = ConvertMSTCN2.main
