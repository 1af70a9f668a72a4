import numpy as np
import pytest

from mmskelseg.registry import TRANSFORMS
from mmskelseg_runtime.features import RenderJointHeatmaps, RenderSkeletonHeatmap


def video(rng, persons=2, frames=3):
    return {
        'keypoint': rng.integers(10, 46, (persons, frames, 17, 2)).astype(np.float32),
        'keypoint_score': rng.uniform(0.2, 1, (persons, frames, 17)).astype(np.float32),
        'img_shape': (56, 56),
        'total_frames': frames,
    }


@pytest.mark.parametrize('distance', ['squared', 'printed'])
def test_channels_of_joints_and_limbs_add_up_to_the_sum(rng, distance):
    """Each is drawn once, with the higher of two persons in each pixel."""
    options = {'skeleton': 'coco17', 'distance': distance}
    results = video(rng)
    each = RenderJointHeatmaps(**options).transform(dict(results))['imgs']
    total = RenderSkeletonHeatmap(**options).transform(dict(results))['imgs']
    assert each.shape == (3, 34, 56, 56)
    np.testing.assert_allclose(each.sum(axis=1), total[:, 0], atol=1e-5)


def test_channels_follow_the_order_of_joints_and_limbs(rng):
    """A joint that is lost leaves its channel empty, and those of its limbs."""
    results = video(rng, persons=1)
    results['keypoint_score'][..., 9] = 0
    render = RenderJointHeatmaps('coco17')
    empty = ~render.transform(results)['imgs'].any(axis=(0, 2, 3))
    assert np.flatnonzero(empty[:17]).tolist() == [9]
    limbs = render.skeleton.limbs
    assert [limbs[i] for i in np.flatnonzero(empty[17:])] == [(7, 9)]


def test_joint_heatmaps_are_those_that_posec3d_reads(rng):
    """MMAction2's, which cuts a Gaussian off where it is at 0.011."""
    results = video(rng)
    # A box whose square has whole pixels, to which MMAction2 would cut it.
    results['keypoint'][0, 0, :2] = [[8, 8], [48, 48]]
    pipeline = [
        {'type': 'PoseCompact', 'hw_ratio': 1.0, 'allow_imgpad': True},
        {'type': 'Resize', 'scale': (64, 64), 'keep_ratio': False},
        {'type': 'GeneratePoseTarget', 'sigma': 0.6, 'with_kp': True},
    ]
    theirs = dict(results, keypoint=results['keypoint'].copy(), modality='Pose')
    for cfg in pipeline:
        theirs = TRANSFORMS.build({**cfg, 'type': f'mmaction.{cfg["type"]}'})(theirs)
    render = RenderJointHeatmaps('coco17', (64, 64), limbs=False, box='square')
    ours = render.transform(results)['imgs']
    np.testing.assert_allclose(ours, theirs['imgs'], atol=0.012)
