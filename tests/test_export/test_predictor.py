"""A trained model computes on the device that is named, and nowhere else."""

import numpy as np
import pytest

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.apis import inferencer as inferencer_module
from mmskelseg.export.export import export_onnx
from tests.devices import FromMeta


@pytest.fixture
def trained(small_config, checkpoint):
    """The config of a model with an image network, and a checkpoint."""
    dataset = small_config.test_dataloader.dataset
    dataset.features.heatmap.encoder = {
        'type': 'FrameEncoder', 'arch': 'torchvision.squeezenet1_1', 'weights': 'none'
    }  # fmt: skip
    small_config.model.branches.heatmap.in_channels = 512
    return small_config, checkpoint(small_config)


def test_inferencer_stays_on_its_device(trained, small_data, elsewhere, monkeypatch):
    """On the CPU although there is a GPU; on one GPU although there is another."""
    monkeypatch.setattr(inferencer_module, 'check_device', lambda device: None)
    scores = []
    for device in ('cpu', 'meta'):
        segment = SkelSegInferencer(*trained, device, show_progress=False)
        with FromMeta():
            (prediction,) = segment(small_data, split='test')['predictions']
        assert {str(p.device) for p in segment.model.parameters()} == {device}
        scores.append(prediction['pred_score'])
    assert scores[0].any()
    np.testing.assert_array_equal(scores[1], 0 * scores[0])


def test_models_are_compared_with_their_export_on_the_cpu(trained, elsewhere, tmp_path):
    """A GPU's rounding is not the fault of the file."""
    assert export_onnx(*trained, tmp_path / 'model.onnx').error < 1e-5
