import pytest
import torch
from mmaction.structures import ActionDataSample
from torch.nn import functional as F

from mmskelseg.registry import MODELS

POSE = {
    'type': 'PyramidGCN',
    'in_channels': 3,
    'skeleton': 'lcr15',
    'channels': 8,
    'num_layers': 3,
}
RGB = {'type': 'CausalTCN', 'in_channels': 4, 'channels': 8, 'num_layers': 3}
BRANCHES = {
    'pose': {'pose3d': POSE},
    'fusion': {'pose3d': POSE, 'rgb': {**RGB, 'dropout': 0.0}},
}


def build(branches):
    torch.manual_seed(0)
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 5,
            'branches': branches,
            'fusion': {'neck': {'type': 'ConcatFusion'}} if len(branches) > 1 else None,
            'head': {
                'type': 'SegmentationHead',
                'loss_cls': {'type': 'FrameCrossEntropyLoss'},
            },
        }
    )
    # Else all running statistics are 0 and 1, and hide what enters them.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def samples(lengths):
    return [
        ActionDataSample(
            metainfo={'frame_dir': str(n), 'total_frames': n}
        ).set_gt_label(torch.arange(n) % 5)
        for n in lengths
    ]


def videos(branches, frames, number=1):
    torch.manual_seed(1)
    shapes = {'pose3d': (3, frames, 15), 'rgb': (4, frames)}
    return {name: torch.randn(number, *shapes[name]) for name in branches}


@pytest.mark.parametrize('branches', BRANCHES.values(), ids=BRANCHES)
def test_output_depends_on_no_later_frame(branches):
    """Whatever comes after frame 24 changes nothing up to it, but from there on."""
    model = build(branches).eval()
    x = videos(branches, 50)
    later = {name: value.clone() for name, value in x.items()}
    for value in later.values():
        value[:, :, 25:] += 10
    with torch.no_grad():
        before, after = model(x)[0, 0], model(later)[0, 0]
    torch.testing.assert_close(before[:, :25], after[:, :25], atol=1e-6, rtol=0)
    assert ((before - after)[:, 25:].abs().amax(dim=0) > 1e-3).all()


@pytest.mark.parametrize('branches', BRANCHES.values(), ids=BRANCHES)
def test_output_depends_on_earlier_frames(branches):
    """It is no network of single frames."""
    model = build(branches).eval()
    x = videos(branches, 50)
    with torch.no_grad():
        before = model(x)[0, 0, :, 24]
        for value in x.values():
            value[:, :, 20] += 10
        assert (model(x)[0, 0, :, 24] - before).abs().max() > 1e-4


@pytest.mark.parametrize('branches', BRANCHES.values(), ids=BRANCHES)
def test_padding_of_the_pyramid_is_invisible_in_evaluation(branches):
    """A video in a padded batch gets what it gets alone, whatever the padding holds."""
    model = build(branches).eval()
    x = videos(branches, 30, number=2)
    with torch.no_grad():
        together = model(x, samples((30, 13)))
        short = {name: value[1:, :, :13] for name, value in x.items()}
        torch.testing.assert_close(
            together[:, 1, :, :13], model(short)[:, 0], atol=1e-5, rtol=1e-5
        )
        assert not together[:, 1, :, 13:].any()


@pytest.mark.parametrize('branches', BRANCHES.values(), ids=BRANCHES)
def test_padding_of_the_pyramid_enters_no_gradient_and_no_statistic(branches):
    """Longer padding, of anything, changes nothing that is learned or kept."""
    x, results = videos(branches, 20, number=2), []
    for padding in (0, 9):
        model = build(branches).train()
        padded = {
            name: F.pad(value, (0, 0) * (value.dim() - 3) + (0, padding), value=5)
            for name, value in x.items()
        }
        losses = model(padded, samples((20, 12)), mode='loss')
        total, _ = model.parse_losses(losses)
        total.backward()
        results.append(
            [total.detach(), *(p.grad for p in model.parameters()), *model.buffers()]
        )
    torch.testing.assert_close(*results)


@pytest.mark.parametrize(
    ('skeleton', 'joints', 'levels'),
    [('coco17', 17, 3), ({'joints': 4, 'limbs': [[0, 1], [1, 2], [2, 3]]}, 4, 2)],
)
def test_pyramid_takes_any_skeleton(skeleton, joints, levels):
    """Its levels follow from the layout, and every one of them counts."""
    model = build({'pose3d': {**POSE, 'skeleton': skeleton}})
    stage = model.branches['pose3d']['backbone'].stages[0]
    assert len(stage.levels) == levels
    stage.eval()(torch.randn(1, 3, 9, joints), torch.ones(1, 1, 9)).sum().backward()
    per_level = stage.conv_out.weight.grad.view(8, levels, 8).abs().amax(dim=(0, 2))
    assert (per_level > 0).all()
    assert all(p.grad is not None for p in stage.parameters())


def test_pyramid_names_inputs_of_other_joints():
    """Coordinates of another skeleton are the user's to mend."""
    with pytest.raises(ValueError, match='A graph of 15 joints reads'):
        build({'pose3d': POSE})({'pose3d': torch.zeros(1, 3, 9, 17)})
