"""Clips of one action each, joined into recordings."""

from itertools import groupby

import numpy as np
import pytest

from mmskelseg.registry import DATASETS
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import small_annotations

POSES = {'render': {'type': 'SkeletonCoordinates', 'dims': 2}, 'online': True}


def clips(actions, frames=20, persons=None):
    """Return annotations of clips; their ``risk`` tells the clip and the frame."""
    data = small_annotations((frames,) * len(actions), max(actions) + 1)
    rng = np.random.default_rng(0)
    pose = data['annotations'][0]['keypoint'][:, :1]
    for i, (video, action) in enumerate(zip(data['annotations'], actions, strict=True)):
        video['label'][:] = action
        video['risk'] = 1000.0 * i + np.arange(frames)
        # Bodies of one size, in different poses.
        (c, s), walk = rng.normal(0, 1, 2), rng.normal(0, 9, (frames, 1, 2))
        turned = pose @ np.array([[c, s], [-s, c]]) / np.hypot(c, s)
        video['keypoint'] = (turned + walk.cumsum(axis=0)).astype(np.float32)
        if persons:
            video['person'] = persons[i]
    data['split'] = {'train': [video['frame_dir'] for video in data['annotations']]}
    return data


@pytest.fixture
def joins(tmp_path):
    """Return the items of an epoch, in which clips are joined."""

    def join(data, epoch=0, crop_frames=80, features=POSES, **options):
        path = tmp_path / 'annotations.pkl'
        save_annotations(data, path)
        dataset = DATASETS.build(
            {
                'type': 'ActionSegDataset',
                'ann_file': str(path),
                'split': 'train',
                'features': {'pose2d': features},
                'pipeline': [{'type': 'JoinClips', **options}],
                'crop_frames': crop_frames,
            }
        )
        dataset.set_epoch(epoch)
        return [dataset[i] for i in range(len(dataset))]

    return join


def numbers(items):
    """Return the clip that each frame of some items shows, and the frame of it."""
    risk = np.concatenate([item['risk'] for item in items]).astype(int)
    return risk // 1000, risk % 1000


def in_order(items):
    """Return the clips that items show, in their order."""
    return [clip for clip, _ in groupby(numbers(items)[0].tolist())]


def test_an_epoch_shows_each_clip_once_with_its_label(joins):
    """Nine clips of 20 frames fill three recordings of at most 80."""
    actions = [0, 1, 2] * 3
    items = joins(clips(actions))
    assert len(items) == 3
    clip, frame = numbers(items)
    assert sorted(in_order(items)) == [*range(9)]
    assert frame.tolist() == [*range(20)] * 9
    labels = np.concatenate([item['label'] for item in items])
    np.testing.assert_array_equal(labels, np.array(actions)[clip])
    for item in items:
        assert item['total_frames'] == item['label'].size == item['keypoint'].shape[1]
        assert item['total_frames'] <= 80
    assert len({item['frame_dir'] for item in items}) == 3


def test_skeletons_are_those_of_the_clips_and_go_on_where_the_last_one_ends(joins):
    data = clips([0, 1] * 4)
    for item in joins(data, blend=0.0):
        clip, frame = numbers([item])
        found = item['keypoint'][0]
        own = [
            data['annotations'][i]['keypoint'][0, t]
            for i, t in zip(clip, frame, strict=True)
        ]
        np.testing.assert_allclose(relative(found), relative(np.array(own)), atol=1e-2)
        moved = np.diff(found.mean(axis=1), axis=0)
        np.testing.assert_allclose(moved[19::20], 0, atol=1e-2)
        assert np.abs(moved[:19]).max() > 1


def relative(points):
    return points - points.mean(axis=1, keepdims=True)


def test_clips_are_scaled_to_the_limbs_of_the_first(joins):
    """The second person is twice as close; who comes first stays as they are."""
    data = clips([0, 1])
    first = data['annotations'][0]['keypoint']
    data['annotations'][1]['keypoint'] = 2 * first
    (item,) = joins(data, blend=0.0)
    sizes = np.linalg.norm(relative(item['keypoint'][0]), axis=(1, 2))
    np.testing.assert_allclose(sizes, sizes[0], rtol=1e-4)


def test_poses_bend_around_joints_alone(joins):
    """A second at most at ten frames a second: five frames on each side."""
    data = clips([0, 1] * 4)
    jumps, bent = [], []
    for plain, item in zip(joins(data, blend=0.0), joins(data, blend=1.0), strict=True):
        np.testing.assert_array_equal(plain['label'], item['label'])
        differ = (plain['keypoint'] != item['keypoint']).any(axis=(0, 2, 3))
        near = np.arange(len(differ)) % 20
        assert not differ[(near >= 5) & (near < 15)].any()
        assert not differ[:5].any()
        for found, one in ((jumps, plain), (bent, item)):
            change = np.abs(np.diff(one['keypoint'], axis=1)).max(axis=(0, 2, 3))
            found.append(change[19::20].mean())
    assert np.mean(bent) < np.mean(jumps) / 2


def test_joints_that_are_not_seen_stay_away(joins):
    data = clips([0, 1] * 4)
    for video in data['annotations'][::2]:
        for key in ('keypoint', 'keypoint_score'):
            video[key][:, :, 3] = 0
    items = joins(data)
    lost = [item['keypoint_score'][..., 3] == 0 for item in items]
    assert sum(map(np.sum, lost)) == 80
    for item, gone in zip(items, lost, strict=True):
        assert not item['keypoint'][..., 3, :][gone].any()


