import numpy as np
import pytest

from mmskelseg.encoders.mmaction_coordinates import MMActionCoordinates
from tests.errors import raises_naming

JOINTS = [
    {'type': 'mmaction.PreNormalize2D'},
    {'type': 'mmaction.GenSkeFeat', 'dataset': 'coco', 'feats': ['j']},
]


def results(rng, persons=2, frames=7):
    return {
        'keypoint': rng.uniform(0, 480, (persons, frames, 17, 2)).astype(np.float32),
        'keypoint_score': rng.uniform(0, 1, (persons, frames, 17)).astype(np.float32),
        'img_shape': (480, 640),
        'total_frames': frames,
    }


def test_joints_are_as_mmaction2_trains_on_them(rng):
    """From -1 to 1 in the picture, with the score; the annotation is left alone."""
    video = results(rng)
    video['keypoint_score'][1] += 1
    before = video['keypoint'].copy()
    coordinates = MMActionCoordinates(JOINTS).coordinates(video)
    x, y = np.moveaxis(before[1], -1, 0)
    expected = np.stack(
        [(x - 320) / 320, (y - 240) / 240, video['keypoint_score'][1]], axis=1
    )
    np.testing.assert_allclose(coordinates, expected, atol=1e-6)
    assert coordinates.dtype == np.float32
    np.testing.assert_array_equal(video['keypoint'], before)


def test_bones_and_motions_stand_beside_joints(rng):
    """All four streams of MMAction2 at once, three channels each."""
    feats = [*JOINTS[:1], {**JOINTS[1], 'feats': ['j', 'b', 'jm', 'bm']}]
    render = MMActionCoordinates(feats)
    video = results(rng)
    blocks = list(render.blocks(video, 4))
    assert [block.shape for block in blocks] == [(4, 12, 17), (3, 12, 17)]
    np.testing.assert_array_equal(np.concatenate(blocks), render.coordinates(video))


def test_coordinates_in_3d_have_no_scores(rng):
    """As in MMAction2, where only 2D joints have them."""
    video = {**results(rng), 'keypoint_3d': rng.normal(size=(1, 7, 17, 3))}
    coordinates = MMActionCoordinates([], dims=3).coordinates(video)
    expected = video['keypoint_3d'][0].swapaxes(1, 2)
    np.testing.assert_allclose(coordinates, expected, atol=1e-6)


def test_scores_choose_the_person_in_3d_too(rng):
    video = {**results(rng), 'keypoint_3d': rng.normal(size=(2, 7, 17, 3))}
    video['keypoint_score'][0] = 0
    render = MMActionCoordinates([], dims=3)
    expected = video['keypoint_3d'][1].swapaxes(1, 2)
    np.testing.assert_allclose(render.coordinates(video), expected, atol=1e-6)
    assert [part.shape for part in render.source(video)[:2]] == [
        (2, 7, 17, 3),
        (2, 7, 17),
    ]


def test_settings_and_source_name_what_decides_the_coordinates(rng):
    """Other transforms, scores or image sizes make other feature files."""
    render = MMActionCoordinates(JOINTS)
    assert render.settings()['transforms'] == JOINTS
    keypoint, score, shape = render.source(results(rng))
    assert keypoint.shape == (2, 7, 17, 2)
    assert score.shape == (2, 7, 17)
    assert shape.tolist() == [480, 640]


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'dims': 3}, 'keypoint_3d | dims=2'),
        ({'person': 2}, 'person=2 | 2 persons'),
        (
            {'transforms': [{'type': 'mmaction.UniformSampleFrames', 'clip_len': 3},
                            {'type': 'mmaction.PoseDecode'}]},
            '7 frames | keypoint | (1, 3, 17, 2)',
        ),
    ],
)  # fmt: skip
def test_coordinates_that_cannot_be_made_are_errors(rng, options, named):
    render = MMActionCoordinates(**{'transforms': JOINTS, **options})
    with raises_naming(ValueError, 'MMActionCoordinates', named):
        render.coordinates(results(rng))
