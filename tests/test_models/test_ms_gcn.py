import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from torch.nn import functional as F

from mmskelseg.registry import MODELS

HEAD = {
    'type': 'SegmentationHead',
    'loss_cls': {'type': 'FrameCrossEntropyLoss'},
    'loss_smooth': {'type': 'TruncatedMSELoss', 'loss_weight': 0.15},
}


def build(num_classes=5, **options):
    torch.manual_seed(0)
    small = {'channels': 8, 'num_layers': 4, 'num_refinement_layers': 3}
    options = {'in_channels': 6, 'skeleton': 'lcr15', **small, **options}
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': num_classes,
            'branches': {'pose3d': {'type': 'MSGCN', **options}},
            'head': HEAD,
        }
    )
    # Else all running statistics are 0 and 1, and edges of equal importance.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    for name, parameter in model.named_parameters():
        if 'edge' in name or 'norm' in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def samples(lengths):
    torch.manual_seed(1)
    return [
        ActionDataSample(
            metainfo={'frame_dir': str(n), 'total_frames': n}
        ).set_gt_label(torch.randint(5, (n,)))
        for n in lengths
    ]


@pytest.mark.parametrize(
    ('joints', 'count'), [(13, 638_830), (15, 640_534), (17, 642_478)]
)
def test_ms_gcn_has_the_parameters_of_the_literature(joints, count):
    """About 650 thousand with 17 classes, a few more for each joint."""
    branch = {
        'type': 'MSGCN',
        'in_channels': 6,
        'skeleton': {'joints': joints, 'limbs': []},
    }
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 17,
            'branches': {'pose3d': branch},
            'head': HEAD,
        }
    )
    assert sum(p.numel() for p in model.parameters()) == count


def test_padding_of_ms_gcn_is_invisible_in_evaluation():
    """A video in a padded batch gets what it gets alone, whatever the padding holds."""
    model = build().eval()
    lengths = (50, 23, 1)
    videos = [torch.randn(6, n, 15) for n in lengths]
    batch = model.data_preprocessor(
        {'inputs': {'pose3d': videos}, 'data_samples': samples(lengths)}
    )
    batch['inputs']['pose3d'][1, :, 23:] = 9
    with torch.no_grad():
        together = model(**batch, mode='tensor')
        for i, (video, length) in enumerate(zip(videos, lengths, strict=True)):
            alone = model({'pose3d': video[None]})[:, 0]
            torch.testing.assert_close(
                together[:, i, :, :length], alone, atol=1e-5, rtol=1e-5
            )
            assert not together[:, i, :, length:].any()


def test_padding_of_ms_gcn_enters_no_gradient_and_no_statistic():
    """Longer padding, of anything, changes nothing that is learned or kept."""
    x, results = torch.randn(2, 6, 40, 15), []
    for padding in (0, 30):
        model = build().train()
        # The second video ends after 25 frames in any case.
        padded = F.pad(x, (0, 0, 0, padding), value=5)
        losses = model({'pose3d': padded}, samples((40, 25)), mode='loss')
        total, _ = model.parse_losses(losses)
        total.backward()
        results.append(
            [total.detach(), *(p.grad for p in model.parameters()), *model.buffers()]
        )
    torch.testing.assert_close(*results)


def test_mates_of_a_batch_share_statistics_of_their_frames():
    """The first norm's mean is that of all frames of both videos."""
    model = build().train()
    x = torch.randn(2, 6, 40, 15)
    norm = model.branches['pose3d']['backbone'].stages[0].norm_in
    norm.momentum = 1.0
    model({'pose3d': x}, samples((40, 25)), mode='loss')
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


def test_ms_gcn_names_inputs_of_other_joints():
    """Coordinates of another skeleton, and flat ones, are the user's to mend."""
    model = build()
    for shape in ((1, 6, 20, 17), (1, 6, 20)):
        with pytest.raises(ValueError, match='A graph of 15 joints reads'):
            model({'pose3d': torch.zeros(shape)})


def test_ms_gcn_can_be_converted_to_synchronised_norms():
    """Their layers take the place of the norms, and give the same in evaluation."""
    model = build().eval()
    x = torch.randn(2, 6, 20, 15)
    expected = model({'pose3d': x}, samples((20, 12)))
    converted = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert not any(type(m) is torch.nn.BatchNorm1d for m in converted.modules())
    torch.testing.assert_close(converted({'pose3d': x}, samples((20, 12))), expected)
