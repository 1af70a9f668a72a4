import math
import sys
from functools import partial

import pytest
import torch
from mmengine.config import Config
from torch.nn import functional as F

from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.segmentors import (
    CAUSAL,
    HEAD,
    PLAIN_HEAD,
    build_segmentor,
    check_chunks_are_ignored,
    check_padding_is_invisible,
    check_padding_teaches_nothing,
    labelled_samples,
    random_videos,
)
from tests.small_data import ROOT
from tests.test_models.slow import convolved, linear

# Which imports the module.
Config.fromfile(ROOT / 'projects/c2f_tcn/uwiom_pose2d.py')
Level = sys.modules['c2f_tcn'].Level
C2F_TCN = {
    'type': 'C2FTCN', 'in_channels': 6, 'channels': 5,
    'encoder_channels': (7, 6, 5, 4, 4, 4, 3),
}  # fmt: skip
ALONE, FUSED = {'pose': C2F_TCN}, {'pose': C2F_TCN, 'rgb': CAUSAL}
build = partial(build_segmentor, head={**HEAD, 'type': 'LevelHead'})


def slow_pair(pair, x):
    """Return two convolutions, norms and ReLUs of a list of frames, as a list."""
    for conv, norm in zip(pair.convs, pair.norms, strict=True):
        factor = norm.weight / (norm.running_var + norm.eps) ** 0.5
        x = [
            ((frame - norm.running_mean) * factor + norm.bias).clamp(min=0)
            for frame in convolved(conv, x)
        ]
    return x


def slow_pool(x, window):
    """Return the maxima of windows of frames, the last of which may be short."""
    return [
        torch.stack(x[t : t + window]).amax(dim=0) for t in range(0, len(x), window)
    ]


def slow_stretch(x, frames):
    """Return the frames of x, interpolated to others from its first to its last."""
    result = []
    for t in range(frames):
        place = t * (len(x) - 1) / (frames - 1) if frames > 1 else 0.0
        before = min(int(place), len(x) - 1)
        after = min(before + 1, len(x) - 1)
        result.append(x[before] + (place - before) * (x[after] - x[before]))
    return result


def slow_scores(model, video):
    """Return the probabilities (K, T) of a video (C, T), frame by frame."""
    branch = model.branches['pose']
    stage = branch['backbone'].stages[0]
    x, levels = list(video.T), []
    for pair in stage.encoder:
        x = slow_pair(pair, slow_pool(x, 2) if levels else x)
        levels.append(x)
    levels.pop()
    maxima = []
    for window in (2, 3, 5, 6):
        conv = stage.conv_pool
        pooled = [linear(conv, frame) for frame in slow_pool(x, window)]
        maxima.append(slow_stretch(pooled, len(x)))
    x = [torch.cat(parts) for parts in zip(x, *maxima, strict=True)]
    decoded = []
    for pair in stage.decoder:
        skip = levels.pop()
        x = slow_stretch(x, len(skip))
        x = slow_pair(pair, [torch.cat(both) for both in zip(skip, x, strict=True)])
        decoded.append(x)
    scores = []
    classifiers = branch['head'].classifiers[0].levels
    for conv, level in zip(classifiers, decoded[:1:-1], strict=True):
        # Classes of a level, then as many frames as the video has.
        logits = [linear(conv, frame) for frame in level]
        logits = slow_stretch(logits, video.shape[1])
        scores.append(torch.stack([f.softmax(dim=0) for f in logits], dim=1))
    return sum(scores) / 4


