"""The toy data set: reproducible, complete, and its actions look like their names.

Its clips show the person of the labels, with a box of the colour that they name.
"""

from itertools import chain

import numpy as np
import pytest

from mmskelseg.converters import toy_person as person
from mmskelseg.converters.toy import MakeToy
from mmskelseg.evaluation import to_segments
from mmskelseg_io.files.annotations import folds, load_annotations
from mmskelseg_io.files.video import read_frames
from mmskelseg_io.jobs import main
from mmskelseg_io.jobs.events import PrintedEvents

TOOL = 'tools/dataset_converters/toy.py'
NOSE, WRISTS, ANKLES = 0, [9, 10], [15, 16]


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    """The data set as it is made by default, without its clips."""
    out = tmp_path_factory.mktemp('toy')
    job = MakeToy(out=out, no_videos=True)
    return load_annotations(job.run(PrintedEvents()))


@pytest.fixture(scope='module')
def filmed(tmp_path_factory):
    """The folder of a small data set with clips."""
    out = tmp_path_factory.mktemp('filmed')
    MakeToy(out=out, videos=3, seconds=20).run(PrintedEvents())
    return out


def heights(toy, name, share, joints):
    """Return how high joints are at a share of each segment of a class, in pixels."""
    classes = toy['metainfo']['classes']
    wanted = [k for k, known in enumerate(classes) if known.startswith(name)]
    found = []
    for video in toy['annotations']:
        seen = video['keypoint_score'][0] > 0.4
        pixels = np.where(seen[..., None], video['keypoint'][0], np.nan)
        for start, end, label in to_segments(video['label']):
            frame = start + round(share * (end - 1 - start))
            if label in wanted and end < len(video['label']):
                floor = np.nanmax(pixels[frame, ANKLES, 1], initial=-np.inf)
                found.append(floor - pixels[frame, joints, 1])
    return np.nanmedian(found)


def test_default_data_are_those_of_the_published_scores(toy):
    """The scores in benchmarks/studies/toy.md are of these videos, in this noise."""
    videos = toy['annotations']
    label, keypoint, score = (
        np.concatenate([video[key] for video in videos], axis=axis)
        for key, axis in (('label', 0), ('keypoint', 1), ('keypoint_score', 1))
    )
    assert len(videos) == 12
    assert sum(len(to_segments(video['label'])) for video in videos) == 509
    assert np.bincount(label + 1).tolist() == [
        75, 3153, 3905, 2016, 1645, 1769, 832, 1318, 1229, 1568, 1388, 979, 1848
    ]  # fmt: skip
    places = keypoint[0].astype(float)
    np.testing.assert_allclose(places.mean((0, 1)), [314.22, 229.40], atol=0.01)
    steps = np.abs(np.diff(places[:, [0, 9, 15]], axis=0)).mean((0, 2))
    np.testing.assert_allclose(steps, [3.105, 3.928, 3.902], atol=0.01)
    np.testing.assert_allclose([score.mean(), score.std()], [0.7711, 0.1633], atol=1e-3)


def test_toy_shows_every_class_in_both_splits(toy):
    """Twelve classes, none of which is rarer than 2 % of the frames."""
    label = {video['frame_dir']: video['label'] for video in toy['annotations']}
    assert len(toy['metainfo']['classes']) == 12
    for split, count in (('train', 9), ('test', 3)):
        found = np.concatenate([label[name] for name in toy['split'][split]])
        assert len(toy['split'][split]) == count
        shares = np.bincount(found[found >= 0], minlength=12) / found.size
        assert len(shares) == 12
        assert shares.min() > 0.02
    tested = [toy['split'][f'{fold}/test'] for fold in folds(toy)]
    assert len(tested) == 3
    assert sorted(chain(*tested)) == list(label)
    missing = [(own == -1).mean() for own in label.values()]
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


def test_equal_seeds_give_equal_files(tmp_path, run_tool):
    """Byte by byte, whatever the order of Python's sets is; with one OpenCV, clips too.

    Only the name of the clip tells annotations with clips from those without.
    """
    for name, seed, more in (('1', 7, ()), ('2', 7, ()), ('3', 8, ['--no-videos'])):
        options = ('--videos', 3, '--seconds', 5, '--seed', seed, *more)
        out = tmp_path / name
        done = run_tool(TOOL, out, *options, env={'PYTHONHASHSEED': name})
        lines = done.stdout.splitlines()
        assert lines[:3] == [f'[{i}/3] Making videos' for i in (1, 2, 3)]
        del lines[:3]
        assert lines[0].startswith('3 videos, ')
        assert lines[1] == 'train: 2 videos (toy_01, toy_02)'
        clips = [f'clips in {out}/videos'] * (not more)
        assert lines[-1 - len(clips) :] == [f'written to {out}/annotations.pkl', *clips]
    for file in ('annotations.pkl', 'videos/toy_01.mp4', 'videos/toy_03.mp4'):
        first, again = ((tmp_path / name / file).read_bytes() for name in '12')
        assert first == again
    other = (tmp_path / '3' / 'annotations.pkl').read_bytes()
    assert other != (tmp_path / '1' / 'annotations.pkl').read_bytes()


def test_clips_change_nothing_in_the_annotations(tmp_path, filmed):
    job = MakeToy(out=tmp_path, videos=3, seconds=20, no_videos=True)
    job.run(PrintedEvents())
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
        monkeypatch.setattr(person, 'COLOURS', colours)
        rng = np.random.default_rng(5)
        motion = person.perform(rng, 900)
        joints.append(person.body(motion, person.Take.random(rng), rng))
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
        clip = read_frames(filmed / video['filename'])
        frames = np.array(list(clip), int)[..., ::-1]
        assert frames.shape == (video['total_frames'], 120, 160, 3)
        for start, end, label in to_segments(video['label']):
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


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('--videos', 2, "'2' is not a whole number from 3 to 10000"),
        ('--seconds', 1, "'1' is not a number from 2 to 3600"),
        ('--seed', -1, "'-1' is not a whole number from 0"),
    ],
)
def test_toy_refuses_what_it_cannot_make(option, value, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(['convert', 'toy', 'out', option, str(value)])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(
        f'mmskelseg convert toy: error: argument {option}: {message}\n'
    )
