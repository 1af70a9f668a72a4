"""Networks in which no frame depends on later ones, but for those of a lookahead."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmskelseg.models import CausalTCN, MSTCNPlusPlus
from mmskelseg.models.backbones.ms_tcn import DilatedResidualLayer, DualDilatedLayer
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

SMALL = {'channels': 8, 'num_prediction_layers': 3, 'num_refinement_layers': 3}


def networks(lookahead):
    torch.manual_seed(0)
    yield MSTCNPlusPlus(4, 5, causal=True, lookahead=lookahead, **SMALL).eval()
    yield CausalTCN(4, 5, channels=8, num_layers=3, lookahead=lookahead).eval()


def changed_frames(module, channels, frame, frames=60):
    """Return which outputs change with one frame of the input.

    All weights and inputs are positive, so that no ReLU hides a change.
    """
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    x = torch.rand(1, channels, frames)
    other = x.clone()
    other[..., frame] += 1
    with torch.no_grad():
        differs = (module(x) - module(other))[0].abs().amax(dim=0)
    return differs.nonzero()[:, 0].tolist()


@pytest.mark.parametrize('loops', [True, False])
@pytest.mark.parametrize(
    ('layer', 'offsets'),
    [
        (DualDilatedLayer(3, 8, 2, 0.5, causal=True), {0, 2, 4, 8, 16}),
        (DualDilatedLayer(3, 4, 2, 0.5, causal=True), {0, 2, 4, 8}),
        (DualDilatedLayer(3, 8, 2, 0.5), {-8, -2, 0, 2, 8}),
        (DilatedResidualLayer(3, 4, 0.5, causal=True), {0, 4, 8}),
        (DilatedResidualLayer(3, 4, 0.5), {-4, 0, 4}),
    ],
)
def test_layer_reads_the_frames_that_it_says(layer, offsets, loops, monkeypatch):
    """Causal ones those d and 2 * d before, and others those d before and after."""
    monkeypatch.setattr(TemporalConv1d, 'loops', loops)
    assert {t - 30 for t in changed_frames(layer.eval(), 3, 30)} == offsets
    assert layer.context == max(offsets)


@pytest.mark.parametrize('lookahead', [0, 1, 8])
def test_no_frame_depends_on_one_later_than_the_lookahead(lookahead):
    """The first stage sees so many later frames, and the others none."""
    for network in networks(lookahead):
        first, *others = network.stages
        assert changed_frames(first, 4, 30)[0] == 30 - lookahead
        assert all(changed_frames(stage, 5, 30)[0] == 30 for stage in others)


@pytest.mark.parametrize('lookahead', [0, 3, 40])
def test_context_is_how_far_an_output_reaches(lookahead):
    """Also where the lookahead is longer than what the layers look back."""
    stage = next(networks(lookahead)).stages[0]
    # 8 + 4 + 8 frames back, from so many frames later.
    assert stage.context == max(20 - lookahead, lookahead)
    reached = changed_frames(stage, 4, 80, frames=160)
    assert max(abs(t - 80) for t in reached) == stage.context


@pytest.mark.parametrize('frames', [1, 5, 30])
def test_lookahead_moves_what_the_layers_give(frames):
    """As if as many frames of zeros followed the input of the layers."""
    ahead, plain = (next(networks(lookahead)).stages[0] for lookahead in (7, 0))
    ahead.load_state_dict(plain.state_dict())
    x = torch.randn(2, 4, frames)
    padded = F.pad(plain.conv_in(x), (0, 7))
    plain.conv_in = nn.Identity()
    torch.testing.assert_close(ahead(x), plain(padded)[..., 7:])


@pytest.mark.parametrize('lookahead', [0, 3, 40])
def test_padding_is_invisible_to_the_lookahead(lookahead):
    for network in networks(lookahead):
        x = torch.randn(2, 4, 30)
        mask = torch.ones(2, 1, 30)
        mask[1, :, 12:] = 0
        together = network.stages[0](x, mask)
        alone = network.stages[0](x[1:, :, :12])
        torch.testing.assert_close(together[1:, :, :12], alone, atol=1e-5, rtol=1e-5)
        assert not together[1, :, 12:].any()


def test_lookahead_needs_a_causal_network():
    with raises_naming(UserError, 'MSTCNPlusPlus', 'lookahead=5', 'causal=True'):
        MSTCNPlusPlus(4, 5, **SMALL, lookahead=5)
