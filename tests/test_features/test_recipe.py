"""What a recipe says of features is true of those that it makes."""

import math

import numpy as np
import pytest

from mmskelseg.encoders import GridEncoder
from mmskelseg.encoders.recipes import copies_from_config, recipe_from_config
from mmskelseg.registry import MODELS, TRANSFORMS
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_runtime.features import FeatureRecipe, RenderSkeletonHeatmap
from tests.errors import raises_naming
from tests.small_data import small_annotations

HEATMAP = {'type': 'RenderSkeletonHeatmap'}
CAUSAL = {'box': 'person', 'causal': True}
GRID = {'type': 'GridEncoder', 'grid': (4, 4)}


def recipe(config, skeleton='coco17'):
    return recipe_from_config('heatmap', config, skeleton)


@pytest.fixture
def video():
    return small_annotations((40,))['annotations'][0]


@pytest.mark.parametrize(
    ('config', 'reads', 'context'),
    [
        ({'render': HEATMAP, 'encoder': GRID}, 'poses', None),
        ({'render': {**HEATMAP, 'box': None}, 'encoder': GRID}, 'poses', (0, 0)),
        ({'render': {'type': 'SkeletonCoordinates', 'dims': 2}}, 'poses', None),
        (
            {'render': {'type': 'SkeletonCoordinates', 'causal': True}},
            'poses',
            (math.inf, 0),
        ),
        ({'render': {**HEATMAP, **CAUSAL}, 'encoder': GRID}, 'poses', (math.inf, 0)),
        ({'render': {'type': 'ReadVideoFrames'}, 'encoder': GRID}, 'video', (0, 0)),
    ],
)
def test_recipe_says_what_it_reads_and_how_far(config, reads, context):
    made = recipe(config)
    assert (made.reads, made.context) == (reads, context)


@pytest.mark.parametrize(
    ('config', 'channels'),
    [
        ({'render': HEATMAP, 'encoder': GRID}, 16),
        ({'render': {'type': 'SkeletonCoordinates', 'dims': 2}}, 4),
        ({'render': {'type': 'SkeletonCoordinates', 'flatten': True}}, 6 * 17),
        (
            {
                'render': {'type': 'ReadVideoFrames', 'size': (32, 32)},
                'encoder': {**GRID, 'channels': 3},
            },
            48,
        ),
        (
            {
                'render': HEATMAP,
                'encoder': {
                    'type': 'FrameEncoder',
                    'arch': 'torchvision.resnet18',
                    'weights': 'none',
                },
            },
            512,
        ),
    ],
)
def test_channels_are_those_of_the_features(config, channels):
    assert recipe(config).channels == channels


def test_features_are_made_in_the_type_asked_for(video):
    """As in files, so wherever else a recipe is used."""
    single = np.concatenate(
        list(recipe({'render': HEATMAP, 'encoder': GRID}).make(video))
    )
    half = recipe({'render': HEATMAP, 'encoder': GRID, 'dtype': 'float16'})
    made = np.concatenate(list(half.make(video)))
    assert made.dtype == np.float16
    np.testing.assert_array_equal(made, single.astype(np.float16))


def test_progress_is_told_in_frames():
    long = small_annotations((300,))['annotations'][0]
    counts = []
    list(recipe({'render': HEATMAP, 'encoder': GRID}).make(long, counts.append))
    assert counts == [128, 128, 44]


def test_parts_get_the_skeleton_that_they_do_not_name():
    drop = {'type': 'DropLimb', 'p': 1.0}
    made = recipe({'render': HEATMAP, 'encoder': GRID, 'transforms': [drop]}, 'lcr15')
    assert made.render.skeleton.name == 'lcr15'
    assert made.transforms[0].skeleton.name == 'lcr15'
    own = recipe({'render': {**HEATMAP, 'skeleton': 'coco17'}}, 'lcr15')
    assert own.render.skeleton.name == 'coco17'
    assert own.channels == 3


def test_copies_differ_in_their_seeds():
    config = {
        'render': HEATMAP,
        'transforms': [{'type': 'DropLimb', 'p': 1, 'seed': 4}],
    }
    first, second = copies_from_config('heatmap', {**config, 'copies': 2}, 'coco17')
    assert [r.transforms[0].seed for r in (first, second)] == [4, 5]
    assert first.settings() == recipe(config).settings() != second.settings()


