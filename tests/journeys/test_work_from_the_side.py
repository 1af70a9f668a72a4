"""A person at work, filmed from the side by one camera: angles, REBA, worst moments."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures.skeleton import Skeleton
from tests.tables import read_table
from tests.test_posture.people import filmed, person

FPS, SECONDS = 25, 20
# Somebody bends, holds a box at the floor for these seconds, and comes up again.
HELD = ((5, 9), (15, 19))
TRUNK, NECK = 70, 25


def bent(depth: float) -> dict:
    """Return somebody with straight knees, whose arms hang down, and whose head too."""
    one = person(
        trunk=(TRUNK * depth, 0, 0), neck=(NECK * depth, 0, 0), arm=(TRUNK * depth, 0)
    )
    return {**one, 'left_eye': one['nose'], 'right_eye': one['nose']}


def film(path: Path, right: tuple, lost: tuple = ()) -> None:
    """Write what `mmskelseg poses` finds in a video, here without a video."""
    times = np.arange(0, SECONDS, 1 / FPS)
    bends = [np.interp(times, (a - 1, a, b, b + 1), (0, 1, 1, 0)) for a, b in HELD]
    depth = np.max(bends, axis=0)
    joints = Skeleton.get('coco17').joints
    one = filmed(*map(bent, depth), right=right, joints=joints)
    rng = np.random.default_rng(0)
    points = one['keypoint'] + rng.normal(scale=0.3, size=one['keypoint'].shape)
    scores = rng.uniform(0.6, 0.9, one['keypoint_score'].shape)
    for frame in lost:
        # The estimator takes something behind the back for the head.
        points[0, frame, :5] += 80 * np.array([right[0], 0.5]) * [-1, 1]
        scores[0, frame, :5] = 0.3
    path.parent.mkdir(parents=True, exist_ok=True)
    write_npz(Poses(points, scores, 'coco17', (600, 600), FPS), path)


def boris(path: Path, recordings: list[str]) -> None:
    """Write a project of BORIS in which each time at the floor is coded."""
    events = [[time, '', 'lift box', '', ''] for held in HELD for time in held]
    observations = {
        name: {
            'file': {'1': [f'{name}.mp4'], '2': []}, 'time offset': 0.0,
            'events': events,
            'media_info': {'length': {f'{name}.mp4': SECONDS}, 'fps': {}, 'offset': {}},
        }
        for name in recordings
    }  # fmt: skip
    code = {'0': {'code': 'lift box', 'type': 'State event'}}
    path.write_text(json.dumps({'behaviors_conf': code, 'observations': observations}))


def is_held(time: str) -> bool:
    return any(a <= float(time) < b for a, b in HELD)


@pytest.fixture
def mmskelseg(tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder, and what it says."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> str:
        words = [sys.executable, '-m', 'mmskelseg', *line.split()]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def test_angles_reba_and_worst_moments_of_an_afternoon(mmskelseg):
    # Two shifts were filmed, in one of which the person faces left. In the other, the
    # head is lost for a moment at 12 seconds.
    film(Path('data/assembly/poses/early.npz'), right=(-1, 0, 0))
    film(Path('data/assembly/poses/late.npz'), right=(1, 0, 0), lost=range(300, 305))

    # How far do people bend? That needs poses alone.
    said = mmskelseg('angles data/assembly/poses --out angles')
    assert 'trunk flexion' in said
    assert 'are not scored' in said
    for name in ('early', 'late'):
        frames = read_table(Path(f'angles/{name}_angles.csv'))
        assert len(frames) == FPS * SECONDS
        held = [row for row in frames if is_held(row['time_s'])]
        parts = {'trunk': TRUNK, 'neck': NECK, 'left_shoulder': TRUNK}
        for part, angle in parts.items():
            found = [float(row[f'{part}_flexion']) for row in held]
            assert found == pytest.approx([angle] * len(found), abs=5), part
        standing = [float(row['trunk_flexion']) for row in frames[:75]]
        assert standing == pytest.approx([0] * 75, abs=3)
        # Trunk 4 to 5, neck 2 to 3, legs 1: A is 5 to 7. Upper arm 3 to 4, less 1 as it
        # hangs, lower arm 2, wrist 1 to 3: B is 2 to 5.
        assert {(row['reba_low'], row['reba_high']) for row in held} == {('4', '9')}
        assert imread(f'angles/{name}_angles.png').ndim == 3
    assert 'neck flexion' in frames[302]['failures']
    assert (frames[302]['seen'], frames[250]['seen']) == ('0', '1')

    # Which task is it that strains? The tasks were coded in BORIS, and weighed.
    boris(Path('project.boris'), ['early', 'late'])
    mmskelseg(
        'convert keypoints data/assembly/poses data/assembly --labels project.boris '
        '--unlabelled background --background other'
    )
    Path('station.csv').write_text(
        'class,load_kg,coupling,repeated\nlift box,7,fair,yes\n'
    )
    mmskelseg(
        'bouts data/assembly/annotations.pkl --out risk --risk --station station.csv'
    )
    risk = [row for row in read_table(Path('risk/risk.csv')) if row['method'] == 'REBA']
    lifted = {row['video']: row for row in risk if row['class'] == 'lift box'}
    assert lifted.keys() == {'early', 'late'}
    for row in lifted.values():
        assert float(row['seconds']) == pytest.approx(8)
        # A point for the load, one for the grip, one for the pace: A is 6 to 8, B 3 to
        # 6, so C is 6 to 10, and 7 to 11 with the pace.
        assert (row['mean_low'], row['mean_high']) == ('7.000', '11.000')
        assert is_held(row['worst_s'])
    others = {row['video']: row for row in risk if row['class'] == 'other'}
    assert float(others['early']['failed_percent']) == 0
    assert 0 < float(others['late']['failed_percent']) < 20

    # What do the worst moments look like? Six of them, in two rows of three.
    assert imread('risk/risk.png').shape[1] == 3 * 640
