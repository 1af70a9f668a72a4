import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import nn

from mmskelseg.models.layers.padding import masked
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.observers import votes
from mmskelseg_io.structures.tiers import tiers_of
from tests.errors import raises_naming
from tests.segmentors import HEAD, NECK, TCN, build_segmentor, labelled_samples


def build(modalities=('heatmap',), fusion=None, model=None, **branch):
    if len(modalities) > 1:
        fusion = {'neck': NECK, **(fusion or {})}
    branches = {name: {**TCN, **branch} for name in modalities}
    return build_segmentor(**{'branches': branches, 'fusion': fusion, **(model or {})})


def test_loss_of_a_batch_weighs_frames_alike():
    model = build().train()
    x = torch.randn(2, 6, 30)
    both = labelled_samples((30, 10))
    loss = model({'heatmap': x}, both, mode='loss')['loss_cls']
    first = model({'heatmap': x[:1]}, both[:1], mode='loss')['loss_cls']
    second = model({'heatmap': x[1:, :, :10]}, both[1:], mode='loss')['loss_cls']
    torch.testing.assert_close(loss, (30 * first + 10 * second) / 40)


def test_unlabelled_frames_enter_no_loss():
    model = build(num_refinements=0).train()
    sample = labelled_samples((30,))
    sample[0].gt_label[10:15] = -1
    logits = []
    head = model.branches['heatmap']['head']
    head.register_forward_hook(lambda *args: logits.append(args[2]))
    loss, _ = model.parse_losses(
        model({'heatmap': torch.randn(1, 6, 30)}, sample, mode='loss')
    )
    gradient = torch.autograd.grad(loss, logits[0])[0]
    assert not gradient[..., 10:15].any()
    assert gradient[..., :10].any()


@pytest.mark.parametrize('sizes', [[5], [2, 3]])
def test_observers_who_agree_teach_what_their_label_does(sizes):
    """To the digit, with frames that nobody has labelled, and in every tier."""
    model = build(model={'tiers': sizes}).train()
    tiers = tiers_of({'tiers': {str(n): list(map(str, range(n))) for n in sizes}})
    x = {'heatmap': torch.randn(2, 6, 30)}
    samples = labelled_samples((30, 10))
    for sample in samples:
        label = torch.stack([sample.gt_label % n for n in sizes])
        label[:, 3:5] = -1
        sample.set_gt_label(label if len(sizes) > 1 else label[0])
    expected = model(x, samples, mode='loss')
    for sample in samples:
        agreed = torch.from_numpy(votes([sample.gt_label.numpy()] * 3, tiers))
        sample.set_field(agreed, 'gt_votes', dtype=torch.Tensor)
    found = model(x, samples, mode='loss')
    assert found.keys() == expected.keys()
    assert all(torch.equal(loss, expected[key]) for key, loss in found.items())


@pytest.mark.parametrize(
    ('modalities', 'options', 'count'),
    [
        (('heatmap',), {}, 996_932),
        (('heatmap',), {'share_refinement': True}, 662_178),
        (('heatmap',), {'num_classes': 21}, 998_740),
        (('heatmap',), {'in_channels': 512}, 898_628),
        (('heatmap', 'rgb'), {}, 2_031_308),
        (('heatmap', 'rgb'), {'fusion': {'branch_heads': False}}, 2_022_468),
    ],
)
def test_model_has_the_parameters_of_the_literature(modalities, options, count):
    """About 1M for one modality, about 2M for two (Sec. IV-G)."""
    fusion = {'neck': {'type': 'ConcatFusion'}, **options.get('fusion', {})}
    backbone = {'type': 'MSTCNPlusPlus', 'in_channels': 2048, **options}
    backbone.pop('fusion', None)
    classes = backbone.pop('num_classes', 17)
    model = build_segmentor(
        dict.fromkeys(modalities, backbone),
        num_classes=classes,
        fusion=fusion if len(modalities) > 1 else None,
    )
    assert sum(p.numel() for p in model.parameters()) == count


def test_fused_prediction_feeds_the_next_stage_unless_it_is_told_otherwise():
    """With `own`, a branch's refinement does not see the other modality."""
    x = {'heatmap': torch.randn(1, 6, 20), 'rgb': torch.randn(1, 6, 20)}
    other = {**x, 'rgb': torch.randn(1, 6, 20)}
    mask = torch.ones(1, 1, 20)
    for feed, sees in (('fused', True), ('own', False)):
        model = build(('heatmap', 'rgb'), {'feed': feed}).eval()
        before = list(model._stages(x, mask))[-1].logits['heatmap']
        after = list(model._stages(other, mask))[-1].logits['heatmap']
        assert (not torch.equal(before, after)) is sees


