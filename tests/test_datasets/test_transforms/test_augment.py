import hashlib
import json

import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    RandomBrightness,
    RandomContrast,
    RandomSpeed,
)
from mmskelseg.registry import TRANSFORMS

# Each with the key that holds what was drawn.
FACTORS = [(RandomBrightness, 'brightness'), (RandomContrast, 'contrast')]


def loaded(T=7, **keys):
    """Return what a pipeline holds after loading: frame i is i everywhere."""
    frame = np.arange(T, dtype=np.float32)
    return {
        'frame_dir': 'video_1',
        'total_frames': T,
        'features': {
            'heatmap': np.stack([frame, 10 * frame]),
            'pose3d': np.tile(frame[:, None], (3, 1, 15)),
        },
        'label': np.arange(T),
        'risk': frame,
        **keys,
    }


def slow_draw(key, low, high):
    """The upper 53 of the first 64 bits of a SHA-256, as a part of all 2 ** 53."""
    digest = hashlib.sha256(key.encode()).digest()
    bits = sum(byte << (8 * i) for i, byte in enumerate(digest[:8])) // 2**11
    return low + (high - low) * (bits / 2**53)


def test_augmentations_draw_the_same_on_every_machine():
    """These draws may never change, or published figures could not be made again."""
    item = RandomBrightness((0.5, 1.5))({'frame_dir': 'video_1'})
    assert item['brightness'] == slow_draw('RandomBrightness:0:video_1', 0.5, 1.5)
    assert item['brightness'] == 1.015591796793184


@pytest.mark.parametrize(('augmentation', 'key'), FACTORS)
def test_factors_fill_their_range_evenly(augmentation, key):
    """Over many videos, a quarter of the factors is in each quarter of the range."""
    augment = augmentation((0.5, 1.5), 3)
    drawn = [augment({'frame_dir': name})[key] for name in map(str, range(400))]
    counts, _ = np.histogram(drawn, np.linspace(0.5, 1.5, 5))
    # Within five standard deviations.
    assert (abs(counts - 100) < 5 * np.sqrt(75)).all()


@pytest.mark.parametrize(('augmentation', 'key'), FACTORS)
def test_factors_depend_on_seed_and_video_alone(augmentation, key):
    """Not on what was drawn before, nor on global states; copies differ."""

    def made(seed, name):
        return augmentation(seed=seed)({'frame_dir': name})[key]

    expected = made(1, 'v')
    augment = augmentation(seed=1)
    augment({'frame_dir': 'w'})
    np.random.seed(5)
    assert augment({'frame_dir': 'v'})[key] == expected
    assert len({made(seed, name) for seed in range(4) for name in 'vw'}) == 8


def test_different_augmentations_of_one_seed_draw_differently():
    """Or bright videos would always be those of strong contrast."""
    item = {'frame_dir': 'video_1'}
    RandomContrast()(RandomBrightness()(item))
    assert item['brightness'] != item['contrast']


@pytest.mark.parametrize(('factor', 'frames'), [
    (2, [0, 2, 4, 6]),
    (0.5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]),
    (1, [0, 1, 2, 3, 4, 5, 6]),
    (100, [3]),
])  # fmt: skip
def test_speed_by_hand(factor, frames):
    """Features of all modalities, labels and risk are those of these frames."""
    item = RandomSpeed((factor, factor))(loaded())
    assert item['features']['heatmap'].tolist() == [frames, [10 * i for i in frames]]
    assert item['features']['pose3d'].shape == (3, len(frames), 15)
    assert item['features']['pose3d'][2, :, 14].tolist() == frames
    assert item['label'].tolist() == item['risk'].tolist() == frames
    assert item['total_frames'] == len(frames)
    assert item['features']['heatmap'].flags.c_contiguous


def test_speed_takes_the_frame_shown_at_the_middle_of_each(rng):
    """As a player does that looks which frame is on, in exact arithmetic."""
    for T in range(1, 60):
        factor = rng.uniform(0.3, 3)
        item = RandomSpeed((factor, factor))(loaded(T))
        count = item['total_frames']
        assert count == max(1, round(T / factor))
        expected = [
            max(i for i in range(T) if 2 * i * count <= (2 * j + 1) * T)
            for j in range(count)
        ]
        assert item['label'].tolist() == expected


def test_speed_depends_on_seed_epoch_and_video_alone():
    """Each epoch plays a video at another speed, the same one when it is resumed."""

    def length(seed=0, name='v', **keys):
        item = loaded(10000, frame_dir=name, **keys)
        return RandomSpeed(seed=seed)(item)['total_frames']

    lengths = [length(epoch=epoch) for epoch in range(20)]
    assert lengths == [length(epoch=epoch) for epoch in reversed(range(20))][::-1]
    assert len(set(lengths)) == 20
    assert 8000 <= min(lengths) < max(lengths) <= 12500
    assert length() == lengths[0]
    assert length(seed=1) != lengths[0] != length(name='w')


def test_speed_leaves_what_it_was_given():
    """The data set may give the same arrays again."""
    given = loaded()
    RandomSpeed((2, 2))(dict(given))
    assert given['features']['heatmap'].shape == (2, 7)
    assert len(given['label']) == 7


@pytest.mark.parametrize(('config', 'settings'), [
    ({'type': 'RandomBrightness'}, {'factor': [0.8, 1.25], 'seed': 0}),
    ({'type': 'RandomContrast', 'factor': [1, 2]}, {'factor': [1, 2], 'seed': 0}),
])  # fmt: skip
def test_factors_tell_all_that_decides(config, settings):
    """Plain values, which the name of the folder of features is made of."""
    told = json.loads(json.dumps(TRANSFORMS.build(config).settings()))
    assert told == {'type': config['type'], **settings}


@pytest.mark.parametrize(('transform', 'options', 'message'), [
    (RandomBrightness, {'factor': 0.5}, 'RandomBrightness: factor is 0.5, .* two num'),
    (RandomContrast, {'factor': (2, 1)}, r'factor is \(2, 1\), .* lower one first'),
    (RandomSpeed, {'factor': (0, 1)}, r'RandomSpeed: factor is \(0, 1\)'),
    (RandomSpeed, {'factor': (1, float('inf'))}, 'factor is .*inf'),
])  # fmt: skip
def test_factors_refuse_a_range_that_is_none(transform, options, message):
    """The sentence names the transform, the value and what to write."""
    with pytest.raises(ValueError, match=message):
        transform(**options)


def test_speed_refuses_an_item_without_features():
    """It says where in the pipeline it belongs."""
    with pytest.raises(ValueError, match=r'video v has no features yet; .* after L'):
        RandomSpeed()({'frame_dir': 'v', 'total_frames': 3})
