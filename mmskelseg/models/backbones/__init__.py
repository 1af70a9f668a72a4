"""Networks in stages; each maps (x, mask) to features of every frame."""

from mmskelseg.models.backbones.ms_gcn import MSGCN
from mmskelseg.models.backbones.ms_tcn import MSTCNPlusPlus

__all__ = ['MSGCN', 'MSTCNPlusPlus']
