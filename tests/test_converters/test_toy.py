"""The toy data set: reproducible, complete, and its actions look like their names.

Its clips show the person of the labels, with a box of the colour that they name.
"""

from itertools import chain, pairwise

import cv2
import numpy as np
import pytest

from mmskelseg import commands
from mmskelseg.converters import toy as converter
from mmskelseg.converters import toy_person as person
from mmskelseg.converters import toy_script as script
from mmskelseg.runtime.files.annotations import folds, load_annotations

TOOL = 'tools/dataset_converters/toy.py'
NOSE, WRISTS, KNEES, ANKLES = 0, [9, 10], [13, 14], [15, 16]


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    """The data set as it is made by default, without its clips."""
    out = tmp_path_factory.mktemp('toy')
    converter.convert(out, no_videos=True)
    return load_annotations(out / 'annotations.pkl')


@pytest.fixture(scope='module')
def filmed(tmp_path_factory):
    """The folder of a small data set with clips."""
    out = tmp_path_factory.mktemp('filmed')
    converter.convert(out, videos=3, seconds=20)
    return out


def read_clip(path):
    """Return the frames of a clip, shape (T, H, W, 3), in RGB."""
    clip, frames = cv2.VideoCapture(str(path)), []
    while (read := clip.read())[0]:
        frames.append(read[1][..., ::-1])
    return np.array(frames, int)


def segments(video):
    """Yield (start, end, label) of each run of one label, without unlabelled ones."""
    label = video['label']
    borders = [0, *np.flatnonzero(np.diff(label)) + 1, len(label)]
    for start, end in pairwise(borders):
        if label[start] >= 0:
            yield start, end, label[start]


def heights(toy, name, share, joints):
    """Return how high joints are at a share of each segment of a class, in pixels."""
    classes = toy['metainfo']['classes']
    wanted = [k for k, known in enumerate(classes) if known.startswith(name)]
    found = []
    for video in toy['annotations']:
        seen = video['keypoint_score'][0] > 0.4
        pixels = np.where(seen[..., None], video['keypoint'][0], np.nan)
        for start, end, label in segments(video):
            frame = start + round(share * (end - 1 - start))
            if label in wanted and end < len(video['label']):
                floor = np.nanmax(pixels[frame, ANKLES, 1], initial=-np.inf)
                found.append(floor - pixels[frame, joints, 1])
    return np.nanmedian(found)


def test_toy_has_twelve_videos_of_about_a_minute(toy):
    assert len(toy['annotations']) == 12
    for video in toy['annotations']:
        assert 54 <= video['total_frames'] / video['fps'] <= 66
        assert video['keypoint'].shape[2] == 17


def test_toy_shows_every_class_in_both_splits(toy):
    """Twelve classes, none of which is rarer than 2 % of the frames."""
    for split in ('train', 'test'):
        label = np.concatenate(
            [
                v['label']
                for v in toy['annotations']
                if v['frame_dir'] in toy['split'][split]
            ]
        )
        shares = np.bincount(label[label >= 0], minlength=12) / label.size
        assert len(shares) == len(toy['metainfo']['classes']) == 12
        assert shares.min() > 0.02


def test_toy_folds_test_each_video_once(toy):
    assert [len(toy['split'][name]) for name in ('train', 'test')] == [9, 3]
    tested = [toy['split'][f'{fold}/test'] for fold in folds(toy)]
    assert len(tested) == 3
    assert sorted(chain(*tested)) == [v['frame_dir'] for v in toy['annotations']]


def test_toy_follows_its_grammar(toy):
    """Nothing is lifted before the person has bent down, and so on."""
    actions = [
        name.removesuffix('_red').removesuffix('_blue')
        for name in toy['metainfo']['classes']
    ]
    for video in toy['annotations']:
        order = list(segments(video))
        for (_, end, first), (start, _, second) in pairwise(order):
            if start == end:
                assert actions[second] in script.GRAMMAR[actions[first]]


def test_toy_has_the_faults_of_a_tracker(toy):
    """Lost joints at (0, 0), lost frames, low scores and jitter, none too many."""
    keypoint = np.concatenate([v['keypoint'][0] for v in toy['annotations']])
    score = np.concatenate([v['keypoint_score'][0] for v in toy['annotations']])
    lost = score == 0
    assert (keypoint[lost] == 0).all()
    assert 0.003 < lost.mean() < 0.05
    assert 12 < lost.all(axis=1).sum() < 100
    assert 0.005 < ((score > 0) & (score < 0.4)).mean() < 0.1
    assert score.max() <= 1


