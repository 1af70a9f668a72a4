import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    LoadFrameFeatures,
    RandomCropFrames,
    RandomHorizontalFlip,
    RandomSpeed,
    RandomTimeWarp,
    RecombineSegments,
)
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.test_datasets.test_transforms.videos import Videos

ONE_JOINT = {'name': 'one', 'joints': ['nose'], 'limbs': []}


def test_time_warp_keeps_skeleton_labels_and_files_together(video, tmp_path):
    """A joint that walks evenly tells the time that each new frame shows."""
    T = video['total_frames']
    clock = np.arange(T, dtype=np.float32)
    video['keypoint'][:] = clock[:, None, None]
    video['keypoint_score'][:] = 1
    np.save(tmp_path / 'video.npy', clock[:, None])
    video['feature_files'] = {'rgb': [str(tmp_path / 'video.npy')]}
    lengths = []
    for epoch in range(20):
        item = RandomTimeWarp(0.3)({**video, 'epoch': epoch})
        shown = item['keypoint'][0, :, 0, 0]
        assert (np.diff(shown) > 0).all()
        assert shown[[0, -1]].tolist() == [0, T - 1]
        nearest = np.rint(shown)
        np.testing.assert_array_equal(item['label'], nearest // 10)
        np.testing.assert_array_equal(item['risk'], nearest)
        loaded = LoadFrameFeatures()(item)['features']['rgb']
        np.testing.assert_array_equal(loaded[0], nearest)
        lengths.append(item['total_frames'])
    # Some play faster, some slower: exp(-2 * 0.3) to exp(2 * 0.3).
    assert T * 0.5 < min(lengths) < T < max(lengths) < T * 2


def test_time_warp_loses_no_timestamp(video):
    """However fast it plays, each labelled frame among others without stays once."""
    video['label'] = np.full(video['total_frames'], -1)
    video['label'][[4, 30, 31, 60]] = [0, 1, 1, 2]
    counts = []
    for epoch in range(30):
        label = RandomTimeWarp(0.6)({**video, 'epoch': epoch})['label']
        found = label[label >= 0]
        assert found[np.flatnonzero(np.diff(found, prepend=-1))].tolist() == [0, 1, 2]
        counts.append(len(label))
    assert min(counts) < 60


def test_time_warp_without_spread_changes_nothing(video):
    item = RandomTimeWarp(0)(dict(video))
    for key in ('keypoint', 'keypoint_3d', 'label', 'risk'):
        np.testing.assert_allclose(item[key], video[key], rtol=1e-5, atol=1e-5)


def test_time_warp_takes_the_nearest_frame_beside_one_that_is_missing(video):
    """A place between a joint and the origin, where it is not, would be made up."""
    video['keypoint_score'][0, ::2, 0] = 0
    video['keypoint'][0, ::2, 0] = 0
    item = RandomTimeWarp(0.3)(dict(video))
    given = {tuple(point) for point in video['keypoint'][0, :, 0]}
    assert {tuple(point) for point in item['keypoint'][0, :, 0]} <= given


def test_crop_and_warp_go_together_in_any_order(video, tmp_path):
    """Each step counts from what the one before has left."""
    np.save(tmp_path / 'video.npy', np.arange(90, dtype=np.float32)[:, None])
    video['feature_files'] = {'rgb': [str(tmp_path / 'video.npy')]}
    pair = [RandomCropFrames(30), RandomTimeWarp(0.3)]
    for steps in (pair, pair[::-1]):
        item = video
        for step in steps:
            item = step(dict(item))
        loaded = LoadFrameFeatures()(item)['features']['rgb'][0]
        np.testing.assert_array_equal(loaded // 10, item['label'])
        assert item['keypoint'].shape[1] == len(loaded) == item['total_frames']


def labelled(name, label, place, persons=1):
    """A video whose only joint stands at a place, and moves on by 1 a frame."""
    label = np.array(label)
    walk = place + np.arange(len(label), dtype=np.float32)
    keypoint = np.tile(walk[None, :, None, None], (persons, 1, 1, 2))
    score = np.ones(keypoint.shape[:3], np.float32)
    return {
        'frame_dir': name, 'total_frames': len(label), 'fps': 30.0, 'label': label,
        'keypoint': keypoint, 'keypoint_score': score,
    }  # fmt: skip


def test_recombination_joins_videos_where_the_same_classes_meet():
    """The second part starts from where the first one stood."""
    videos = Videos(
        [labelled('a', [0, 0, 1, 1], 0), labelled('b', [2, 0, 1, 2, 2], 100)]
    )
    found = set()
    for epoch in range(50):
        item = {**videos.video(0), 'epoch': epoch}
        item = RecombineSegments(1.0, times=1)(item)
        found.add(tuple(item['label'].tolist()))
        assert item['total_frames'] == item['keypoint'].shape[1] == len(item['label'])
        assert item['keypoint_score'].shape == (1, len(item['label']), 1)
        walk = item['keypoint'][0, :, 0, 0]
        assert walk[:2].tolist() == [0, 1]
        # Continued from the frame before the cut.
        assert walk[2:].tolist() == [1 + i for i in range(len(walk) - 2)]
    assert found == {(0, 0, 1, 1), (0, 0, 1, 2, 2)}


@pytest.mark.parametrize('places', [(0, 0), (0, 1), (1, 0)])
def test_recombination_continues_an_individual_in_itself(places):
    """The individual stands still, and the other one walks, in both videos."""
    videos = Videos()
    for name, own in zip('ab', places, strict=True):
        video = labelled(name, [0, 0, 1, 1], 50, persons=2)
        video['keypoint'][own] = 50
        videos.append({**video, 'individual': own})
    before = videos[1]['keypoint'].copy()
    item = RecombineSegments(1.0, times=1, transitions='any')(videos.video(0))
    assert item['individual'] == places[0]
    assert (np.diff(item['keypoint'][places[0], [0, 1, 2, 3], 0, 0])[[0, 2]] == 0).all()
    assert (np.diff(item['keypoint'][1 - places[0], :, 0, 0])[[0, 2]] == 1).all()
    np.testing.assert_array_equal(videos[1]['keypoint'], before)


def test_recombination_makes_any_order_where_it_is_told():
    videos = Videos([labelled('a', [0, 1], 0), labelled('b', [2, 3], 0)])
    mix = RecombineSegments(1.0, transitions='any', times=1)
    items = (mix({**videos.video(0), 'epoch': i}) for i in range(30))
    assert {tuple(item['label'].tolist()) for item in items} == {(0, 1), (0, 3)}


def test_recombined_crops_are_no_longer_than_others():
    videos = Videos([labelled('a', [0, 1], 0), labelled('b', [0, *[1] * 9], 0)])
    videos.crop_frames = 4
    mix = RecombineSegments(1.0, times=1)
    items = (mix({**videos.video(0), 'epoch': i}) for i in range(9))
    found = {tuple(item['label'].tolist()) for item in items}
    assert found == {(0, 1), (0, 1, 1, 1)}


def test_recombination_leaves_what_has_no_counterpart():
    """One segment, another number of people, or another frame rate."""
    single = Videos([labelled('a', [0, 0], 0), labelled('b', [0, 1], 0)])
    item = RecombineSegments(1.0)(single.video(0))
    assert item['label'].tolist() == [0, 0]
    pair = labelled('b', [0, 1, 1], 0, persons=2)
    fast = {**labelled('b', [0, 1, 1], 0), 'fps': 60.0}
    for other in (pair, fast):
        videos = Videos([labelled('a', [0, 1], 0), other])
        for epoch in range(10):
            item = RecombineSegments(1.0)({**videos.video(0), 'epoch': epoch})
            assert item['keypoint'].shape[:2] == (1, 2)
            assert item['label'].tolist() == [0, 1]


def test_recombination_joins_nothing_where_labels_end():
    """There, an action may go on; between timestamps, nobody knows where it ends."""
    videos = Videos(
        [labelled('a', [0, 0, -1, 1, 2], 0), labelled('b', [0, -1, 1, 2, 2, -1], 0)]
    )
    mix = RecombineSegments(1.0, transitions='any', times=1)
    items = (mix({**videos.video(0), 'epoch': i}) for i in range(30))
    found = {tuple(item['label'].tolist()) for item in items}
    assert found == {(0, 0, -1, 1, 2), (0, 0, -1, 1, 2, 2)}
    stamps = Videos([labelled('a', [-1, 0, -1, 1, -1], 0)])
    assert mix(stamps.video(0))['label'].tolist() == [-1, 0, -1, 1, -1]


def test_recombination_takes_labelled_frames_alone():
    """Of any tier: the second part ends where the labels of all tiers do."""
    rows = [[0, 1, 1, 1, -1, -1, -1, 1], [0, 0, 1, -1, -1, 0, 1, 1]]
    videos = Videos([labelled('a', [0, 1], 0), labelled('b', rows[0], 0)])
    for video, label in zip(videos, (np.array([[0, 1], [0, 0]]), rows), strict=True):
        video['label'] = np.array(label)
    mix = RecombineSegments(1.0, transitions='any', times=1)
    items = [mix({**videos.video(0), 'epoch': i}) for i in range(30)]
    assert all((item['label'] >= 0).any(axis=0).all() for item in items)
    found = {tuple(item['label'][0].tolist()) for item in items}
    # After boundaries of both tiers, at frames 1 and 2 of the second video.
    assert found == {(0, 1), (0, 1, 1, 1), (0, 1, 1)}


def test_recombination_leaves_classes_that_meet_in_no_video():
    """Such as those of a mirror image, or beside a segment that a warp has lost."""
    videos = Videos([labelled('a', [0, 1], 0), labelled('b', [0, 1, 1], 0)])
    item = {**videos.video(0), 'label': np.array([1, 0])}
    assert RecombineSegments(1.0)(item)['label'].tolist() == [1, 0]


def test_recombination_stands_between_other_changes_of_time():
    """A crop counts from the frames of both videos, not from those of the first."""
    videos = Videos([labelled('a', [0, 0, 1, 1], 0), labelled('b', [0] + 40 * [1], 0)])
    steps = RandomTimeWarp(0.3), RecombineSegments(1.0), RandomCropFrames(20)
    for epoch in range(20):
        item = {**videos.video(0), 'epoch': epoch, 'fps': 30.0}
        for step in steps:
            item = step(item)
        assert item['keypoint'].shape[1] == len(item['label']) == item['total_frames']


def test_recombination_moves_skeletons_in_whole_pixels():
    """By the mean of their joints, which is no whole number."""
    videos = Videos([labelled('a', [0, 1], 0), labelled('b', [0, 1, 1], 5)])
    for video in videos:
        video['keypoint'] = video['keypoint'].astype(np.int64)
    item = RecombineSegments(1.0, times=1)(videos.video(0))
    assert item['keypoint'][0, :, 0, 0].tolist() == [0, *range(len(item['label']) - 1)]


def test_recombination_adjusts_sizes():
    """A video of three times the pixels continues a small one at the size of that."""
    videos = Videos([labelled('a', [0, 1], 0), labelled('b', [0, 1, 1], 0)])
    for video, size in zip(videos, (10, 30), strict=True):
        frames = video['total_frames']
        corners = size * np.array([[0, 0], [1, 0], [1, 1], [0, 1], [9, 9]], np.float32)
        video['keypoint'] = np.tile(corners + 100, (1, frames, 1, 1))
        video['keypoint_score'] = np.ones((1, frames, 5), np.float32)
        # A joint that is not seen does not count, and remains 0.
        video['keypoint'][:, :, 4] = 0
        video['keypoint_score'][:, :, 4] = 0
    first = videos[0]['keypoint'][0, 0]
    mix = RecombineSegments(1.0)
    items = [mix({**videos.video(0), 'epoch': i}) for i in range(10)]
    assert {len(item['label']) for item in items} == {2, 3}
    for item in items:
        for frame in item['keypoint'][0]:
            np.testing.assert_allclose(frame, first, atol=1e-4)


def test_recombination_needs_features_that_follow():
    """Those in a file are of the video that was."""
    item = {**labelled('a', [0, 1], 0), 'feature_files': {'rgb': ['a.npy']}}
    with raises_naming(UserError, 'RecombineSegments', 'rgb', 'online=True'):
        RecombineSegments()(item)


@pytest.mark.parametrize('transform', [
    RandomCropFrames(3), RandomSpeed((2, 2)), RandomTimeWarp(0.3),
    RecombineSegments(1.0, transitions='any'),
    RandomHorizontalFlip(1.0, skeleton=ONE_JOINT, class_pairs=[('left', 'right')]),
])  # fmt: skip
def test_votes_of_observers_follow_the_label(transform):
    """Here, all of them vote for the label."""
    classes = ['rest', 'left', 'right']
    videos = Videos([labelled('a', [0, 1, 1, -1], 0), labelled('b', [0, 2, 2, 1], 0)])
    for video in videos:
        votes = 3 * (video['label'] == np.arange(3)[:, None])
        video |= {'votes': votes, 'classes': classes, 'img_shape': (9, 9)}
    changed = set()
    for epoch in range(9):
        item = {**videos.video(0), 'epoch': epoch}
        if isinstance(transform, RandomSpeed):
            item['features'] = {'pose': np.zeros((1, 4))}
        item = transform(item)
        expected = 3 * (item['label'] == np.arange(3)[:, None])
        np.testing.assert_array_equal(item['votes'], expected)
        changed.add(tuple(item['label']))
    assert changed - {(0, 1, 1, -1)}
