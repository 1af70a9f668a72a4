"""The figures of the paper, as a user draws them, on a small annotation file."""

import pickle

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib import colormaps

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.pickles import load_pickle
from mmskelseg_io.structures import Skeleton
from tests.test_drawing.pixels import near

TOOL = 'projects/hyder2024/paper_figures.py'


def read(path):
    return np.round(255 * matplotlib.image.imread(path)[..., :3]).astype(int)


@pytest.fixture
def dump(small_data, tmp_path):
    """Write predictions as tools/test.py --dump does, with some frames wrong."""

    def write(name, wrong, videos=('video_2',)):
        samples = []
        for video in load_annotations(small_data)['annotations']:
            if video['frame_dir'] in videos:
                labels = torch.tensor(video['label'])
                labels[:wrong] = (labels[:wrong] + 1) % 3
                samples.append({'frame_dir': video['frame_dir'], 'pred_label': labels})
        path = tmp_path / f'{name}.pkl'
        path.write_bytes(pickle.dumps(samples))
        return path

    return write


def test_figures_of_heatmaps_are_drawn_for_the_first_test_video(run_tool, small_data):
    done = run_tool(TOOL, 'heatmaps', small_data, '--out', small_data.parent / 'a.png')
    assert 'video video_2' in done.stdout
    image = read(small_data.parent / 'a.png')
    assert image.shape[1] == 1050
    dark = np.abs(image - 255 * np.array(colormaps['magma'](0.0))[:3]).max(axis=-1) < 8
    starts = np.diff((dark.mean(axis=0) > 0.2).astype(int), prepend=0) == 1
    assert starts.sum() == 3


def test_figures_of_missing_limbs_change_with_the_parts(call_tool, small_data):
    frame = ('--video', 'video_0', '--frame', '7')
    shown = call_tool(TOOL, 'missing', small_data, *frame).stdout
    assert shown == 'video video_0\nframe 7\nmissing.png\n'
    first = read('missing.png')
    call_tool(TOOL, 'missing', small_data, *frame, '--parts', 'right_arm', 'left_leg')
    second = read('missing.png')
    np.testing.assert_array_equal(first[:, :310], second[:, :310])
    assert (first[:, 330:620] != second[:, 330:620]).any()
    np.testing.assert_array_equal(first[:, 640:], second[:, 640:])


def test_figure_shows_the_frame_with_the_largest_sure_pose(call_tool, small_data):
    """A pose that is large through a joint which is hardly sure is passed over."""
    data = load_pickle(small_data)
    video = data['annotations'][2]
    video['keypoint'][0, 20, 3] = (-900, -900)
    video['keypoint'][0, 30, 3] = (-9000, -9000)
    video['keypoint_score'][0, 30, 3] = 0.001
    small_data.write_bytes(pickle.dumps(data))
    assert 'frame 20\n' in call_tool(TOOL, 'heatmaps', small_data).stdout


def test_figure_of_timelines_has_a_row_for_each_method(call_tool, small_data, dump):
    right, wrong = dump('right', 0), dump('wrong', 40)
    call_tool(TOOL, 'timelines', small_data, f'A={right}', '--out', '1.png')
    call_tool(TOOL, 'timelines', small_data, f'A={right}', f'B={wrong}')
    one, two = read('1.png'), read('timelines.png')
    assert one.shape[1] == two.shape[1] == 1050
    assert two.shape[0] > one.shape[0] + 60
    black = [(np.abs(image - 32).max(axis=-1) < 3).sum() for image in (one, two)]
    assert black[1] > black[0] + 5000


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            ['heatmaps', '--video', 'no'],
            "has no video 'no'; choose --video from video_0",
        ),
        (['heatmaps', '--frame', '50'], 'has no frame 50; choose --frame from 0 to 49'),
        (['missing', '--parts', 'tail'], "'coco17' has no part 'tail'; choose --parts"),
    ],
)
def test_figures_name_what_is_not_there(call_tool, small_data, arguments, message):
    command, *options = arguments
    assert message in call_tool(TOOL, command, small_data, *options, code=1).stderr


def test_timelines_need_predictions_of_the_video(call_tool, small_data, dump):
    file = dump('other', 0, ['video_0'])
    error = call_tool(TOOL, 'timelines', small_data, f'A={file}', code=1).stderr
    assert (
        'other.pkl: contains no prediction for video video_2, only for video_0' in error
    )
    error = call_tool(TOOL, 'timelines', small_data, file, code=2).stderr
    assert 'is not of the form NAME=FILE' in error


@pytest.mark.parametrize('width', ['1e6', 'nan'])
def test_width_that_no_page_has_is_refused(call_tool, small_data, width):
    """The picture would take terabytes."""
    error = call_tool(TOOL, 'heatmaps', small_data, '--width', width, code=2).stderr
    assert f"--width: '{width}' is not a number from 1 to 100" in error


def test_missing_marks_what_is_lost_in_its_column_alone(tool):
    """A lost joint is red below its title and nowhere else."""
    skeleton = Skeleton.get({'joints': 3, 'limbs': [[0, 1], [1, 2]]})
    keypoint = np.array([[[10, 10], [28, 28], [45, 40]]], float)
    heatmaps = {'whole': np.zeros((56, 56)), 'lost': np.zeros((56, 56))}
    image = tool.draw_missing(
        heatmaps, {'whole': (), 'lost': (2,)}, keypoint, skeleton, 3.5
    )
    hits = np.flatnonzero(near(image, tool.LOST, 40).any(axis=0))
    assert len(hits) > 20
    assert hits.min() > image.shape[1] / 2
    nothing = {'whole': (), 'lost': ()}
    whole = tool.draw_missing(heatmaps, nothing, keypoint, skeleton, 3.5)
    assert not near(whole, tool.LOST, 40).any()
