import numpy as np
import pytest
import torch

from tests.segmentors import MS_GCN, build_segmentor, labelled_samples


def build(**options):
    model = build_segmentor({'pose3d': {**MS_GCN, **options}})
    # Else all edges are of equal importance.
    for name, parameter in model.named_parameters():
        if 'edge' in name or 'norm' in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


@pytest.mark.parametrize(
    ('joints', 'count'), [(13, 638_830), (15, 640_534), (17, 642_478)]
)
def test_ms_gcn_has_the_parameters_of_the_literature(joints, count):
    """About 650 thousand with 17 classes, a few more for each joint."""
    skeleton = {'joints': joints, 'limbs': []}
    branch = {'type': 'MSGCN', 'in_channels': 6, 'skeleton': skeleton}
    model = build_segmentor({'pose3d': branch}, num_classes=17)
    assert sum(p.numel() for p in model.parameters()) == count


def test_mates_of_a_batch_share_statistics_of_their_frames():
    model = build().train()
    x = torch.randn(2, 6, 40, 15)
    norm = model.branches['pose3d']['backbone'].stages[0].norm_in
    norm.momentum = 1.0
    model({'pose3d': x}, labelled_samples((40, 25)), mode='loss')
    frames = torch.cat([x[0], x[1, :, :25]], dim=1)
    torch.testing.assert_close(norm.running_mean, frames.mean(dim=1).T.flatten())


def test_ms_gcn_sees_joints_as_its_graph_connects_them():
    """With a hand renamed and the graph with it, nothing changes; alone, it does."""
    limbs = np.array([[0, 1], [1, 2], [2, 3]])
    order = [0, 1, 3, 2]
    renamed = np.argsort(order)[limbs].tolist()
    x = torch.randn(1, 6, 20, 4)
    outputs = {}
    for name, joints in (('chain', limbs.tolist()), ('renamed', renamed)):
        skeleton = {'joints': 4, 'limbs': joints}
        model = build(skeleton=skeleton, num_refinements=0).eval()
        stage = model.branches['pose3d']['backbone'].stages[0]
        # The same for all joints, so that only the graph tells them apart.
        stage.norm_in.reset_parameters()
        for layer in stage.layers:
            torch.nn.init.ones_(layer.edge_importance)
        with torch.no_grad():
            outputs[name] = model({'pose3d': x}), model({'pose3d': x[..., order]})
    torch.testing.assert_close(outputs['renamed'][1], outputs['chain'][0])
    assert (outputs['renamed'][0] - outputs['chain'][0]).abs().max() > 1e-3


def test_ms_gcn_can_be_converted_to_synchronised_norms():
    """Their layers take the place of the norms, and give the same in evaluation."""
    model = build().eval()
    x = torch.randn(2, 6, 20, 15)
    expected = model({'pose3d': x}, labelled_samples((20, 12)))
    converted = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert not any(type(m) is torch.nn.BatchNorm1d for m in converted.modules())
    torch.testing.assert_close(
        converted({'pose3d': x}, labelled_samples((20, 12))), expected
    )
