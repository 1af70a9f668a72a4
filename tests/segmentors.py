"""Small segmentors of random weights, and properties that all segmentors must have."""

import torch
from mmaction.structures import ActionDataSample
from torch import nn
from torch.nn import functional as F

from mmskelseg.registry import MODELS

HEAD = {
    'type': 'SegmentationHead',
    'loss_cls': {'type': 'FrameCrossEntropyLoss'},
    'loss_smooth': {'type': 'TruncatedMSELoss', 'loss_weight': 0.15},
}


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
    return [
        ActionDataSample(
            metainfo={'frame_dir': str(i), 'total_frames': length}
        ).set_gt_label(torch.arange(length) % num_classes)
        for i, length in enumerate(lengths)
    ]


def random_videos(branches, frames, number=1):
    """Return features of each branch, those of a graph for the joints of lcr15."""
    torch.manual_seed(1)
    return {
        name: torch.randn(
            number,
            branch['in_channels'],
            frames,
            *((15,) if 'skeleton' in branch else ()),
        )
        for name, branch in branches.items()
    }


def check_padding_is_invisible(model, videos, lengths):
    """Assert that a video gets in a padded batch what it gets alone.

    The padding holds the frames of ``videos`` beyond ``lengths``.
    """
    model.eval()
    with torch.no_grad():
        together = model(videos, labelled_samples(lengths))
        for i, length in enumerate(lengths):
            alone = {name: x[i : i + 1, :, :length] for name, x in videos.items()}
            torch.testing.assert_close(
                together[:, i, :, :length], model(alone)[:, 0], atol=1e-5, rtol=1e-5
            )
            assert not together[:, i, :, length:].any()


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
