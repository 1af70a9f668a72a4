"""A quick look tells whether labels depend on the other one."""

import numpy as np
import pytest

from mmskelseg.engine.choosing import choose
from mmskelseg.engine.jobs import ConfigRequest
from mmskelseg.engine.partners import recall_without_and_with
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

SKELETON = {'joints': ['nose', 'tail'], 'limbs': [[0, 1]], 'flip_pairs': []}
META = {
    'classes': ['apart', 'together'], 'background': None, 'skeleton': SKELETON,
    'view': 'side',
}  # fmt: skip


def recordings(depends):
    """Return four recordings of two who are near each other for seconds.

    Labels state that, or else how the first one is stretched.
    """
    rng = np.random.default_rng(0)
    found = []
    for number in range(4):
        near, long = (np.repeat(rng.permutation(20) % 2, 10) for _ in range(2))
        first = np.array([[1.0, 0.0], [-1.0, 0.0]]) * (1 + long)[:, None, None]
        other = first[::-1] + np.array([0, 1.0]) * (9 - 6 * near)[:, None, None]
        both = np.stack([first, other]) + rng.normal(0, 0.1, (2, 200, 2, 2)) + 50
        found.append({
            'frame_dir': f'r{number}', 'total_frames': 200, 'fps': 10.0,
            'img_shape': (100, 100), 'keypoint': both.astype(np.float32),
            'keypoint_score': np.ones((2, 200, 2), np.float32), 'individual': 0,
            'label': near if depends else long,
        })  # fmt: skip
    return found


def test_other_one_tells_what_happens_between_the_two():
    """Half of the frames of two classes are found by chance."""
    alone, both = recall_without_and_with(recordings(True), META, 2, {'turn': False})
    assert alone < 0.65
    assert both > 0.85


def test_other_one_tells_nothing_of_what_one_does_alone():
    alone, both = recall_without_and_with(recordings(False), META, 2, {'turn': False})
    assert alone > 0.85
    assert both < alone + 0.02


@pytest.mark.parametrize('depends', [True, False])
@pytest.mark.parametrize('asked', [None, True, False])
def test_other_one_is_seen_if_that_finds_more_or_is_asked_for(depends, asked, tmp_path):
    videos = recordings(depends)
    names = [video['frame_dir'] for video in videos]
    split = {'train': names[:3], 'test': names[3:]}
    data = {'metainfo': META, 'annotations': videos, 'split': split}
    request = ConfigRequest(pairs=asked)
    choice = choose(data, tmp_path / 'a.pkl', ('train', 'test'), request)
    is_seen = depends if asked is None else asked
    assert (choice.pairs is not None) == is_seen
    flag = '--no-pairs' if asked is None and depends else '--pairs'
    assert (flag in choice.lines['pairs']) == (asked is not True)
    assert ('quick look' in choice.lines['pairs']) == (asked is None)


@pytest.mark.parametrize(('alone', 'may_be'), [(1, True), (2, False)])
def test_one_of_ten_recordings_may_show_one_alone(alone, may_be, tmp_path):
    videos = [{**v, 'frame_dir': f'{n}{v["frame_dir"]}'} for n in range(5)
              for v in recordings(True)][:10]  # fmt: skip
    for video in videos[:alone]:
        video['keypoint_score'] = video['keypoint_score'] * [[[1]], [[0]]]
    names = [video['frame_dir'] for video in videos]
    split = {'train': names[:8], 'test': names[8:]}
    data = {'metainfo': META, 'annotations': videos, 'split': split}
    given = data, tmp_path / 'a.pkl', ('train', 'test')
    assert (choose(*given, ConfigRequest()).pairs is not None) == may_be
    asked = ConfigRequest(pairs=True)
    if may_be:
        assert choose(*given, asked).pairs is not None
    else:
        with raises_naming(UserError, 'a.pkl', repr(names[0]), '2', '--pairs'):
            choose(*given, asked)
