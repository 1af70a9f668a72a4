from mmskelseg.fileio.trained_weights import changed_features

THEN = {'pose2d': {'render': {'type': 'SkeletonCoordinates', 'dims': 2}}}


def test_changed_features_are_named_with_both_values():
    """So that the user sees which config is wrong."""
    now = {'pose2d': {'render': {'type': 'SkeletonCoordinates', 'dims': 3}}}
    assert changed_features(THEN, now) == 'pose2d.render.dims was 2 and is 3'


def test_features_made_online_are_the_same_as_from_files():
    """A trained model is used with either."""
    now = {'pose2d': {**THEN['pose2d'], 'online': True}}
    assert changed_features(THEN, now) == ''
