"""Backbones in stages, each of which maps (x, mask) to features of every frame."""

from mmskelseg.models.backbones.asformer import ASFormer
from mmskelseg.models.backbones.c2f_tcn import C2FTCN
from mmskelseg.models.backbones.gcn_tcn import GCNTCN
from mmskelseg.models.backbones.ltcontext import LTContext
from mmskelseg.models.backbones.mmaction_gcn import MMActionGCN
from mmskelseg.models.backbones.ms_gcn import MSGCN
from mmskelseg.models.backbones.ms_tcn import CausalTCN, MSTCNPlusPlus
from mmskelseg.models.backbones.pyramid_gcn import PyramidGCN

__all__ = [
    'C2FTCN',
    'GCNTCN',
    'MSGCN',
    'ASFormer',
    'CausalTCN',
    'LTContext',
    'MMActionGCN',
    'MSTCNPlusPlus',
    'PyramidGCN',
]
