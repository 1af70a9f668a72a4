import numpy as np
import pytest

from mmskelseg.engine.seg_visualizer import SegVisualizer
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.drawing.timelines import draw_timelines
from tests.errors import raises_naming


def hooks(**arguments):
    return {'visualization': {'type': 'SegVisualizationHook', **arguments}}


def pictures(folder):
    return sorted(path.name for path in folder.rglob('*.png'))


@pytest.mark.parametrize('batch_size', [1, 2])
def test_visualization_hook_draws_every_test_video(make_runner, tmp_path, batch_size):
    make_runner(hooks(), batch_size=batch_size).test()
    folder = tmp_path / 'work' / 'timelines'
    assert pictures(folder) == ['day%2F1.png', 'day%2F2.png', 'day%2F3.png']
    assert pictures(tmp_path / 'work') == pictures(folder)


def test_visualization_hook_names_the_classes_of_the_test_set(make_runner, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        'mmskelseg.engine.seg_visualizer.save_png',
        lambda image, path: drawn.append(image),
    )
    make_runner(hooks()).test()
    expected = draw_timelines(
        {'Ground truth': np.array([0, 0, 1, 1]), 'Prediction': np.array([0, 0, 0, 0])},
        ['walk', 'stand', 'rest'],
        truth='Ground truth',
        title='day/1   Acc 50.0   Edit 50.0   F1@10 66.7',
    )
    np.testing.assert_array_equal(drawn[0], expected)


@pytest.mark.parametrize('batch_size', [1, 2])
def test_visualization_hook_draws_at_intervals_into_a_folder(
    make_runner, tmp_path, batch_size
):
    """`interval` counts videos across batches, and `out_dir` takes the pictures."""
    folder = tmp_path / 'elsewhere'
    arguments = hooks(interval=2, out_dir=str(folder))
    make_runner(arguments, batch_size=batch_size).test()
    assert pictures(folder) == ['day%2F1.png', 'day%2F3.png']
    assert pictures(tmp_path / 'work') == []


def test_visualization_hook_can_be_disabled(make_runner, tmp_path):
    runner = make_runner(hooks(enable=False), visualizer={'type': 'Visualizer'})
    runner.test()
    assert pictures(tmp_path) == []


def test_visualization_hook_draws_nothing_in_training(make_runner, tmp_path):
    make_runner(hooks()).train()
    assert pictures(tmp_path) == []


def test_visualization_hook_passes_the_windows_arguments(make_runner, monkeypatch):
    shown = []
    monkeypatch.setattr(
        SegVisualizer, 'show', lambda self, image, **kwargs: shown.append(kwargs)
    )
    make_runner(hooks(show=True, wait_time=2)).test()
    assert shown[0] == {'win_name': 'day/1', 'wait_time': 2}
    assert len(shown) == 3


def test_visualization_hook_asks_for_our_visualizer(make_runner):
    runner = make_runner(hooks(), visualizer={'type': 'Visualizer'})
    with raises_naming(UserError, ' Visualizer,', "type='SegVisualizer'"):
        runner.test()
