"""Each check on annotations that are clean but for one fault."""

import copy

import numpy as np
import pytest

from mmskelseg.datasets.inspection.sanity_checks import (
    Suspicion,
    sanity_checks,
    shared_poses,
)
from tests.small_data import small_annotations


@pytest.fixture
def data(rng):
    data = small_annotations(lengths=(60, 45, 52))
    for video in data['annotations']:
        video['keypoint_score'] *= rng.uniform(0.5, 1, (1, video['total_frames'], 17))
    return data


def put(key, place, value):
    """Return what sets values of an array of a video."""

    def change(video):
        video[key][place] = value

    return change


def scaled(key, factor):
    """Return what multiplies an array of a video."""
    return lambda video: video.update({key: video[key] * factor})


def swapped(video):
    video['keypoint'] = (video['keypoint'] / 2).clip(0, 470)
    video['keypoint'][0, :30, 3, 0] = 500
    video['img_shape'] = (640, 480)


def frozen(video):
    video['keypoint'][0, 20:32] = video['keypoint'][0, 20]


def half_the_rate(video):
    video['keypoint'][0, 1::2] = video['keypoint'][0, : video['total_frames'] - 1 : 2]


def equal_scores(video):
    video['keypoint_score'][:] = 0.7
    video['keypoint_score'][0, 3, 3] = 0


@pytest.mark.parametrize(
    ('damage', 'check', 'text'),
    [
        (put('keypoint_score', np.s_[0, 10:25], 0), 'nobody seen',
         'in 15 of 45 frames, longest from frame 10 to 24 (1.5 s'),
        (put('keypoint', np.s_[0, 12, 9], (-900, 200)), 'far outside the image',
         '1 of 765 joints lie more than 0.5 image sides outside the image of 640x480; '
         'the farthest, left_wrist in frame 12, is at (-900, 200)'),
        (scaled('keypoint', np.float32([1 / 640, 1 / 480])), 'not in pixels',
         'multiply x by 640 and y by 480'),
        (swapped, 'img_shape swapped', 'none would if img_shape were (480, 640)'),
        (put('keypoint', np.s_[0, 7, 2], 0), 'seen at (0, 0)',
         ': 1, the first right_eye in frame 7'),
        (frozen, 'frozen pose', 'the same from frame 20 to 31 (1.1 s, limit 1 s)'),
        (half_the_rate, 'frozen pose', '22 of 44 poses (50 %) repeat'),
        (put('keypoint', np.s_[0, :, 15], (33, 44)), 'joint never moves',
         'left_ankle is at (33, 44) in all 45'),
        (equal_scores, 'scores all equal', 'have the score 0.7'),
        (scaled('keypoint_score', 100), 'scores above 1',
         'scores reach 99.9, expected about 0 to 1'),
        (put('label', np.s_[:], np.repeat([-1, 1], [5, 40])), 'one class only',
         "all 40 labelled frames are 'class_1'"),
        (put('label', np.s_[10:], -1), 'hardly labelled',
         '35 of 45 frames have no label'),
        (put('label', 5, 0), 'very short segments',
         '1 of 6 segments are shorter than 3 frames, the shortest with 1 at frame 5 '
         '(class_0)'),
        (lambda video: video.update(fps=25), 'fps differs',
         'fps is 25, but 2 of 3 videos have 10'),
    ],
)  # fmt: skip
def test_suspicion_names_check_video_and_value(data, tmp_path, damage, check, text):
    """One fault in one of three videos gives one suspicion, of that video."""
    damage(data['annotations'][1])
    found = [
        one
        for one in sanity_checks(data, tmp_path)
        # What little is left of its labels cannot be of several classes.
        if not (check == 'hardly labelled' and one.check == 'one class only')
    ]
    assert [(one.check, one.video) for one in found] == [(check, 'video_1')]
    assert text in found[0].text


def test_clean_annotations_raise_no_suspicion(data, tmp_path):
    """Neither does a joint that is missing, or a person who comes late."""
    video = data['annotations'][0]
    video['keypoint_score'][0, :, 3] = 0
    video['keypoint'][0, :, 3] = 0
    for key in ('keypoint', 'keypoint_score'):
        video[key] = np.concatenate([video[key], np.zeros_like(video[key])])
    assert sanity_checks(data, tmp_path) == []


def test_clips_have_one_class_each(data, tmp_path):
    for k, video in enumerate(data['annotations']):
        video['label'][:] = k
    checks = {one.check for one in sanity_checks(data, tmp_path)}
    assert checks == {'unknown in training'}


