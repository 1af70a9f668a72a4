"""What holds for every network: padding and chunks of a video change nothing."""

from functools import partial

import pytest
import torch

from tests.segmentors import (
    HEAD,
    build_segmentor,
    check_chunks_are_ignored,
    check_padding_is_invisible,
    check_padding_teaches_nothing,
    random_videos,
)

ASFORMER = {
    'type': 'ASFormer', 'in_channels': 6, 'channels': 8, 'num_layers': 4,
    'dropout': 0.0, 'channel_masking': 0.0,
}  # fmt: skip
C2F_TCN = {
    'type': 'C2FTCN', 'in_channels': 6, 'channels': 5,
    'encoder_channels': (7, 6, 5, 4, 4, 4, 3),
}  # fmt: skip
LTCONTEXT = {
    'type': 'LTContext', 'in_channels': 6, 'channels': 8, 'num_layers': 3,
    'num_refinements': 2, 'window': 4, 'stride': 3, 'dropout': 0.0,
    'output_dropout': 0.0, 'channel_masking': 0.0,
}  # fmt: skip
MS_GCN = {
    'type': 'MSGCN', 'in_channels': 6, 'skeleton': 'lcr15', 'channels': 8,
    'num_layers': 4, 'num_refinement_layers': 3,
}  # fmt: skip
PYRAMID_GCN = {
    'type': 'PyramidGCN', 'in_channels': 3, 'skeleton': 'lcr15', 'channels': 8,
    'num_layers': 3,
}  # fmt: skip
GCN_TCN = {'type': 'GCNTCN', 'in_channels': 3, 'skeleton': 'lcr15'}
TCN = {
    'type': 'MSTCNPlusPlus', 'in_channels': 4, 'channels': 8, 'dropout': 0.0,
    'num_prediction_layers': 3, 'num_refinement_layers': 2,
}  # fmt: skip
CAUSAL = {
    'type': 'CausalTCN', 'in_channels': 4, 'channels': 12, 'num_layers': 3,
    'dropout': 0.0,
}  # fmt: skip
# Networks that read the whole of a video.
WHOLE = {
    'asformer': {'pose': ASFORMER},
    'asformer of blocks': {'pose': {**ASFORMER, 'block_windows': True}},
    'asformer and another': {'pose': ASFORMER, 'rgb': TCN},
    'c2f_tcn': {'pose': C2F_TCN},
    'c2f_tcn and another': {'pose': C2F_TCN, 'rgb': CAUSAL},
    'ltcontext': {'pose': LTCONTEXT},
    'ltcontext with norms': {'pose': {**LTCONTEXT, 'norm': True}},
    'ltcontext and another': {
        'pose': LTCONTEXT, 'rgb': {**TCN, 'num_refinements': 2},
    },
}  # fmt: skip
NETWORKS = {
    **WHOLE,
    'ms_gcn': {'pose': MS_GCN},
    'pyramid_gcn': {'pose': PYRAMID_GCN},
    'pyramid_gcn and another': {'pose': PYRAMID_GCN, 'rgb': CAUSAL},
}


def builder(name, **options):
    if name.startswith('c2f_tcn'):
        options['head'] = {**HEAD, 'num_levels': 4}
    return partial(build_segmentor, NETWORKS[name], **options)


@pytest.mark.parametrize('name', NETWORKS)
@pytest.mark.parametrize('lengths', [(65, 64, 63, 15), (15, 3, 2, 1)])
def test_padding_is_invisible_in_evaluation(name, lengths):
    """A video in a padded batch gets what it gets alone, whatever the padding holds."""
    x = random_videos(NETWORKS[name], lengths[0], number=len(lengths))
    check_padding_is_invisible(builder(name)(), x, lengths)


@pytest.mark.parametrize('name', NETWORKS)
def test_padding_enters_no_loss_gradient_or_statistic(name):
    """Longer padding, of anything, changes nothing that is learned or kept."""
    # The coarsest level of C2F-TCN has a frame for each 64.
    lengths = (150, 101) if name.startswith('c2f_tcn') else (20, 12)
    x = random_videos(NETWORKS[name], lengths[0], number=2)
    model = check_padding_teaches_nothing(builder(name), x, lengths, padding=77)
    if name in WHOLE:
        idle = {key for key, p in model.named_parameters() if not p.grad.any()}
        # A window of one frame leaves nothing to weigh.
        assert all('.layers.0.query' in key or '.layers.0.key' in key for key in idle)


@pytest.mark.parametrize('name', WHOLE)
@pytest.mark.parametrize('members', [1, 2])
def test_networks_of_whole_videos_ignore_chunks(name, members):
    x = random_videos(NETWORKS[name], 90)
    check_chunks_are_ignored(builder(name, members=members), x)


@pytest.mark.parametrize(
    'branch', [MS_GCN, PYRAMID_GCN, GCN_TCN], ids=lambda b: b['type']
)
@pytest.mark.parametrize('joints', [(17,), ()])
def test_graphs_name_inputs_of_other_joints(branch, joints):
    """Coordinates of another skeleton, and flat ones, are the user's to mend."""
    x = torch.zeros(1, branch['in_channels'], 20, *joints)
    with pytest.raises(ValueError, match='A graph of 15 joints reads'):
        build_segmentor({'pose': branch})({'pose': x})
