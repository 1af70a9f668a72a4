import matplotlib.image
import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.registry import VISUALIZERS
from mmskelseg_runtime.drawing.palette import PALETTE, REST
from mmskelseg_runtime.drawing.timelines import SCREEN, draw_timelines
from tests.errors import raises_naming

CLASSES = ['walk', 'stand', 'rest']


def sample(gt=None, pred=None, **metainfo):
    result = ActionDataSample(metainfo=metainfo)
    if gt is not None:
        result.gt_label = torch.tensor(gt)
    if pred is not None:
        result.pred_label = torch.tensor(pred)
    return result


@pytest.fixture
def visualizer(tmp_path, request):
    result = VISUALIZERS.build(
        {
            'type': 'SegVisualizer',
            'name': request.node.name,
            'save_dir': str(tmp_path),
            'vis_backends': [
                {'type': 'LocalVisBackend'},
                {'type': 'TensorboardVisBackend'},
            ],
        }
    )
    result.dataset_meta = {'classes': CLASSES, 'background': None}
    yield result
    result.close()


def read(path):
    return np.round(255 * matplotlib.image.imread(path)[..., :3]).astype(np.uint8)


ROWS = {'gt_label': 'Ground truth', 'pred_label': 'Prediction'}


@pytest.mark.parametrize(
    ('item', 'background', 'scores'),
    [
        (sample([0, 0, 1, 1], [0, 1, 1, 1], fps=2), None, 'Acc 75.0   Edit 100.0'),
        # Two wrong segments of background cost accuracy alone.
        (sample([0, 0, 0, 1], [2, 0, 2, 1]), 'rest', 'Acc 50.0   Edit 100.0'),
        (sample([-1, -1], [0, 1]), None, ''),
        (sample(pred=[0, 1]), None, ''),
        (sample(gt=[0, 1]), None, ''),
    ],
)
def test_visualizer_draws_what_there_is(visualizer, tmp_path, item, background, scores):
    """The file has the picture that is returned, with scores worked out by hand."""
    visualizer.dataset_meta = {'classes': CLASSES, 'background': background}
    path = tmp_path / 'pictures' / 'a.png'
    image = visualizer.add_datasample('a', item, out_file=path)
    rows = {ROWS[key]: item.get(key).numpy() for key in ROWS if key in item}
    expected = draw_timelines(
        rows,
        CLASSES,
        truth='Ground truth' if 'gt_label' in item else None,
        title=f'a   {scores}   F1@10 100.0' if scores else 'a',
        fps=item.get('fps'),
        style=SCREEN._replace(
            colors=[*PALETTE[:2], REST if background else PALETTE[2]]
        ),
    )
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(read(path), image)


def test_visualizer_passes_pictures_and_scalars_to_its_backends(visualizer, tmp_path):
    image = visualizer.add_datasample('day/a', sample(pred=[0, 1]), step=3)
    visualizer.add_scalar('loss', 0.5, step=1)
    folder = tmp_path / 'vis_data'
    np.testing.assert_array_equal(read(folder / 'vis_image' / 'day%2Fa_3.png'), image)
    assert '"loss": 0.5' in (folder / 'scalars.json').read_text()
    assert list(folder.glob('events.out.tfevents*'))


@pytest.mark.parametrize(
    ('item', 'named'),
    [
        (sample(), 'gt_label | pred_label'),
        (sample([0, 1], [0]), 'pred | 1 frames | gt | 2;'),
        (sample(pred=[0, 3]), 'Prediction | label 3 | 0 to 2'),
    ],
)
def test_visualizer_errors_name_the_video(visualizer, item, named):
    with raises_naming(ValueError, 'v: ', named):
        visualizer.add_datasample('v', item)