def test_same_poses_in_training_and_test_are_said_to_be_so(data):
    """A copy under another name shows, whatever its labels, and so does the leak."""
    train, other, test = data['annotations']
    for key in ('keypoint', 'keypoint_score', 'total_frames'):
        test[key] = copy.deepcopy(train[key])
    test['label'] = np.zeros(60, int)
    data['split']['one/train'] = ['video_2']
    data['split']['one/test'] = ['video_0', 'video_1']
    assert list(shared_poses(data)) == [
        (
            'video_2',
            'has the same poses as video_0; video_0 is for training and video_2 for '
            'testing in test; video_2 is for training and video_0 for testing in '
            'one/test, which makes scores too high',
        )
    ]


def test_same_poses_are_found_in_parts_of_videos(data):
    """Frames of a cut count wherever they are; two of one split are no leak."""
    first, second, _ = data['annotations']
    second['keypoint'][0, 30:42] = first['keypoint'][0, 3:15]
    second['keypoint_score'][0, 30:42] = first['keypoint_score'][0, 3:15]
    assert list(shared_poses(data)) == [
        ('video_1', '12 of its 45 poses are in video_0 too')
    ]


def test_same_poses_do_not_depend_on_the_order_of_persons(data, rng):
    """The tracker's numbering says nothing, nor do rows of nobody."""
    first, second, third = data['annotations']
    pair = rng.normal(size=(2, 60, 17, 2))
    first.update(keypoint=pair, keypoint_score=np.ones((2, 60, 17)))
    padded = np.concatenate([np.zeros((1, 60, 17, 2)), pair[::-1]])
    score = np.ones((3, 60, 17))
    score[0] = 0
    second.update(keypoint=padded, keypoint_score=score, total_frames=60)
    assert [video for video, _ in shared_poses(data)] == ['video_1']


def test_same_poses_agree_with_a_comparison_frame_by_frame(data, rng):
    """Counts are those of sets of frames, for several videos at once."""
    pool = rng.normal(size=(30, 17, 2)).astype(np.float32)
    picks = [rng.choice(30, size, replace=False) for size in (20, 15, 25)]
    for video, pick in zip(data['annotations'], picks, strict=True):
        video['keypoint'] = pool[pick][None]
        video['keypoint_score'] = np.ones((1, len(pick), 17))
    data['split'] = {}
    expected = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        shared = len(set(picks[i]) & set(picks[j]))
        text = f'{shared} of its {len(picks[j])} poses are in video_{i} too'
        expected.append((f'video_{j}', text))
    assert list(shared_poses(data)) == expected


def test_classes_that_are_tested_but_never_trained_are_named(data, tmp_path):
    """So is a class that no frame has; both are faults of the file as a whole."""
    data['metainfo']['classes'] += ['rare', 'never']
    data['annotations'][2]['label'][10:20] = 3
    assert sanity_checks(data, tmp_path) == [
        Suspicion(
            'unknown in training',
            None,
            "rare: in 'test', but not in 'train', so that no model can learn it",
        ),
        Suspicion('class without frames', None, 'no frame is labelled never'),
    ]


@pytest.mark.parametrize(
    ('frames', 'fps', 'text'),
    [
        (60, 10, None),
        # By time they go together.
        (180, 30, '180 frames can be read, but video video_0 has 60 labels'),
        (90, 10, 'lasts 9.0 s, but the labels of video video_0 last 6.0 s'),
        (60, 30, 'lasts 2.0 s, but the labels of video video_0 last 6.0 s'),
    ],
)
def test_video_files_are_as_long_as_their_labels(
    data, clip, tmp_path, frames, fps, text
):
    clip('a.mp4', frames, fps, (48, 64))
    data['annotations'][0]['filename'] = 'a.mp4'
    found = sanity_checks(data, tmp_path)
    assert [(one.check, one.video) for one in found] == (
        [('video file', 'video_0')] if text else []
    )
    if text:
        assert text in found[0].text


def test_video_files_that_are_missing_or_shared_are_named(data, tmp_path):
    """Both are said of the later video."""
    for video in data['annotations'][:2]:
        video['filename'] = 'a.mp4'
    found = sanity_checks(data, tmp_path)
    assert [one.check for one in found] == ['video file', 'video file', 'same file']
    assert f'{tmp_path / "a.mp4"}: there is no such file' in found[0].text
    assert found[2] == ('same file', 'video_1', 'names the file of video_0, a.mp4')
