"""Models of random weights, saved and opened as in all tests of what they predict."""

import numpy as np
import torch
from torch import nn

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.models import SegmentationHead
from mmskelseg.models.layers.standardizer import FeatureStandardizer
from mmskelseg.registry import MODELS


def inferencer_of(config, checkpoint, **options):
    """Return the inferencer of a model, on the CPU and without progress bars."""
    return SkelSegInferencer(config, checkpoint, 'cpu', show_progress=False, **options)


def prediction_of(config, checkpoint, video):
    """Return what a model predicts of one video."""
    (prediction,) = inferencer_of(config, checkpoint)(video)['predictions']
    return prediction


def save_random(config, path, meta, seed=0, video=None):
    """Write a checkpoint of random weights that tell frames apart; return its path.

    With a video, no class is likelier than another in that.
    """
    torch.manual_seed(seed)
    model = MODELS.build(config.model)
    for key, parameter in model.named_parameters():
        # Of norms, weights are 1.
        if key.endswith('weight') and parameter.dim() > 1:
            std = 0.6 * parameter[0].numel() ** -0.5
            nn.init.normal_(parameter, std=5 * std if 'classifiers' in key else std)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
        if isinstance(part, FeatureStandardizer):
            part.fit([0.4 * torch.randn(len(part.mean), 50)])
    meta = {'dataset_meta': meta, 'cfg': config.pretty_text}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)
    if video is None:
        return path
    score = prediction_of(config, path, video)['pred_score']
    mean = np.log(score.clip(1e-6)).mean(axis=1)
    for part in model.modules():
        if isinstance(part, SegmentationHead):
            for layer in part.classifiers[-1].modules():
                if isinstance(layer, nn.Conv1d):
                    layer.bias.data -= torch.from_numpy(mean)
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)
    return path
