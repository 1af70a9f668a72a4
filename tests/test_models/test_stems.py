import copy

import pytest
import torch

from mmskelseg.models.layers.padding import VideoNorm, frame_mask
from mmskelseg.registry import MODELS
from tests.errors import raises_naming
from tests.segmentors import TCN, build_segmentor, labelled_samples


def encoder(**options):
    torch.manual_seed(0)
    sizes = {'in_channels': 2, 'arch': (4, 8), 'out_channels': 6}
    return MODELS.build({'type': 'HeatmapEncoder', **sizes, **options})


def pictures(*lengths, size=28):
    """Return a padded batch of pictures (N, 2, T, H, W) and its mask."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(len(lengths), 2, max(lengths), size, size, generator=generator)
    for video, length in zip(x, lengths, strict=True):
        # What stands in the padding must not matter.
        video[:, length:] = 9
    return x, frame_mask(lengths, max(lengths), x)


def gradients(model, x, mask):
    features = model(x, mask)
    (features.square() * torch.arange(6.0)[:, None]).sum().backward()
    return features, [p.grad for p in model.parameters()]


@pytest.mark.parametrize('lengths', [(20,), (20, 13, 1)])
@pytest.mark.parametrize('chunk_frames', [1, 3, 20])
@pytest.mark.parametrize('kept_frames', [0, 10**6])
def test_gradients_of_chunks_are_those_of_the_whole(lengths, chunk_frames, kept_frames):
    """The whole is computed at once, and nothing of it again."""
    whole = encoder(chunk_frames=10**6).double()
    parts = copy.deepcopy(whole)
    parts.chunk_frames = chunk_frames
    parts.kept_frames = kept_frames
    whole._encode = lambda images, keep: whole.layers(images)
    batch = [t if t is None else t.double() for t in pictures(*lengths)]
    features, expected = gradients(whole, *batch)
    others, found = gradients(parts, *batch)
    torch.testing.assert_close(others, features)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(('kept_frames', 'bounded'), [(63, True), (64, False)])
def test_memory_of_long_batches_is_that_of_a_chunk(kept_frames, bounded):
    """Between the passes, activations inside of chunks are not kept."""
    kept = []

    def pack(tensor):
        kept.append(tensor.numel())
        return tensor

    model = encoder(chunk_frames=4, kept_frames=kept_frames)
    x, mask = pictures(64)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        model(x, mask)
    # Of a frame, the first layer alone gives 7 * 7 * 4 values, twice.
    assert (sum(kept) < x.numel() + 64 * 7 * 7 * 4) == bounded


@pytest.mark.parametrize('training', [True, False])
def test_padding_is_invisible(training):
    """And the other videos of a batch make no difference."""
    model = encoder().train(training)
    x, mask = pictures(9, 5)
    features = model(x, mask)
    assert not features[1, :, 5:].any()
    together = model.norm_out(features, mask)
    assert not together[1, :, 5:].any()
    for i, length in enumerate((9, 5)):
        alone = model.norm_out(model(x[i : i + 1, :, :length]))
        torch.testing.assert_close(together[i : i + 1, :, :length], alone)


def test_norm_of_a_video_in_training_is_that_of_its_frames():
    norm = VideoNorm(1, momentum=0.5, eps=0)
    x = torch.tensor([[[1.0, 3.0, 9.0]], [[5.0, 5.0, 11.0]]])
    mask = torch.tensor([[[1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]]])
    found = norm(x, mask)
    expected = [[[-1.0, 1.0, 0.0]], [[-(0.5**0.5), -(0.5**0.5), 2**0.5]]]
    torch.testing.assert_close(found, torch.tensor(expected))
    # Half of 0 and 1, and half of the means of 2 and 7, and of 1 and 8.
    assert norm.running_mean.tolist() == [2.25]
    assert norm.running_var.tolist() == [2.75]


def test_norm_of_a_video_in_evaluation_is_that_of_it_and_frames_before():
    """As if it came with further frames of the running mean and variance."""
    norm = VideoNorm(1, prior_frames=6, eps=0).eval()
    norm.running_mean.fill_(4.0)
    norm.running_var.fill_(9.0)
    x = torch.tensor([[[1.0, 3.0]]])
    together = torch.tensor([1.0, 3.0, *[1.0, 7.0] * 3])
    expected = (x - together.mean()) / together.std(correction=0)
    torch.testing.assert_close(norm(x), expected)
    norm.prior_frames = 0
    torch.testing.assert_close(norm(x), torch.tensor([[[-1.0, 1.0]]]))


def test_norm_is_trained_and_leaves_a_single_frame_finite():
    norm = VideoNorm(2)
    norm(torch.randn(1, 2, 1)).sum().backward()
    assert norm.bias.grad.tolist() == [1.0, 1.0]
    assert all(torch.isfinite(x).all() for x in norm.buffers())


@pytest.mark.parametrize(
    ('arch', 'parameters'),
    [
        # Convolutions, scale and shift of their norms, the linear layer, its norm.
        ('small', 25 * 5 * 32 + 9 * (32 * 64 + 64 * 128) + 448 + 65664 + 256),
        ('medium', 25 * 5 * 64 + 9 * (64 * 128 + 128 * 256) + 896 + 131200 + 256),
    ],
)
def test_number_of_parameters(arch, parameters):
    model = encoder(in_channels=5, arch=arch, out_channels=128)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_features_of_another_shape_are_refused():
    with raises_naming(ValueError, 'HeatmapEncoder', '(1, 2, 9)', 'online=True'):
        encoder()(torch.zeros(1, 2, 9))
    with raises_naming(ValueError, 'HeatmapEncoder', 'in_channels=2', ' 3 '):
        encoder()(torch.zeros(1, 3, 9, 28, 28))


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'arch': []}, 'arch=[]'),
        ({'arch': [30]}, 'arch=[30] | 4'),
    ],
)
def test_sizes_that_leave_nothing_are_refused(options, named):
    with raises_naming(ValueError, 'HeatmapEncoder', named):
        encoder(**options)


STEM = {'type': 'HeatmapEncoder', 'arch': (4, 8), 'out_channels': 6}


def segmentor(stem=STEM, members=1):
    branch = {**TCN, 'in_channels': 2, 'stem': stem}
    return build_segmentor({'heatmap': branch}, members=members)


def test_a_branch_trains_its_stem():
    model = segmentor()
    x, _ = pictures(9, 5)
    losses = model({'heatmap': x}, labelled_samples((9, 5)), mode='loss')
    sum(losses.values()).backward()
    stem = model.branches['heatmap']['stem']
    assert all(p.grad.abs().sum() > 0 for p in stem.parameters())


def test_all_members_read_and_train_the_same_stem():
    """The gradient of the stem is the sum of those that each member gives alone."""
    model = segmentor(members=2)
    assert not any('stem' in name for name in model.others.state_dict())
    stem, (other,) = model.branches['heatmap']['stem'], model.others
    (x, mask), samples = pictures(9, 5), labelled_samples((9, 5))

    def of_stem(losses):
        model.zero_grad()
        sum(losses.values()).backward()
        return [p.grad.clone() for p in stem.parameters()]

    model.eval()
    together = of_stem(model({'heatmap': x}, samples, mode='loss'))
    read = stem.norm_out(stem(x, mask), mask)
    alone = of_stem(other.losses({'heatmap': read}, mask, (9, 5), samples, [x]))
    del model.others[0]
    first = of_stem(model({'heatmap': x}, samples, mode='loss'))
    for whole, *parts in zip(together, first, alone, strict=True):
        torch.testing.assert_close(whole, sum(parts))


def test_prediction_of_a_long_video_in_chunks_is_that_of_the_whole():
    model = segmentor().eval()
    x, _ = pictures(40)
    (whole,) = model({'heatmap': x.half()}, labelled_samples((40,)), mode='predict')
    model.chunk_frames = 7
    (parts,) = model({'heatmap': x.half()}, labelled_samples((40,)), mode='predict')
    torch.testing.assert_close(parts.pred_score, whole.pred_score)


def test_pictures_need_a_stem():
    model = segmentor()
    del model.branches['heatmap']['stem']
    with raises_naming(ValueError, '(28, 28)', 'model.branches.heatmap '):
        model({'heatmap': pictures(9)[0]})


def test_channels_are_those_of_the_pictures():
    with raises_naming(ValueError, ' 3 ', ' 2;', 'model.branches.heatmap.in_channels'):
        segmentor()({'heatmap': torch.zeros(1, 3, 9, 28, 28)})


def test_stem_with_other_channels_than_its_branch_is_refused():
    stem = {'type': 'HeatmapEncoder', 'in_channels': 3}
    with raises_naming(ValueError, "'heatmap'", 'in_channels=2', ' 3;'):
        segmentor(stem)
