"""Pictures of single moments."""

import numpy as np
from matplotlib.image import imread

from mmskelseg_behaviour.drawing.moments import Moment, _caption, write_moments
from mmskelseg_runtime.drawing.frames import text_lines
from tests.test_posture.people import BODY, JOINTS, filmed, person

LONG = 'REBA 10, RULA 6-7: ' + ', '.join(f'part {i} ({10 * i}°)' for i in range(20))


def moment(text='REBA 4', **scores) -> Moment:
    """Return the second frame of a recording, whose joints have other scores there."""
    take = {
        **filmed(person(), person()), 'frame_dir': 'take', 'img_shape': (600, 600)
    }  # fmt: skip
    take['keypoint_score'] = np.full((1, 2, len(JOINTS)), 0.9)
    for joint, score in scores.items():
        take['keypoint_score'][0, 1, JOINTS.index(joint)] = score
    return Moment(take, BODY, 1, 0, 'lift', text)


def test_captions_are_not_cut(tmp_path):
    name, place, *lines, _ = _caption(moment(LONG))
    assert (name, place) == ('lift', 'take, 0:01.0')
    assert len(lines) > 1
    assert ' '.join(lines) == LONG
    write_moments(tmp_path / 'short.png', [moment()])
    write_moments(tmp_path / 'long.png', [moment(), moment(LONG)])
    short, long = (imread(tmp_path / f'{name}.png') for name in ('short', 'long'))
    # The sheet has room for the moment that has most to say.
    assert len(long) > len(short)
    assert long.shape[1] == 2 * short.shape[1]


def test_long_words_are_broken():
    lines = text_lines('a' * 100, 20, 200)
    assert len(lines) > 1
    assert ''.join(lines) == 'a' * 100


def test_a_moment_tells_how_surely_its_joints_were_found():
    mean = (0.9 * (len(JOINTS) - 1) + 0.3) / len(JOINTS)
    quality = _caption(moment(left_wrist=0.3))[-1]
    assert quality == f'confidence of joints {mean:.2f}, left wrist 0.30'
    quality = _caption(moment(left_wrist=0.3, nose=0))[-1]
    assert quality.endswith(f', left wrist 0.30, 1 of {len(JOINTS)} joints not seen')
    # Where all scores are the same, their file had none.
    assert _caption(moment())[-1] == 'confidence of joints not stated'