def test_toy_jitter_is_alike_from_frame_to_frame(toy):
    """A person who stands still drifts by more than from one frame to the next."""
    video = toy['annotations'][1]
    stand = toy['metainfo']['classes'].index('stand')
    steps, drifts = [], []
    for start, end, label in segments(video):
        hips = video['keypoint'][0, start + 15 : end - 5, 11]
        if label == stand and len(hips) > 20 and hips.min() > 0:
            steps.append(np.diff(hips, axis=0).std())
            drifts.append(hips.std(axis=0).mean())
    assert np.median(steps) < np.median(drifts)
    assert 0.3 < np.median(steps) < 4


def test_toy_has_unlabelled_spans_in_its_first_video_alone(toy):
    missing = [(video['label'] == -1).mean() for video in toy['annotations']]
    assert 0.02 < missing[0] < 0.1
    assert not any(missing[1:])


def test_toy_actions_look_like_their_names(toy):
    """Heights above the feet in pixels, of a person about 210 pixels tall."""
    assert heights(toy, 'reach_high', 0.55, WRISTS[0]) > 90
    assert heights(toy, 'place_high', 0.55, WRISTS) > heights(toy, 'stand', 0.5, NOSE)
    assert heights(toy, 'bend_down', 1, WRISTS) < 60
    assert heights(toy, 'lift', 0, NOSE) < 0.7 * heights(toy, 'lift', 1, NOSE)
    assert heights(toy, 'place_low', 0.55, NOSE) < 0.7 * heights(
        toy, 'stand', 0.5, NOSE
    )
    hold, stand = heights(toy, 'hold', 0.8, WRISTS), heights(toy, 'stand', 0.8, WRISTS)
    assert stand + 10 < hold < heights(toy, 'stand', 0.8, NOSE)


def test_toy_walks_with_its_feet_apart(toy):
    """Frame by frame the feet move much further in a walk than in a stand."""
    classes = toy['metainfo']['classes']
    speed = {name: [] for name in ('walk', 'stand')}
    for video in toy['annotations']:
        gap = video['keypoint'][0, :, ANKLES[0]] - video['keypoint'][0, :, ANKLES[1]]
        for start, end, label in segments(video):
            if classes[label] in speed:
                speed[classes[label]].append(gap[start:end, 0].std())
    assert np.median(speed['walk']) > 3 * np.median(speed['stand'])


def test_equal_seeds_give_equal_files(tmp_path, run_tool):
    """Byte by byte, whatever the order of Python's sets is; with one OpenCV, clips too.

    Only the name of the clip tells annotations with clips from those without.
    """
    for name, seed, more in (('1', 7, ()), ('2', 7, ()), ('3', 8, ['--no-videos'])):
        options = ('--videos', 3, '--seconds', 5, '--seed', seed, *more)
        run_tool(TOOL, tmp_path / name, *options, env={'PYTHONHASHSEED': name})
    for file in ('annotations.pkl', 'videos/toy_01.mp4', 'videos/toy_03.mp4'):
        first, again = ((tmp_path / name / file).read_bytes() for name in '12')
        assert first == again
    other = (tmp_path / '3' / 'annotations.pkl').read_bytes()
    assert other != (tmp_path / '1' / 'annotations.pkl').read_bytes()


def test_clips_change_nothing_in_the_annotations(tmp_path, filmed):
    converter.convert(tmp_path, videos=3, seconds=20, no_videos=True)
    assert [path.name for path in tmp_path.iterdir()] == ['annotations.pkl']
    bare, with_clips = (
        load_annotations(folder / 'annotations.pkl')['annotations']
        for folder in (tmp_path, filmed)
    )
    for one, other in zip(bare, with_clips, strict=True):
        assert other.pop('filename') == f'videos/{one["frame_dir"]}.mp4'
        assert one.keys() == other.keys()
        np.testing.assert_array_equal(one['keypoint'], other['keypoint'])
        np.testing.assert_array_equal(one['label'], other['label'])


def test_skeleton_does_not_know_the_colour_of_the_box(monkeypatch):
    """With the colours exchanged the person moves just as before."""
    joints, labels = [], []
    for colours in (['red', 'blue'], ['blue', 'red']):
        monkeypatch.setattr(script, 'COLOURS', colours)
        rng = np.random.default_rng(5)
        motion = script.perform(rng, 900, 30.0)
        joints.append(person.body(motion, person.Take.random(rng), rng, 30.0))
        labels.append(motion.label)
    np.testing.assert_array_equal(*joints)
    assert (labels[0] != labels[1]).mean() > 0.1