@pytest.mark.parametrize('frames', [1, 2, 3, 15, 63, 64, 65, 130])
def test_c2f_tcn_agrees_with_loops_over_frames(frames):
    """Of every length, whether or not levels halve evenly."""
    model = build(ALONE).eval()
    x = random_videos(ALONE, frames)
    with torch.no_grad():
        expected = slow_scores(model, x['pose'][0])
        score = model(x)[0, 0].softmax(dim=0)
    torch.testing.assert_close(score, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('frames', [64, 192])
def test_stretching_is_torch_interpolate(frames):
    """Where lengths double, the way back up is that of the released code."""
    torch.manual_seed(0)
    # In double precision, since PyTorch rounds where a frame lies.
    x = torch.randn(2, 3, frames // 2, dtype=torch.double)
    finer = Level(torch.empty(2, 3, frames), None)
    expected = F.interpolate(x, size=frames, mode='linear', align_corners=True)
    torch.testing.assert_close(Level(x, None).stretched(x, finer), expected)


def test_number_of_parameters_by_hand():
    """Of the default widths, with 60 features of a frame and 17 classes."""

    def pair(width, channels):
        return 5 * width * channels + 5 * channels**2 + 2 * 3 * channels

    encoder = pair(60, 256) + 2 * pair(256, 256) + pair(256, 128) + 3 * pair(128, 128)
    decoder = pair(128 + 132, 128) + 2 * pair(128 + 128, 128) + 3 * pair(384, 128)
    model = build({'pose': {'type': 'C2FTCN', 'in_channels': 60}}, num_classes=17)
    number = sum(p.numel() for p in model.parameters())
    assert number == encoder + (128 + 1) + decoder + 4 * (128 * 17 + 17)


@pytest.mark.parametrize('frames', [2, 3, 64])
def test_c2f_tcn_trains_on_short_videos(frames):
    """Its coarsest level then has one frame, which gets the running statistics."""
    model = build(ALONE).train()
    coarsest = model.branches['pose']['backbone'].stages[0].encoder[-1].norms[0]
    before = coarsest.running_mean.clone()
    x = random_videos(ALONE, frames)
    loss, _ = model.parse_losses(model(x, labelled_samples((frames,)), mode='loss'))
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert torch.equal(coarsest.running_mean, before)


def test_loss_is_of_the_mean_of_probabilities():
    """One frame, one level sure of the right class and three of the wrong one."""
    head = {**PLAIN_HEAD, 'type': 'LevelHead'}
    head = MODELS.build({**head, 'in_channels': 4, 'num_classes': 2, 'num_stages': 1})
    for level in head.classifiers[0].levels:
        level.weight.data = torch.tensor([0.0, 1.0]).view(2, 1, 1)
        level.bias.data.zero_()
    logits = head(torch.tensor([50.0, -50, -50, -50]).view(1, 4, 1), 0)
    torch.testing.assert_close(
        logits.softmax(dim=1)[0, :, 0], torch.tensor([0.75, 0.25])
    )
    loss = head.loss(logits[None], torch.tensor([[1]]))['loss_cls']
    assert loss.item() == pytest.approx(math.log(4))


def test_encoder_needs_more_levels_than_are_output():
    with raises_naming(UserError, 'encoder_channels', ' 4 levels', 'one more'):
        build({'pose': {**C2F_TCN, 'encoder_channels': (7, 6, 5, 4)}})


@pytest.mark.parametrize('branches', [ALONE, FUSED], ids=['alone', 'fused'])
def test_padding_and_chunks_change_nothing(branches):
    """The coarsest level has a frame for each 64."""
    for lengths in ((65, 64, 63, 15), (15, 3, 2, 1)):
        x = random_videos(branches, lengths[0], number=len(lengths))
        check_padding_is_invisible(build(branches), x, lengths)
    x = random_videos(branches, 150, number=2)
    make = partial(build, branches)
    check_padding_teaches_nothing(make, x, (150, 101), padding=77)
    check_chunks_are_ignored(make, random_videos(branches, 90))


def test_each_tier_has_probabilities_of_its_own():
    model = build(ALONE, tiers=[2, 3], members=2).eval()
    logits = model(random_videos(ALONE, 40), mode='tensor')[-1, 0]
    for rows in (slice(2), slice(2, 5)):
        torch.testing.assert_close(logits[rows].exp().sum(0), torch.ones(40))