def test_branch_is_loaded_from_a_checkpoint_of_its_own(tmp_path):
    """A fusion model starts from the branches that were trained alone."""
    alone = build()
    torch.save({'state_dict': alone.state_dict()}, tmp_path / 'heatmap.pth')
    model = build(
        ('heatmap', 'rgb'),
        init_cfg={
            'type': 'Pretrained',
            'checkpoint': str(tmp_path / 'heatmap.pth'),
            'prefix': 'branches.heatmap.',
        },
    )
    model.init_weights()
    for name in ('heatmap', 'rgb'):
        loaded = model.branches[name].state_dict()
        for key, value in alone.branches['heatmap'].state_dict().items():
            assert torch.equal(loaded[key], value), key


def test_model_takes_lengths_from_labels_when_nothing_else_says():
    model = build().eval()
    sample = ActionDataSample(metainfo={'frame_dir': 'a'})
    sample.set_gt_label(torch.zeros(12, dtype=torch.long))
    x = torch.randn(1, 6, 20)
    predicted = model({'heatmap': x}, [sample], mode='predict')
    assert predicted[0].pred_label.shape == (12,)
    expected = model({'heatmap': x[..., :12]})[-1, 0]
    torch.testing.assert_close(predicted[0].pred_logit, expected)


@pytest.mark.parametrize(
    ('inputs', 'named'),
    [
        ({'rgb': torch.zeros(1, 6, 9)}, "'heatmap' | ['rgb'] | dataset.features"),
        (
            {'heatmap': torch.zeros(1, 4, 9)},
            '4 channels | branches.heatmap.in_channels',
        ),
    ],
)
def test_inputs_that_do_not_fit_are_named(inputs, named):
    with raises_naming(ValueError, named):
        build()(inputs)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'fusion': {'neck': {'type': 'ConcatFusion'}}}, "['heatmap'] | ConcatFusion"),
        ({'modalities': ('a', 'b'), 'fusion': {'feed': 'both'}}, "fusion.feed='both'"),
        ({'modalities': ('a', 'b'), 'fusion': {'fed': 'own'}}, "fusion | 'fed'"),
        (
            {
                'modalities': ('a', 'b'),
                'fusion': {'feed': 'own', 'branch_heads': False},
            },
            "fusion.feed='own' | branch_heads=True",
        ),
    ],
)
def test_fusion_that_makes_no_sense_is_named(options, named):
    with raises_naming(ValueError, named):
        build(**options)


def test_mode_at_fault_is_named():
    x = {'heatmap': torch.zeros(1, 6, 9)}
    with raises_naming(ValueError, "mode='predict'", 'data_samples'):
        build()(x, mode='predict')
    with raises_naming(ValueError, "mode='test'", "'tensor', 'loss'"):
        build()(x, labelled_samples((9,)), mode='test')


def test_model_ignores_a_modality_without_a_branch():
    """A data set may have more modalities than a model reads."""
    x = torch.randn(1, 6, 9)
    model = build().eval()
    both = model({'heatmap': x, 'rgb': torch.randn(1, 3, 9)})
    torch.testing.assert_close(both, model({'heatmap': x}))


@pytest.mark.parametrize(
    ('labels', 'features', 'named'),
    [
        (45, 30, '45 frames | 30;'),
        (None, 30, 'gt_label | 30 frames | 0 values'),
    ],
)
def test_loss_names_the_video_whose_labels_do_not_fit(labels, features, named):
    """Labels are never cropped to the features."""
    sample = ActionDataSample(metainfo={'frame_dir': 'v'})
    if labels is not None:
        sample.set_gt_label(torch.zeros(labels, dtype=torch.long))
    with raises_naming(ValueError, 'v: ', named):
        build()({'heatmap': torch.randn(1, 6, features)}, [sample], mode='loss')