def test_clips_show_the_labelled_box_in_the_hands_of_each_frame(filmed):
    """While a box is held it alone is there: its pixels have the colour of the label.

    They are beside the wrists of the same frame, nearer than to those of a second ago.
    """
    data = load_annotations(filmed / 'annotations.pkl')
    classes = data['metainfo']['classes']
    agree, now, before = [], [], []
    for video in data['annotations']:
        frames = read_clip(filmed / video['filename'])
        assert frames.shape == (video['total_frames'], 120, 160, 3)
        for start, end, label in segments(video):
            if not classes[label].startswith('carry') or start < 30:
                continue
            for frame in range(start + 5, end - 5):
                redness = frames[frame, ..., 0] - frames[frame, ..., 2]
                red, blue = (redness > 60).sum(), (redness < -60).sum()
                if max(red, blue) < 20 or 0 in video['keypoint'][0, frame, WRISTS]:
                    continue
                agree.append((red > blue) == classes[label].endswith('red'))
                middle = np.argwhere(abs(redness) > 60).mean(axis=0)[::-1] * 4
                for when, gaps in ((frame, now), (frame - 30, before)):
                    wrists = video['keypoint'][0, when, WRISTS].mean(axis=0)
                    gaps.append(np.linalg.norm(middle - wrists))
    assert len(agree) > 100
    assert np.mean(agree) > 0.98
    assert np.median(now) < 40 < np.median(before)


def test_light_changes_from_frame_to_frame_and_over_time(filmed):
    """A patch of floor where nobody walks flickers, and drifts by more."""
    for number in (1, 2, 3):
        frames = read_clip(filmed / 'videos' / f'toy_{number:02d}.mp4')
        patch = frames[:, 114:, 70:90].mean(axis=(1, 2, 3))
        assert np.abs(np.diff(patch)).mean() > 0.003 * patch.mean()
        assert patch.std() > 0.08 * patch.mean()


def test_boxes_come_and_go_in_turn():
    """The second comes as the first is let go; that goes as the second is grasped."""
    boxes = [script.Box('red', 2, 4), script.Box('blue', 6, 9)]
    motion = script.Motion(None, None, None, None, boxes)
    there = converter.box_spells(motion, 8)
    assert there[:, 0].tolist() == [True] * 6 + [False] * 2
    assert there[:, 1].tolist() == [False] * 4 + [True] * 4


def test_toy_ends_with_a_summary(tmp_path, run_tool):
    done = run_tool(TOOL, tmp_path, '--videos', 4, '--seconds', 2)
    lines = done.stdout.splitlines()
    assert lines[0].startswith('4 videos, ')
    assert lines[1:3] == [
        'train: 3 videos (toy_01, toy_02, toy_03)',
        'test: 1 video (toy_04)',
    ]
    assert lines[-2:] == [
        f'written to {tmp_path}/annotations.pkl',
        f'clips in {tmp_path}/videos',
    ]


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('--videos', 2, "'2' is not a whole number from 3"),
        ('--seconds', 1, "'1' is not a number from 2"),
        ('--seed', -1, "'-1' is not a whole number from 0"),
    ],
)
def test_toy_refuses_what_it_cannot_make(option, value, message, capsys):
    with pytest.raises(SystemExit) as end:
        commands.main(['convert', 'toy', 'out', option, str(value)])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(
        f'mmskelseg convert toy: error: argument {option}: {message}\n'
    )


def test_two_bones_meet_at_a_right_angle():
    """Bones of length 1 whose ends are sqrt(2) apart, the knee in front."""
    middle, end = person.two_bones(
        np.zeros((1, 3)), np.array([[0, 0, -np.sqrt(2)]]), 1, 1, (1, 0, 0)
    )
    np.testing.assert_allclose(middle, [[np.sqrt(0.5), 0, -np.sqrt(0.5)]], atol=1e-9)
    np.testing.assert_allclose(end, [[0, 0, -np.sqrt(2)]], atol=1e-9)


def test_body_keeps_the_length_of_its_bones():
    """Whatever the person does, upper arm, forearm, thigh and shank keep theirs."""
    rng = np.random.default_rng(0)
    take = person.Take.random(rng)
    motion = script.perform(rng, 600, 30.0)
    joints = person.body(motion, take, rng, 30.0)
    scale = take.height * take.limbs
    for bone, length in {(5, 7): 0.186, (8, 10): 0.15, (11, 13): 0.245}.items():
        found = np.linalg.norm(joints[:, bone[0]] - joints[:, bone[1]], axis=-1)
        np.testing.assert_allclose(found, length * scale, rtol=1e-6)


def test_camera_sees_what_is_in_front_of_it():
    """2 m away on the axis: 560 / 2 pixels a metre, right and up as expected."""
    take = person.Take(1.7, 1, True, distance=2, azimuth=0, elevation=0.95, shift=0)
    joints = np.array([[[0, 0, 0.95], [0.5, 0, 0.95], [0, 0, 1.45]]])
    pixels, depth = person.film(joints, take)
    np.testing.assert_allclose(pixels[0], [[320, 240], [460, 240], [320, 100]])
    np.testing.assert_allclose(depth, 2)
