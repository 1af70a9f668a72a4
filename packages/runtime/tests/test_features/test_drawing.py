import numpy as np
import pytest

from mmskelseg_io.structures.annotations import MIN_SCORE
from mmskelseg_runtime.features.drawing import draw_segments

PAIRS = [(0, 0), (1, 1), (0, 1), (1, 2), (2, 3), (3, 0)]


def skeletons(rng, persons, size, spread=1.3):
    """Joints within an image and around it; some coincide, some are not seen."""
    keypoint = rng.uniform(-0.3, spread, (persons, 40, 4, 2)) * size[::-1]
    keypoint[:, ::3, 1] = keypoint[:, ::3, 0]
    keypoint[:, 1::4, 2, 1] = keypoint[:, 1::4, 3, 1]
    score = rng.uniform(0.1, 1, (persons, 40, 4))
    score[:, ::5, 3] = 0
    return keypoint.astype(np.float32), score.astype(np.float32)


def drawn_everywhere(keypoint, score, pairs, size, sigma, squared):
    """Return the sum of segments (T, H, W), each evaluated at every pixel."""
    total = 0
    grid = np.stack(np.meshgrid(*map(np.arange, size[::-1])), axis=-1)
    for a, b in pairs:
        start, along = keypoint[:, :, a], keypoint[:, :, b] - keypoint[:, :, a]
        length = np.linalg.norm(along, axis=-1)[..., None, None]
        unit = along[:, :, None, None] / np.maximum(length, 1e-12)[..., None]
        # (M, T, H, W, 2)
        offset = grid - start[:, :, None, None]
        forward = np.clip((offset * unit).sum(axis=-1), 0, length)
        square = ((offset - forward[..., None] * unit) ** 2).sum(axis=-1)
        if a == b or squared:
            exponent = square / (2 * sigma**2)
        else:
            exponent = np.sqrt(square) / (2 * sigma**2)
        peak = np.minimum(score[:, :, a], score[:, :, b])
        peak = np.where(peak >= MIN_SCORE, peak, 0)[..., None, None]
        total = total + (peak * np.exp(-exponent)).max(axis=0)
    return total


@pytest.mark.parametrize('squared', [True, False])
@pytest.mark.parametrize('persons', [1, 2, 3])
@pytest.mark.parametrize('size', [(56, 56), (20, 33), (5, 6), (1, 1)])
@pytest.mark.parametrize('sigma', [0.6, 1.5])
def test_rows_give_what_every_pixel_gives(rng, persons, size, squared, sigma):
    """Evaluating near a segment is evaluating it everywhere, by other code."""
    keypoint, score = skeletons(rng, persons, size)
    drawn = draw_segments(keypoint, score, PAIRS, size, sigma, squared=squared)[:, 0]
    everywhere = drawn_everywhere(keypoint, score, PAIRS, size, sigma, squared)
    assert drawn.shape == (40, *size)
    # Each of the six segments is cut off at 3e-6 of its peak.
    np.testing.assert_allclose(drawn, everywhere, atol=2e-5)


@pytest.mark.parametrize('far', [30, 3e4, 1e8, 1e30])
def test_limb_to_a_far_off_joint_is_a_ray(far):
    """It leaves the image in the joint's direction, however far that is."""
    keypoint = np.array([[[[3, 5], [3 + far, 5 + far]]]], np.float32)
    score = np.ones((1, 1, 2), np.float32)
    ((drawn,),) = draw_segments(keypoint, score, [(0, 1)], (20, 20), 0.6)
    diagonal = drawn[np.arange(5, 20), np.arange(3, 18)]
    np.testing.assert_allclose(diagonal, 1, atol=1e-3)
    # Half the diagonal of a pixel away from the ray.
    beside = drawn[np.arange(6, 20), np.arange(3, 17)]
    np.testing.assert_allclose(beside, np.exp(-0.5 / 0.72), atol=2e-3)
