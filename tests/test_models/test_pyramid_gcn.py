import pytest
import torch

from tests.segmentors import CAUSAL, PYRAMID_GCN, build_segmentor, random_videos

BRANCHES = {
    'pose': {'pose3d': PYRAMID_GCN},
    'fusion': {'pose3d': PYRAMID_GCN, 'rgb': CAUSAL},
}


@pytest.mark.parametrize('branches', BRANCHES.values(), ids=BRANCHES)
def test_output_depends_on_no_later_frame(branches):
    """Whatever comes after frame 24 changes nothing up to it, but from there on."""
    model = build_segmentor(branches).eval()
    x = random_videos(branches, 50)
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
    model = build_segmentor(branches).eval()
    x = random_videos(branches, 50)
    with torch.no_grad():
        before = model(x)[0, 0, :, 24]
        for value in x.values():
            value[:, :, 20] += 10
        assert (model(x)[0, 0, :, 24] - before).abs().max() > 1e-4


@pytest.mark.parametrize(
    ('skeleton', 'joints', 'levels'),
    [('coco17', 17, 3), ({'joints': 4, 'limbs': [[0, 1], [1, 2], [2, 3]]}, 4, 2)],
)
def test_pyramid_takes_any_skeleton(skeleton, joints, levels):
    """Its levels follow from the layout, and every one of them counts."""
    model = build_segmentor({'pose3d': {**PYRAMID_GCN, 'skeleton': skeleton}})
    stage = model.branches['pose3d']['backbone'].stages[0]
    assert len(stage.levels) == levels
    stage.eval()(torch.randn(1, 3, 9, joints), torch.ones(1, 1, 9)).sum().backward()
    per_level = stage.conv_out.weight.grad.view(8, levels, 8).abs().amax(dim=(0, 2))
    assert (per_level > 0).all()
    assert all(p.grad is not None for p in stage.parameters())
