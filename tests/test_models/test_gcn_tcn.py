import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from torch import nn

from mmskelseg.models.backbones.gcn_tcn import CausalBlock, EncoderDecoder, GraphStem
from mmskelseg.registry import MODELS
from tests.segmentors import GCN_TCN, RISK, WEIGHTING, build_segmentor
from tests.small_data import ROOT


def build(members=1, **options):
    branches = {'pose3d': {**GCN_TCN, **options}}
    return build_segmentor(branches, members=members, auxiliary=[RISK, WEIGHTING])


@pytest.mark.parametrize(
    ('config', 'count'), [('stl', 20_714_661), ('mtl', 43_284_902 + 2)]
)
def test_model_has_the_parameters_of_the_literature(config, count):
    """About 20M, and 40M with the risk head; the two log-variances are beside these."""
    cfg = Config.fromfile(ROOT / 'configs' / config / 'uwiom_pose3d.py')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) == count


class Doubled(BaseModule):
    """A stem that reads two channels of each joint."""

    context = 0
    out_channels = 3

    def __init__(self, in_channels):
        super().__init__()
        self.in_channels = in_channels

    def forward(self, x, mask=None):
        return torch.cat([x, x[:, :1]], dim=1) * 2


@pytest.mark.parametrize('members', [1, 2])
def test_stem_of_the_branch_precedes_that_of_the_backbone(members):
    plain = build(members=members).eval()
    both = build(members=members, in_channels=2, stem={'type': Doubled}).eval()
    both.load_state_dict(plain.state_dict())
    x = torch.randn(2, 2, 40, 15)
    expected = plain({'pose3d': Doubled(2)(x)})
    torch.testing.assert_close(both({'pose3d': x}), expected)


def test_stem_convolves_over_the_graph_by_hand():
    """A joint reads itself by subset 0, and its only neighbour by subset 1 or 2."""
    # Two joints; the second reads the first, the root, as nearer, and is read back.
    skeleton = {'joints': 2, 'limbs': [[0, 1]], 'root': [0]}
    stem = build(skeleton=skeleton, graph_channels=(1,), stem_channels=2).branches[
        'pose3d'
    ]['backbone'].stem.eval()  # fmt: skip
    stem.norm_in.reset_parameters()
    stem.norm_in.eps = 0
    conv = stem.layers[0].conv
    # Channel 0 times 1 for a joint itself, 10 for one farther away, 100 for one nearer.
    conv.weight.data.zero_()
    conv.weight.data[:, 0, 0, 0] = torch.tensor([1.0, 10.0, 100.0])
    conv.bias.data = torch.tensor([0.0, 0.0, 2.0])
    x = torch.zeros(1, 3, 1, 2)
    x[0, 0, 0] = torch.tensor([4.0, 6.0])
    # Weights of a joint and its neighbour are 1/2 each.
    expected = [(4 + 10 * 6) / 2, (6 + 100 * 4 + 2) / 2]
    features = stem(x, torch.ones(1, 1, 1))
    torch.testing.assert_close(features[0, :, 0], torch.tensor(expected))


def test_stem_averages_neighbours_among_the_features_of_a_frame():
    """Channel by channel, and in these joint by joint."""
    stem = GraphStem((1, 2), 2, torch.eye(3)[None])
    stem.eval()
    stem.norm_in.eps = 0
    stem.layers[0].conv.weight.data[:, 0, 0, 0] = torch.tensor([1.0, 10.0])
    stem.layers[0].conv.bias.data.zero_()
    x = torch.tensor([1.0, 2.0, 6.0]).view(1, 1, 1, 3)
    features = stem(x, torch.ones(1, 1, 1))
    torch.testing.assert_close(features[0, :, 0], torch.tensor([3.0, 30.0]))


def test_causal_block_reads_itself_and_frames_before():
    """Two convolutions of 2 frames, dilated by 2, reach 4 frames back."""
    block = CausalBlock(3, 3, kernel_size=2, dilation=2, dropout=0.0)
    # All positive, so that no ReLU hides a frame.
    for parameter in block.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    x = torch.rand(1, 3, 12, requires_grad=True)
    block(x)[:, :, 8].sum().backward()
    assert x.grad[0].any(dim=0).nonzero().flatten().tolist() == [4, 6, 8]


def test_encoder_and_decoder_average_pairs_and_repeat_them():
    """With blocks that do nothing, frames become the mean of four, zeros at the end."""
    blocks = [Pass() for _ in range(4)]
    stage = EncoderDecoder(blocks, 1, 1, None)
    stage.conv_out.weight.data.fill_(1)
    stage.conv_out.bias.data.zero_()
    x = torch.tensor([1.0, 2, 3, 6, 8, 4]).view(1, 1, 6)
    features = stage(x, torch.ones(1, 1, 6))
    assert features.flatten().tolist() == [3, 3, 3, 3, 3, 3]
    assert stage(x[:, :, :5], torch.ones(1, 1, 5)).flatten().tolist() == [3, 3, 3, 3, 2]


class Pass(torch.nn.Module):
    def forward(self, x):
        return x


def test_activation_of_the_stage_can_be_chosen():
    """MTL bounds its features by tanh, STL leaves out negative ones."""
    x = {'pose3d': 50 * torch.randn(1, 3, 20, 15)}
    ends = {}
    for name in ('Tanh', 'ReLU'):
        stage = build(act_cfg={'type': name}).branches['pose3d']['backbone']
        mask = torch.ones(1, 1, 20)
        ends[name] = stage.stages[0](stage.stem(x['pose3d'], mask), mask).aminmax()
    assert -1 <= ends['Tanh'].min < 0
    assert ends['ReLU'].min == 0