class Recurrent(nn.Module):
    """A stage whose every frame depends on all before it."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 8, batch_first=True)

    def forward(self, x, mask):
        return masked(self.rnn(x.transpose(1, 2))[0].transpose(1, 2), mask)


def test_stage_that_depends_on_all_frames_reads_them_at_once():
    """What does not say its context is never cut."""
    model = build().eval()
    with torch.no_grad():
        model.branches['heatmap']['backbone'].stages[0] = Recurrent()
        x = {'heatmap': torch.randn(1, 6, 50)}
        whole = model(x)
        model.chunk_frames = 9
        torch.testing.assert_close(model(x), whole, atol=1e-5, rtol=1e-5)


class FeatureReader(nn.Module):
    """Gives class probabilities and the features of the stage before, shifted."""

    reads_features = True
    context = 1

    def forward(self, x, mask, features):
        assert x.shape[2] == features.shape[2] == mask.shape[2]
        later = torch.cat([features[:, :, 1:], 0 * features[:, :, :1]], dim=2)
        return masked(later + x.sum(dim=1, keepdim=True), mask)


@pytest.mark.parametrize('chunk_frames', [7, 64, 100])
@pytest.mark.parametrize('modalities', [('heatmap',), ('heatmap', 'rgb')])
def test_stage_reads_features_of_the_one_before(modalities, chunk_frames):
    """Those of its own branch, at the same frames, in chunks as in whole videos."""
    model = build(modalities).eval()
    stages = model.branches['heatmap']['backbone'].stages
    stages[1] = FeatureReader()
    given = []
    stages[0].register_forward_hook(lambda module, x, output: given.append(output))
    stages[1].register_forward_hook(lambda module, x, output: given.append(x[2]))
    inputs = {m: torch.randn(2, 6, 101) for m in modalities}
    with torch.no_grad():
        whole = model(inputs, labelled_samples((101, 60)))
        torch.testing.assert_close(given[1], given[0])
        model.chunk_frames = chunk_frames
        torch.testing.assert_close(
            model(inputs, labelled_samples((101, 60))), whole, atol=1e-5, rtol=1e-5
        )


def test_training_is_not_cut():
    """Gradients come from whole videos."""
    model = build().train()
    model.chunk_frames = 9
    x = {'heatmap': torch.randn(1, 6, 50)}
    logits = model(x)
    logits.sum().backward()
    torch.testing.assert_close(logits.detach(), build()(x).detach())


def test_features_in_half_precision_are_read_as_single():
    """The model computes in its own type, whatever the file holds."""
    model = build().eval()
    x = torch.randn(1, 6, 50).half()
    with torch.no_grad():
        torch.testing.assert_close(model({'heatmap': x}), model({'heatmap': x.float()}))


def test_features_of_a_video_alone_are_not_copied():
    """Those of a long video may fill more than the memory."""
    x = torch.randn(6, 50)
    batch = {'inputs': {'heatmap': [x]}, 'data_samples': labelled_samples((50,))}
    padded = MODELS.build({'type': 'SegDataPreprocessor'})(batch)['inputs']['heatmap']
    assert padded.data_ptr() == x.data_ptr()


def test_members_average_their_probabilities():
    """Each is a model of its own, from random weights of its own."""
    model = build(model={'members': 3}).eval()
    inputs = {'heatmap': torch.randn(1, 6, 20)}
    alone = [n.logits(inputs, None).softmax(dim=2) for n in model.networks]
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)
    mean = torch.stack(alone).mean(dim=0)
    torch.testing.assert_close(model(inputs).softmax(dim=2), mean)
    (sample,) = model(inputs, labelled_samples([20]), mode='predict')
    torch.testing.assert_close(sample.pred_score, mean[-1, 0])
    assert torch.equal(sample.pred_label, mean[-1, 0].argmax(dim=0))


def test_members_learn_as_if_they_were_alone():
    """Losses add up, so that the gradient of each is that of its own loss."""
    model = build(model={'members': 2})
    inputs, truth = {'heatmap': torch.randn(1, 6, 20)}, labelled_samples([20])
    together = model(inputs, truth, mode='loss')
    sum(together.values()).backward()
    gradients = [p.grad.clone() for p in model.others.parameters()]
    model.zero_grad()
    alone = model.others[0].losses(inputs, None, [20], truth, list(inputs.values()))
    sum(alone.values()).backward()
    for parameter, gradient in zip(model.others.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    assert all(together[key] > alone[key] for key in alone)


@pytest.mark.parametrize(
    ('option', 'value', 'named'),
    [
        ('auxiliary', [{}], 'model.auxiliary.0 | {}'),
        ('auxiliary', ['RiskHead'], "auxiliary=['RiskHead']"),
        ('fusion', {'branch_heads': False}, 'model.fusion.neck | {}'),
        ('branches', {'heatmap': {'in_channels': 6}}, 'model.branches.heatmap'),
    ],
)
def test_part_without_a_type_is_named(option, value, named):
    modalities = ('heatmap', 'rgb') if option == 'fusion' else ('heatmap',)
    with raises_naming(UserError, named, 'dict'):
        build(modalities, model={option: value})


def test_members_start_from_weights_of_their_own():
    """And not all from one checkpoint."""
    start = {'type': 'Pretrained', 'checkpoint': 'branch.pth'}
    with raises_naming(ValueError, 'members=2', 'init_cfg'):
        build(model={'members': 2}, init_cfg=start)


def test_standardized_features_have_mean_0_and_deviation_1():
    """Of all training frames together; a channel that never varies stays small."""
    model = build(standardize=True)
    standardizer = model.branches['heatmap']['standardizer']
    inputs = {'heatmap': torch.randn(1, 6, 50) * 7 + 3}
    inputs['heatmap'][:, 5] = 2
    before = model.standardized(inputs, None)['heatmap']
    assert torch.equal(before, inputs['heatmap'])
    standardizer.fit([inputs['heatmap'][0, :, :20], inputs['heatmap'][0, :, 20:]])
    x = model.standardized(inputs, None)['heatmap'][0]
    torch.testing.assert_close(x.mean(dim=1), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(x[:5].std(dim=1, correction=0), torch.ones(5))
    # Noise in it is measured by a tenth of the median deviation of the others.
    noise = model.standardized({'heatmap': inputs['heatmap'] + 1}, None)['heatmap']
    assert 1 < (noise[0, 5] - x[5]).mean() < 10 / 5
    # A joint that leaps away.
    far = model.standardized({'heatmap': inputs['heatmap'] * 100}, None)['heatmap']
    assert far.abs().max() == 5


def test_smoothness_compares_the_features_that_the_model_reads():
    """Of all branches, standardised; with padding as without."""
    modalities = ('heatmap', 'rgb')
    model, plain = (
        build(
            modalities,
            model={'head': {**HEAD, 'loss_smooth': {'type': 'TruncatedMSELoss', **s}}},
            standardize=True,
        )
        for s in ({'similarity': 1.0}, {})
    )
    inputs = {m: torch.randn(2, 6, 40) for m in modalities}
    inputs['rgb'] *= 1000

    def losses(network, padding=0):
        padded = {
            m: torch.nn.functional.pad(x, (0, padding), value=5)
            for m, x in inputs.items()
        }
        return network(padded, labelled_samples((40, 25)), mode='loss')

    def divide(**deviations):
        for network in (model, plain):
            for m, std in deviations.items():
                network.branches[m]['standardizer'].std.fill_(std)
                network.branches[m]['standardizer'].fitted.fill_(True)

    # One branch alone tells all frames apart.
    assert all(losses(model)[f'{m}.loss_smooth'] == 0 for m in modalities)
    divide(heatmap=1e6, rgb=1e9)
    torch.testing.assert_close(losses(model), losses(plain))
    divide(heatmap=3, rgb=1000)
    torch.testing.assert_close(losses(model, padding=30), losses(model))
    for m in (*modalities, 'fused'):
        key = f'{m}.loss_smooth'
        assert 0 < losses(model)[key] < losses(plain)[key]


@pytest.mark.parametrize('members', [1, 2])
def test_temperature_divides_the_logits_of_the_mean(members):
    """So that labels stay; the entropy is the mean of members at that temperature."""
    model = build(model={'members': members, 'temperature': 2.5}).eval()
    x = {'heatmap': torch.randn(1, 6, 30)}
    sample = ActionDataSample(metainfo={'total_frames': 30})
    found = model(x, [sample], mode='predict')[0]
    logits = [network.logits(x, None)[-1, 0] for network in model.networks]
    mean = torch.stack([logit.softmax(0) for logit in logits]).mean(0)
    powers = mean.double() ** 0.4
    expected = (powers / powers.sum(0)).float()
    torch.testing.assert_close(found.pred_score, expected)
    torch.testing.assert_close(found.pred_logit.softmax(0), expected)
    assert (found.pred_label == mean.argmax(0)).all()
    at = torch.stack([(logit / 2.5).softmax(0) for logit in logits])
    torch.testing.assert_close(found.pred_entropy, -(at * at.log()).sum(1).mean(0))