@pytest.mark.parametrize(
    ('config', 'named'),
    [
        ({'encoder': GRID}, "features.heatmap | ['encoder'] | `render`"),
        ({'render': HEATMAP, 'depth': 1}, "heatmap | ['depth', 'render']"),
        ({'render': HEATMAP, 'dtype': 'int8'}, "heatmap.dtype='int8'"),
        ({'render': HEATMAP, 'copies': 0}, 'heatmap.copies=0'),
        ({'render': HEATMAP, 'encoder': 3}, 'heatmap.encoder=3'),
        ({'render': HEATMAP, 'copies': 2}, 'heatmap.copies | 2,'),
    ],
)
def test_recipe_names_the_key_at_fault(config, named):
    with raises_naming(UserError, named):
        recipe(config)


def test_missing_video_file_keeps_its_kind_of_error(video):
    """Callers that look for a missing file find it, with the video's id in front."""
    rgb = recipe({'render': {'type': 'ReadVideoFrames'}, 'encoder': GRID})
    with raises_naming(MissingFileError, 'video_0', 'gone.mp4', '`filename`'):
        list(rgb.make({**video, 'filename': 'gone.mp4'}))


class Depth:
    """What a user writes: a renderer with less than all methods."""

    def blocks(self, video, frames):
        yield np.zeros((video['total_frames'], 5), np.float32)


def test_own_part_is_told_what_it_lacks():
    TRANSFORMS.register_module(module=Depth, force=True)
    MODELS.register_module('HalfEncoder', module=Depth, force=True)
    with raises_naming(UserError, 'features.heatmap.render: ', 'source, settings'):
        recipe({'render': {'type': 'Depth'}})
    with raises_naming(UserError, 'heatmap.encoder: ', 'load, encode, settings'):
        recipe({'render': HEATMAP, 'encoder': {'type': 'HalfEncoder'}})


def test_recipe_takes_parts_themselves(video):
    made = FeatureRecipe('mine', RenderSkeletonHeatmap('coco17'), GridEncoder((2, 2)))
    assert next(made.make(video)).shape == (40, 4)


class Height(Depth):
    """A renderer that says no more than how its features are made."""

    def source(self, video):
        return [np.asarray(video['keypoint'])]

    def settings(self):
        return {'type': 'Height'}


def test_own_renderer_is_asked_what_it_reads_only_where_that_counts(video):
    """Training needs neither `reads` nor `context`; inference needs the first."""
    made = FeatureRecipe('height', Height())
    assert next(made.make(video)).shape == (40, 5)
    assert made.context is None
    with raises_naming(UserError, 'height.render', 'reads=None', "'poses'"):
        _ = made.reads


def test_online_features_of_a_video_file_are_refused():
    """Augmentations change skeletons, which its renderer does not read."""
    config = {'render': {'type': 'ReadVideoFrames'}, 'online': True}
    with raises_naming(UserError, 'features.rgb', 'online=True'):
        recipe_from_config('rgb', config, 'coco17')


@pytest.mark.parametrize('kind', ['SkeletonCoordinates', 'RenderSkeletonHeatmap'])
def test_individual_is_seen_alone_unless_a_renderer_reads_others(video, kind):
    """Whoever has the highest scores."""
    both = {**video, 'individual': 1}
    for key in ('keypoint', 'keypoint_score'):
        both[key] = np.concatenate([2 * video[key] + 1, video[key]])
    render = {'type': kind, **({'dims': 2} if kind == 'SkeletonCoordinates' else {})}
    made = recipe({'render': render})
    expected = np.concatenate(list(made.make(video)))
    np.testing.assert_array_equal(np.concatenate(list(made.make(both))), expected)
    sources = zip(made.source(both), made.source(video), strict=True)
    assert all((one == other).all() for one, other in sources)
    pairs = recipe({'render': {'type': 'PairCoordinates', 'dims': 2}})
    others = [np.concatenate(list(pairs.make(x)))[:, 68:] for x in (both, video)]
    assert others[0].any()
    assert not others[1].any()
