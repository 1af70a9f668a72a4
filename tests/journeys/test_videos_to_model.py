"""An afternoon with videos: poses, labels of BORIS, a model, and a new video."""

import numpy as np
import pytest

from mmskelseg_io.labels import Segment, VideoSegments, write_boris
from tests.clips import write_video
from tests.small_fits import small_fits
from tests.tables import read_table

pytestmark = pytest.mark.slow
FPS = 10
# The picture is bright while somebody lifts something, and so the networks see it.
GREYS = {'rest': 60, 'lift': 200}


def film(path, *lengths):
    """Film somebody who rests and lifts in turn, for so many seconds.

    What BORIS then has of the video is returned.
    """
    ends = np.cumsum(lengths).tolist()
    labels = [('rest', 'lift')[i % 2] for i in range(len(lengths))]
    segments = list(map(Segment, [0, *ends], ends, labels))
    greys = np.repeat([GREYS[label] for label in labels], FPS * np.array(lengths))
    path.parent.mkdir(exist_ok=True)
    write_video(path, greys.tolist(), FPS, (128, 128))
    return VideoSegments(path.stem, segments, FPS, len(greys), path.name)


def is_right(path, coded):
    """Return for each tenth of a second whether a table of segments has its label."""
    rows = read_table(path)
    times = (np.arange(coded.num_frames) + 0.5) / FPS
    found = [
        next(r['label'] for r in rows if float(r['start']) < time < float(r['end']))
        for time in times
    ]
    truth = [
        next(one.label for one in coded.segments if one.start < time < one.end)
        for time in times
    ]
    return np.array(found) == truth


@pytest.mark.usefixtures('networks')
def test_videos_become_a_model_that_labels_a_new_video(run_tool, fit, tmp_path):
    coded = [
        film(tmp_path / 'videos' / f'take{i}.mp4', *lengths)
        for i, lengths in enumerate([(1, 3, 2, 4, 2), (3, 1, 4, 2, 2)] * 3)
    ]
    write_boris(tmp_path / 'project.boris', coded, [*GREYS])

    # Poses and labels become a data set, in the folder that the guide names for both.
    run_tool('mmskelseg', 'poses', 'videos', 'data/mine')
    convert = (
        *('mmskelseg', 'convert', 'keypoints', 'data/mine/poses', 'data/mine'),
        *('--videos', 'videos', '--labels'),
    )
    said = run_tool(*convert, 'project.boris').stdout
    assert '6 videos, 720 frames at 10 fps, 2 classes, 30 segments' in said

    # A model learns from it, and its last line is the command that uses it.
    words = ('data/mine/annotations.pkl', '--out', 'model', '--compare', '1')
    with small_fits(40, channels=32, num_layers=5):
        said = fit(*words).stdout
    reads, command = said.splitlines()[-2:]
    assert '2D' in reads
    assert command == 'Segment: mmskelseg segment INPUT model'
    new = film(tmp_path / 'new.mp4', 2, 3, 3, 4)
    words = command.removeprefix('Segment: ').replace('INPUT', 'new.mp4').split()
    run_tool(*words)
    out = tmp_path / 'work_dirs/segment/new.mp4'
    for name in ('segments.eaf', 'segments.srt', 'timeline.png', 'overlay.mp4'):
        assert (out / name).is_file()
    assert is_right(out / 'segments.csv', new).mean() > 0.9

    # What it found goes through BORIS, and to the other labels.
    run_tool(*words, '--out', 'out', '--formats', 'boris', 'poses')
    (tmp_path / 'labels').mkdir()
    for old, place in {
        'project.boris': 'labels/old.boris',
        'out/segments.boris': 'labels/new.boris',
        'out/poses.npz': 'data/mine/poses/new.npz',
        'new.mp4': 'videos/new.mp4',
    }.items():
        (tmp_path / old).rename(tmp_path / place)
    said = run_tool(*convert, 'labels', '--test', 'take5').stdout
    assert '7 videos, 840 frames at 10 fps, 2 classes' in said
    assert 'test: 1 video (take5)' in said