def test_rests_are_between_runs(joins):
    """With enough rests, an action is as many clips as a run may have."""
    data = clips([0] * 30 + [1, 2] * 10)
    data['metainfo']['background'] = 'class_0'
    for runs in (1, 3):
        order = in_order(joins(data, crop_frames=200, runs=runs))
        groups = [[*own] for _, own in groupby(order, lambda clip: clip < 30)]
        sizes = {len(own) for own in groups if own[0] >= 30}
        assert sizes == {*range(1, runs + 1)}
        assert all(
            len({clip % 2 for clip in own}) == 1 for own in groups if own[0] >= 30
        )


@pytest.mark.parametrize('known', ['person', 'name'])
def test_persons_are_not_mixed_in_a_run(joins, known):
    persons = [f'P{i % 3}' for i in range(18)]
    data = clips([0, 1] * 9, persons=persons if known == 'person' else None)
    if known == 'name':
        for i, video in enumerate(data['annotations']):
            video['frame_dir'] = data['split']['train'][i] = f'{persons[i]}_{i}'
    order = in_order(joins(data))
    assert len([*groupby(clip % 3 for clip in order)]) == 3


def test_recordings_that_clips_are_cut_from_are_no_persons(joins):
    """Each has an action once, so that runs would be of one clip."""
    data = clips([0, 1] * 9)
    for i, video in enumerate(data['annotations']):
        video['part_of'] = f'recording {i // 2}', 20 * (i % 2)
    order = in_order(joins(data, crop_frames=400))
    assert len([*groupby(clip % 2 for clip in order)]) < 14


def test_clips_of_a_recording_follow_each_other_as_they_were_cut(joins):
    """The names of six clips, in a random order in the file, tell two recordings."""
    data = clips([1, 0, 2, 0, 0, 1])
    places = 'b_12', 'a_7', 'a_30', 'b_5', 'b_40', 'a_8'
    for video, place in zip(data['annotations'], places, strict=True):
        video['frame_dir'] = place
    data['split']['train'] = [*places]
    orders = {tuple(in_order(joins(data, epoch))) for epoch in range(8)}
    assert orders == {(1, 5, 2, 3, 0, 4), (3, 0, 4, 1, 5, 2)}


def test_seed_and_epoch_make_the_order(joins):
    data = clips([0, 1, 2] * 4)
    orders = [
        in_order(joins(data, **options))
        for options in ({}, {}, {'epoch': 1}, {'seed': 1})
    ]
    assert orders[0] == orders[1]
    assert len({*map(tuple, orders)}) == 3


def test_long_clips_are_divided(joins):
    """Two streams of one action each become recordings of both."""
    items = joins(clips([0, 1], frames=400))
    assert len(items) == 10
    clip, frame = numbers(items)
    assert len({*zip(clip.tolist(), frame.tolist(), strict=True)}) == 800
    assert sum(len({*item['label'].tolist()}) > 1 for item in items) >= 5
    assert max(item['total_frames'] for item in items) < 160


def test_recordings_stay_as_they_are(joins):
    """Those of several actions, and those of which little is labelled."""
    data = clips([0, 1, 2] * 2)
    several, sparse = data['annotations'][:2]
    several['label'][5:] = 2
    sparse['label'][5:] = -1
    items = joins(data)
    assert [item['frame_dir'] for item in items[:2]] == ['video_0', 'video_1']
    assert items[0]['label'].tolist() == several['label'].tolist()
    assert items[1]['label'].tolist() == sparse['label'].tolist()
    assert sorted(in_order(items[2:])) == [2, 3, 4, 5]


def test_the_main_person_is_the_same_in_all_clips(joins):
    """Some clips show one person, others two, of whom one is not always seen."""
    data = clips([0, 1] * 4)
    for i, video in enumerate(data['annotations'][:6]):
        for key in ('keypoint', 'keypoint_score'):
            other = video[key] * 0 if i % 2 else video[key] * 0.5
            pair = [video[key], other][:: -1 if i % 3 else 1]
            video[key] = np.concatenate(pair).astype(np.float32)
    for item in joins(data):
        assert item['keypoint'].shape[0] == 2
        assert (item['keypoint_score'][0] == 1).all()
        assert (item['keypoint_score'][1] <= 0.5).all()


def test_clips_of_another_frame_rate_are_in_recordings_of_their_own(joins):
    data = clips([0, 1] * 4)
    for video in data['annotations'][:4]:
        video['fps'] = 25.0
    found = {(item['fps'], *sorted(in_order([item]))) for item in joins(data)}
    assert found == {(25.0, 0, 1, 2, 3), (10.0, 4, 5, 6, 7)}


def test_tiers_are_joined(joins):
    """A clip has one class in each tier."""
    data = clips([0, 1] * 4)
    names = ['class_0', 'class_1']
    data['metainfo']['tiers'] = {'left': names, 'right': names}
    data['metainfo']['classes'] = [
        f'{t}: {n}' for t in ('left', 'right') for n in names
    ]
    for video in data['annotations']:
        video['label'] = np.stack([video['label'], 1 - video['label']])
    for item in joins(data):
        assert item['label'].shape == (2, 80)
        assert (item['label'].sum(axis=0) == 1).all()


def test_joining_needs_features_that_follow(joins):
    """Those in a file are of the clip that was."""
    features = {'render': POSES['render'] | {'flatten': True}}
    with raises_naming(UserError, 'JoinClips', 'pose2d', 'online=True'):
        joins(clips([0, 1]), features=features)
