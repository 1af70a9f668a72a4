"""Graph layers over the joints of a frame."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmskelseg.models.layers.padding import norm_frames
from mmskelseg_io.messages.errors import UserError


class GraphConv(BaseModule):
    """A graph convolution: a sum over neighbours, with weights for each subset of them.

    Args:
        in_channels: Input channels of a joint.
        out_channels: Output channels of a joint.
        num_subsets: Number of subsets of the neighbours, S.

    Source: Yan et al., "Spatial Temporal Graph Convolutional Networks" (AAAI 2018),
    Sec. 3.3.
    """

    def __init__(self, in_channels: int, out_channels: int, num_subsets: int) -> None:
        super().__init__()
        self.num_subsets = num_subsets
        self.conv = nn.Conv2d(in_channels, num_subsets * out_channels, 1)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """Return (N, C', T, V) for x (N, C, T, V).

        Entry (k, v, w) of ``adjacency`` (S, V, V) is the weight with which joint w
        reads joint v of its subset k.
        """
        # Faster than one product over subsets and joints, which copies the features.
        subsets = self.conv(x).chunk(self.num_subsets, dim=1)
        read = [y @ weights for y, weights in zip(subsets, adjacency, strict=True)]
        return sum(read[1:], start=read[0])


def check_joints(x: Tensor, num_joints: int) -> None:
    """Check that an input (N, C, T, V) has the joints of a graph.

    Raises:
        UserError: If it has not.
    """
    if x.dim() != 4 or x.shape[3] != num_joints:
        raise UserError(
            f'A graph of {num_joints} joints reads (videos, channels, frames, '
            f'{num_joints}), but gets {tuple(x.shape)}; set `skeleton` of the backbone '
            'to that of the data set, and `flatten=False` in SkeletonCoordinates.'
        )


def norm_joints(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x (N, C, T, V) with each channel of each joint normalised separately.

    ``norm`` is as in :func:`norm_frames`, with V * C channels, grouped by joint.
    """
    N, C, T, V = x.shape
    # (N, V * C, T)
    rows = x.permute(0, 3, 1, 2).reshape(N, V * C, T)
    return norm_frames(norm, rows, mask).view(N, V, C, T).permute(0, 2, 3, 1)
