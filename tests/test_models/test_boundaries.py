import math

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch.nn import functional as F

from mmskelseg.models import BoundaryHead
from mmskelseg.models.heads import label_boundaries
from mmskelseg.registry import MODELS

SMALL = {'channels': 8, 'num_prediction_layers': 4, 'num_refinement_layers': 3}
BOUNDARY = {'type': 'BoundaryHead', 'channels': 8, 'num_layers': 3, 'dropout': 0.0}


def build(modalities=('heatmap',), **options):
    torch.manual_seed(0)
    branch = {'type': 'MSTCNPlusPlus', 'in_channels': 6, 'dropout': 0.0, **SMALL}
    fusion = {'neck': {'type': 'ConcatFusion', 'out_channels': 8}}
    return MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 3,
            'branches': dict.fromkeys(modalities, branch),
            'head': {
                'type': 'SegmentationHead',
                'loss_cls': {'type': 'FrameCrossEntropyLoss'},
            },
            'fusion': fusion if len(modalities) > 1 else None,
            'boundary_head': BOUNDARY,
            **options,
        }
    )


def videos(*lengths):
    """Return samples with segments of five frames each."""
    result = []
    for n in lengths:
        sample = ActionDataSample(metainfo={'frame_dir': str(n), 'total_frames': n})
        result.append(sample.set_gt_label(torch.arange(n) // 5 % 3))
    return result


MODELS_TO_TRY = [
    (('heatmap',), {}),
    (('heatmap', 'rgb'), {}),
    (('heatmap',), {'members': 2}),
]
every_model = pytest.mark.parametrize(('modalities', 'options'), MODELS_TO_TRY)


def test_boundaries_are_the_first_frames_of_segments():
    """Not the first frame of a video, nor frames next to one without a label."""
    labels = torch.tensor([[0, 0, 1, 1, -1, 2, 0, -1], [2, 1, 1, 1, 1, 1, -1, -1]])
    assert label_boundaries(labels).int().tolist() == [
        [0, 0, 1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0, 0, 0],
    ]


LABELS = torch.tensor([[0, 1, 1, -1]])
# Of a boundary, 1/4, 1/2 and 3/4; the last frame does not count.
LOGITS = torch.tensor([-math.log(3), 0, math.log(3), 9.0])[None, None, None]


@pytest.mark.parametrize(
    ('weight', 'expected'),
    [
        # The errors are log 4/3, log 2 for the boundary, and log 4.
        (1.0, (math.log(4 / 3) + math.log(2) + math.log(4)) / 3),
        (5.0, (math.log(4 / 3) + 5 * math.log(2) + math.log(4)) / 3),
        (3.0, (math.log(4 / 3) + 3 * math.log(2) + math.log(4)) / 3),
        # Three frames to a boundary.
        (None, (math.log(4 / 3) + 3 * math.log(2) + math.log(4)) / 3),
    ],
)
def test_boundary_loss_by_hand(weight, expected):
    """A mean over labelled frames, in which boundaries count more."""
    head = BoundaryHead(4, positive_weight=weight, loss_weight=0.5)
    loss = head.loss(LOGITS, LABELS)['loss_boundary']
    assert loss.item() == pytest.approx(0.5 * expected)
    twice = head.loss(torch.cat([LOGITS, LOGITS]), LABELS)['loss_boundary']
    assert twice.item() == pytest.approx(expected)


@pytest.mark.parametrize('weight', [None, 5.0])
def test_boundary_loss_of_a_video_without_any_is_finite(weight):
    """One segment from end to end, or no label."""
    head = BoundaryHead(4, positive_weight=weight, loss_weight=1.0)
    one = head.loss(LOGITS, torch.tensor([[1, 1, 1, -1]]))['loss_boundary']
    assert one.item() == pytest.approx(math.log(4 / 3 * 2 * 4) / 3)
    assert head.loss(LOGITS, torch.full((1, 4), -1))['loss_boundary'] == 0


@pytest.mark.parametrize('unlabelled', [[], [1], [0, 1, 2]])
@pytest.mark.parametrize('weight', [None, 5.0])
def test_boundary_loss_of_ranks_has_the_gradient_of_one_process(
    on_ranks, weight, unlabelled
):
    """Videos of 9, 4 and 1 frames, a rank each; some without any label."""
    torch.manual_seed(0)
    head = BoundaryHead(4, positive_weight=weight)
    logits = torch.randn(2, 3, 1, 9, dtype=torch.float64, requires_grad=True)
    labels = torch.full((3, 9), -1)
    for n, length in enumerate([9, 4, 1]):
        if n not in unlabelled:
            labels[n, :length] = torch.arange(length) // 2

    def gradient(rows):
        loss = head.loss(logits[:, rows], labels[rows])['loss_boundary']
        return torch.autograd.grad(loss, logits)[0]

    expected = gradient(slice(None))
    of_ranks = on_ranks(lambda rank: gradient(slice(rank, rank + 1)), 3)
    torch.testing.assert_close(sum(of_ranks) / 3, expected)
    assert bool(expected.any()) is (len(unlabelled) < 3)


def test_boundary_head_refines_probabilities():
    """The first stage reads features of the branch, the others probabilities."""
    model = build().eval()
    x = torch.randn(1, 6, 20)
    (sample,) = model({'heatmap': x}, videos(20), mode='predict')
    head, stage = model.boundary_head, model.branches['heatmap']['backbone'].stages[0]
    logits = head(stage(x), 0)
    for i, refine in enumerate(head.stages, 1):
        logits = head(refine(logits.sigmoid()), i)
    assert len(head.stages) == 3
    torch.testing.assert_close(sample.pred_boundary, logits[0, 0].sigmoid())


def test_boundary_head_reads_all_branches():
    """Their features are put side by side."""
    model = build(('heatmap', 'rgb'))
    assert model.boundary_head.classifiers[0].in_channels == 16
    x = {name: torch.randn(1, 6, 20) for name in ('heatmap', 'rgb')}
    model(x, videos(20), mode='loss')['loss_boundary'].backward()
    for branch in model.branches.values():
        assert branch['backbone'].stages[0].conv_in.weight.grad.any()


@every_model
def test_boundary_head_leaves_the_classes_as_they_are(modalities, options):
    """Loss and prediction of a model with the same weights but without the head."""
    model = build(modalities, **options).eval()
    plain = build(modalities, **options, boundary_head=None).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    x = {name: torch.randn(1, 6, 20) for name in modalities}
    losses = model(x, videos(20), mode='loss')
    losses.pop('loss_boundary')
    torch.testing.assert_close(losses, dict(plain(x, videos(20), mode='loss')))
    torch.testing.assert_close(model(x), plain(x))
    (sample,) = model(x, videos(20), mode='predict')
    (expected,) = plain(x, videos(20), mode='predict')
    torch.testing.assert_close(sample.pred_score, expected.pred_score)
    assert 'pred_boundary' not in expected


@every_model
def test_padding_is_invisible_to_boundaries(modalities, options):
    """In predictions, loss and gradient."""
    model = build(modalities, **options)
    x = {name: torch.randn(2, 6, 40) for name in modalities}
    results = []
    for padding in (0, 30):
        padded = {name: F.pad(v, (0, padding), value=5) for name, v in x.items()}
        model.eval()
        predicted = model(padded, videos(40, 25), mode='predict')
        model.train().zero_grad()
        loss = model(padded, videos(40, 25), mode='loss')['loss_boundary']
        loss.backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        results.append([p.pred_boundary for p in predicted] + [loss] + gradients)
    torch.testing.assert_close(*results)
    model.eval()
    alone = {name: v[1:, :, :25] for name, v in x.items()}
    (sample,) = model(alone, videos(25), mode='predict')
    torch.testing.assert_close(sample.pred_boundary, results[0][1])


@pytest.mark.parametrize('chunk_frames', [1, 7, 64, 100])
@every_model
def test_chunks_give_the_boundaries_of_the_whole_video(
    modalities, options, chunk_frames
):
    """Refinement reads no more than a chunk and its context either."""
    model = build(modalities, **options).eval()
    x = {name: torch.randn(2, 6, 101) for name in modalities}
    whole = model(x, videos(101, 60), mode='predict')
    for part in model.networks:
        part.chunk_frames = chunk_frames
    read = []
    model.boundary_head.stages[0].register_forward_hook(
        lambda module, given, output: read.append(output.shape[2])
    )
    chunks = model(x, videos(101, 60), mode='predict')
    for sample, expected in zip(chunks, whole, strict=True):
        torch.testing.assert_close(sample.pred_boundary, expected.pred_boundary)
    context = model.boundary_head.stages[0].context
    assert context == 1 + 2 + 4
    assert max(read) <= chunk_frames + 2 * context
    assert len(read) == -(-101 // chunk_frames)


def test_members_average_their_boundaries():
    """Probabilities, not logits."""
    model = build(members=2).eval()
    x = {'heatmap': torch.randn(1, 6, 20)}
    (sample,) = model(x, videos(20), mode='predict')
    alone = []
    for weights in model.networks:
        member = build().eval()
        state = weights.state_dict()
        member.load_state_dict({k: state[k] for k in member.state_dict()})
        alone.append(member(x, videos(20), mode='predict')[0].pred_boundary)
    assert not torch.allclose(*alone, atol=1e-3)
    torch.testing.assert_close(sample.pred_boundary, sum(alone) / 2)


def test_boundary_loss_can_be_weighed():
    """By its name, as the others."""
    weighting = {'type': 'UncertaintyWeighting', 'losses': ['loss_boundary']}
    model, plain = build(loss_weighting=weighting), build()
    model.loss_weighting.log_variances.data.fill_(math.log(4))
    x = {'heatmap': torch.randn(1, 6, 20)}
    loss = model(x, videos(20), mode='loss')['loss_boundary']
    expected = plain(x, videos(20), mode='loss')['loss_boundary'] / 4
    torch.testing.assert_close(loss, expected + math.log(4) / 2)


def test_boundaries_can_be_learned():
    """Where features change, a segment begins."""
    model = build()
    x = F.one_hot(torch.arange(40) // 5 % 3, 6).t()[None].float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        model({'heatmap': x}, videos(40), mode='loss')['loss_boundary'].backward()
        optimizer.step()
    (sample,) = model.eval()({'heatmap': x}, videos(40), mode='predict')
    found = (sample.pred_boundary > 0.5).nonzero()[:, 0]
    assert found.tolist() == [5, 10, 15, 20, 25, 30, 35]
