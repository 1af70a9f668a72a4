import numpy as np
import pytest
import torch

from mmskelseg.models.backbones.mmaction_gcn import graph_layout
from mmskelseg.registry import MODELS
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import spatial_subsets
from tests.errors import raises_naming
from tests.segmentors import (
    build_segmentor,
    check_padding_is_invisible,
    check_padding_teaches_nothing,
)


def network(name='STGCN', **options):
    graph = {'mode': 'stgcn_spatial'}
    small = {'base_channels': 8, 'num_stages': 3, 'inflate_stages': [3]}
    return {
        'type': f'mmaction.{name}',
        'graph_cfg': graph,
        'down_stages': [],
        **small,
        **options,
    }


def build(name='STGCN', upsample=1, skeleton='lcr15', in_channels=3, **options):
    branch = {
        'type': 'MMActionGCN', 'in_channels': in_channels, 'skeleton': skeleton,
        'network': network(name, **options), 'network_channels': 16, 'channels': 8,
        'upsample': upsample, 'num_refinement_layers': 2, 'num_refinements': 1,
    }  # fmt: skip
    return build_segmentor({'pose': branch})


def stage_of(model):
    return model.branches['pose']['backbone'].stages[0]


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('STGCN', {}),
        ('STGCN', {'upsample': 2, 'down_stages': [3]}),
        ('AAGCN', {}),
        ('STGCN', {'gcn_adaptive': 'init', 'gcn_with_res': True, 'tcn_type': 'mstcn'}),
    ],
    ids=['stgcn', 'stgcn-upsampled', 'aagcn', 'stgcn++'],
)
def test_padding_of_mmaction_networks_is_invisible(name, options):
    """A video in a padded batch gets what it gets alone, whatever the padding holds."""
    x = {'pose': torch.randn(2, 3, 30, 15)}
    check_padding_is_invisible(build(name, **options), x, (30, 13))


def test_padding_of_mmaction_networks_enters_no_gradient_and_no_statistic():
    """Longer padding, of anything, changes nothing that is learned or kept."""

    def without_dropout():
        model = build()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0
        return model

    x = {'pose': torch.randn(2, 3, 20, 15)}
    check_padding_teaches_nothing(without_dropout, x, (20, 12), padding=9)


def test_stage_gives_what_mmaction2_gives_averaged_over_joints():
    """Coordinates reach the network in MMAction2's layout (N, M, T, V, C)."""
    stage = stage_of(build()).eval()
    x = torch.randn(1, 3, 20, 15)
    with torch.no_grad():
        features = stage.network(x.permute(0, 2, 3, 1)[:, None])[:, 0].mean(dim=3)
        torch.testing.assert_close(
            stage(x, torch.ones(1, 1, 20)), stage.conv_out(features)
        )


def test_network_that_tells_persons_apart_reads_zeros_for_the_second():
    """AAGCN's input norm is of two persons; the first one's features count."""
    stage = stage_of(build('AAGCN')).eval()
    x = torch.randn(1, 3, 12, 15)
    person = x.permute(0, 2, 3, 1)[:, None]
    with torch.no_grad():
        both = stage.network(torch.cat([person, torch.zeros_like(person)], dim=1))
        expected = stage.conv_out(both[:, 0].mean(dim=3))
        torch.testing.assert_close(stage(x, torch.ones(1, 1, 12)), expected)


def test_upsampled_features_pass_through_those_of_the_network():
    """Frames 0, 2, 4 have them, those between the mean of both sides, the last its."""
    stage = stage_of(build(upsample=2, down_stages=[3])).eval()
    x = torch.randn(1, 3, 10, 15)
    with torch.no_grad():
        few = stage.network(x.permute(0, 2, 3, 1)[:, None])[:, 0].mean(dim=3)
        expected = torch.empty(1, 16, 10)
        expected[..., ::2] = few
        expected[..., 1:9:2] = (few[..., 1:] + few[..., :-1]) / 2
        expected[..., 9] = few[..., -1]
        result = stage(x, torch.ones(1, 1, 10))
    torch.testing.assert_close(result, stage.conv_out(expected))


def test_graph_of_a_skeleton_is_that_of_our_own_networks():
    stage = stage_of(build())
    ours = spatial_subsets(Skeleton.get('lcr15'))
    np.testing.assert_allclose(stage.network.graph.A, ours, atol=1e-6)


def test_graph_layout_points_to_the_root_whatever_the_order_of_limbs():
    """In a star around joint 2, all others point to it."""
    star = {'joints': 4, 'limbs': [[0, 2], [2, 1], [2, 3]], 'root': [2]}
    layout = graph_layout(Skeleton.get(star))
    assert layout == {'num_node': 4, 'inward': [(0, 2), (1, 2), (3, 2)], 'center': 2}


@pytest.mark.parametrize('name', ['STGCN', 'AAGCN'])
def test_network_starts_from_a_checkpoint_of_mmaction2(tmp_path, name):
    """A recognizer's backbone comes over, at full frame rate, and its head does not."""
    parts = network(name, down_stages=[3], in_channels=3)
    parts['graph_cfg'] = {'layout': 'coco', 'mode': 'stgcn_spatial'}
    torch.manual_seed(3)
    recognizer = MODELS.build(
        {
            '_scope_': 'mmaction',
            'type': 'RecognizerGCN',
            'backbone': parts,
            'cls_head': {'type': 'GCNHead', 'num_classes': 4, 'in_channels': 16},
        }
    )
    state = recognizer.state_dict()
    path = tmp_path / 'recognizer.pth'
    torch.save({'state_dict': state, 'meta': {}}, path)
    init = {'type': 'Pretrained', 'checkpoint': str(path), 'prefix': 'backbone.'}
    model = build(name, skeleton='coco17', init_cfg=init)
    model.init_weights()
    loaded = stage_of(model).network.state_dict()
    expected = {
        key.removeprefix('backbone.'): value
        for key, value in state.items()
        if key.startswith('backbone.')
    }
    assert loaded.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(loaded[key], value, msg=key)
    torch.save({'state_dict': dict(list(state.items())[5:])}, path)
    with raises_naming(ValueError, path, f"'mmaction.{name}'", 'backbone.'):
        build(name, skeleton='coco17', init_cfg=init).init_weights()


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'upsample': 2}, 'upsample=2 | (16, 9) | (16, 5)'),
        ({'down_stages': [2]}, 'upsample=1 | (16, 5) | network.down_stages=[]'),
        ({'base_channels': 4}, '(8, 9) | `network_channels`'),
    ],
)
def test_network_of_other_features_is_an_error(options, named):
    """Neither frames nor channels are made to fit in silence."""
    model = build(**options)
    with raises_naming(ValueError, named):
        model({'pose': torch.zeros(1, 3, 9, 15)})


def test_graph_of_other_joints_is_an_error():
    with raises_naming(ValueError, ' 51 ', ' 15 ', "graph_cfg.layout='coco'"):
        build(graph_cfg={'layout': 'coco', 'mode': 'stgcn_spatial'})
