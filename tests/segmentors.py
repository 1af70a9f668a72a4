"""Small segmentors of random weights, and properties that all segmentors must have."""

import torch
from mmaction.structures import ActionDataSample
from torch import nn
from torch.nn import functional as F

from mmskelseg.registry import MODELS

# With the cross-entropy alone, and with all losses.
PLAIN_HEAD = {'type': 'SegmentationHead', 'loss_cls': {'type': 'FrameCrossEntropyLoss'}}
HEAD = {**PLAIN_HEAD, 'loss_smooth': {'type': 'TruncatedMSELoss', 'loss_weight': 0.15}}
# Small networks without a draw in training.
TCN = {
    'type': 'MSTCNPlusPlus', 'in_channels': 6, 'channels': 8, 'dropout': 0.0,
    'num_prediction_layers': 4, 'num_refinement_layers': 3,
}  # fmt: skip
CAUSAL = {
    'type': 'CausalTCN', 'in_channels': 4, 'channels': 12, 'num_layers': 3,
    'dropout': 0.0,
}  # fmt: skip
ASFORMER = {
    'type': 'ASFormer', 'in_channels': 6, 'channels': 8, 'num_layers': 4,
    'dropout': 0.0, 'channel_masking': 0.0,
}  # fmt: skip
MS_GCN = {
    'type': 'MSGCN', 'in_channels': 6, 'skeleton': 'lcr15', 'channels': 8,
    'num_layers': 4, 'num_refinement_layers': 3,
}  # fmt: skip
PYRAMID_GCN = {
    'type': 'PyramidGCN', 'in_channels': 3, 'skeleton': 'lcr15', 'channels': 8,
    'num_layers': 3,
}  # fmt: skip
GCN_TCN = {
    'type': 'GCNTCN', 'in_channels': 3, 'skeleton': 'lcr15', 'graph_channels': (8, 12),
    'stem_channels': 40, 'channels': 6, 'out_channels': 10, 'dropout': 0.0,
}  # fmt: skip
NECK = {'type': 'ConcatFusion', 'out_channels': 8}
BOUNDARY = {'type': 'BoundaryHead', 'channels': 8, 'num_layers': 3, 'dropout': 0.0}
RISK = {'type': 'RiskHead', 'reduced_channels': 6, 'channels': 7}
WEIGHTING = {'type': 'UncertaintyWeighting', 'losses': ['loss_cls', 'loss_risk']}


def build_segmentor(branches, **options):
    """Return a segmentor of five classes, whose weights depend on nothing else."""
    torch.manual_seed(0)
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 5,
            'branches': branches,
            'fusion': {'neck': {'type': 'ConcatFusion'}} if len(branches) > 1 else None,
            'head': HEAD,
            **options,
        }
    )
    # Else all running statistics are 0 and 1, and hide what enters them.
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def labelled_samples(lengths, num_classes=5):
    samples = []
    for i, n in enumerate(lengths):
        sample = ActionDataSample(metainfo={'frame_dir': str(i), 'total_frames': n})
        sample.set_field(torch.arange(n) / 9, 'gt_risk', dtype=torch.Tensor)
        samples.append(sample.set_gt_label(torch.arange(n) % num_classes))
    return samples


def random_videos(branches, frames, number=1):
    """Return features of each branch: of joints for a graph, and images for a stem."""
    torch.manual_seed(1)
    further = {'skeleton': (15,), 'stem': (20, 20)}
    return {
        name: torch.randn(
            number,
            branch['in_channels'],
            frames,
            *next((further[key] for key in further if key in branch), ()),
        )
        for name, branch in branches.items()
    }


def check_padding_is_invisible(model, videos, lengths):
    """Assert that a video gets in a padded batch what it gets alone.

    The padding holds the frames of ``videos`` beyond ``lengths``.
    """
    model.eval()
    samples = labelled_samples(lengths)
    with torch.no_grad():
        together = model(videos, samples)
        predicted = model(videos, labelled_samples(lengths), mode='predict')
        for i, length in enumerate(lengths):
            alone = {name: x[i : i + 1, :, :length] for name, x in videos.items()}
            torch.testing.assert_close(
                together[:, i, :, :length], model(alone)[:, 0], atol=1e-5, rtol=1e-5
            )
            assert not together[:, i, :, length:].any()
            (sample,) = model(alone, samples[i : i + 1], mode='predict')
            for key in ('pred_label', 'pred_score', 'pred_risk', 'pred_boundary'):
                found, expected = predicted[i].get(key), sample.get(key)
                torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def check_padding_teaches_nothing(build, videos, lengths, padding):
    """Assert that longer padding changes no loss, no gradient and no statistic.

    Return a model that has the gradients. It must have no dropout.
    """
    results = []
    for frames in (0, padding):
        model = build().train()
        padded = {
            name: F.pad(x, (0, 0) * (x.dim() - 3) + (0, frames), value=5)
            for name, x in videos.items()
        }
        losses = model(padded, labelled_samples(lengths), mode='loss')
        total, _ = model.parse_losses(losses)
        total.backward()
        results.append(
            [total.detach(), *(p.grad for p in model.parameters()), *model.buffers()]
        )
    torch.testing.assert_close(*results)
    return model


def check_chunks_are_ignored(build, videos):
    """Assert that a video is computed as a whole, whatever ``chunk_frames`` says."""
    frames = next(iter(videos.values())).shape[2]
    with torch.no_grad():
        score = build().eval()(videos)[-1, 0].softmax(dim=0)
    chunked = build(chunk_frames=16).eval()
    (sample,) = chunked(videos, labelled_samples((frames,)), mode='predict')
    torch.testing.assert_close(sample.pred_score, score, atol=1e-5, rtol=1e-5)
