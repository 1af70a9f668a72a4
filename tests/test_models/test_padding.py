"""What holds for every network: padding and chunks of a video change nothing."""

from functools import partial

import pytest
import torch

from tests.errors import raises_naming
from tests.segmentors import (
    ASFORMER,
    BOUNDARY,
    CAUSAL,
    GCN_TCN,
    MS_GCN,
    NECK,
    PYRAMID_GCN,
    RISK,
    TCN,
    WEIGHTING,
    build_segmentor,
    check_chunks_are_ignored,
    check_padding_is_invisible,
    check_padding_teaches_nothing,
    labelled_samples,
    random_videos,
)

# Networks that read the whole of a video.
WHOLE = {
    'asformer': {'pose': ASFORMER},
    'asformer of blocks': {'pose': {**ASFORMER, 'block_windows': True}},
    'asformer and another': {'pose': ASFORMER, 'rgb': TCN},
}
TWO = {'heatmap': TCN, 'rgb': TCN}
OPTIONS = {
    'fusion without heads': {'fusion': {'neck': NECK, 'branch_heads': False}},
    'fusion of three': {'fusion': {'neck': NECK, 'feed': 'own'}},
    'members': {'members': 2},
    'boundaries': {'auxiliary': [BOUNDARY]},
    'boundaries of two': {'auxiliary': [BOUNDARY]},
    'boundaries of members': {'auxiliary': [BOUNDARY], 'members': 2},
    'risk': {'auxiliary': [RISK, WEIGHTING]},
}
# Networks that read a few frames before and after each.
LOCAL = {
    'ms_tcn2': {'heatmap': TCN},
    'refined by one': {'heatmap': {**TCN, 'share_refinement': True}},
    'causal': {'heatmap': {**TCN, 'causal': True, 'lookahead': 3}},
    'members': {'heatmap': {**TCN, 'standardize': True}},
    'fusion': TWO,
    'fusion without heads': TWO,
    'fusion of three': {**TWO, 'flow': TCN},
    'boundaries': {'heatmap': TCN},
    'boundaries of two': TWO,
    'boundaries of members': {'heatmap': TCN},
}
NETWORKS = {
    **WHOLE,
    **LOCAL,
    'ms_gcn': {'pose': MS_GCN},
    'pyramid_gcn': {'pose': PYRAMID_GCN},
    'pyramid_gcn and another': {'pose': PYRAMID_GCN, 'rgb': CAUSAL},
    'risk': {'pose': GCN_TCN},
}


def builder(name, **options):
    return partial(build_segmentor, NETWORKS[name], **OPTIONS.get(name, {}), **options)


@pytest.mark.parametrize('name', NETWORKS)
@pytest.mark.parametrize('lengths', [(65, 64, 63, 15), (15, 3, 2, 1)])
def test_padding_is_invisible_in_evaluation(name, lengths):
    """A video in a padded batch gets what it gets alone, whatever the padding holds."""
    x = random_videos(NETWORKS[name], lengths[0], number=len(lengths))
    check_padding_is_invisible(builder(name)(), x, lengths)


@pytest.mark.parametrize('name', NETWORKS)
def test_padding_enters_no_loss_gradient_or_statistic(name):
    """Longer padding, of anything, changes nothing that is learned or kept."""
    x = random_videos(NETWORKS[name], 20, number=2)
    model = check_padding_teaches_nothing(builder(name), x, (20, 12), padding=77)
    if name in WHOLE:
        idle = {key for key, p in model.named_parameters() if not p.grad.any()}
        # A window of one frame leaves nothing to weigh.
        assert all('.layers.0.query' in key or '.layers.0.key' in key for key in idle)


@pytest.mark.parametrize('name', WHOLE)
@pytest.mark.parametrize('members', [1, 2])
def test_networks_of_whole_videos_ignore_chunks(name, members):
    x = random_videos(NETWORKS[name], 90)
    check_chunks_are_ignored(builder(name, members=members), x)


@pytest.mark.parametrize('chunk_frames', [1, 7, 64])
@pytest.mark.parametrize('name', LOCAL)
def test_chunks_give_what_the_whole_video_gives(name, chunk_frames):
    """Each frame sees all that it depends on, also at the ends of a chunk."""
    model, x = builder(name)().eval(), random_videos(NETWORKS[name], 61, number=2)

    has_boundaries = 'boundaries' in name

    def run():
        samples = labelled_samples((61, 40))
        if not has_boundaries:
            return model(x, samples)
        predicted = model(x, samples, mode='predict')
        return [(sample.pred_score, sample.pred_boundary) for sample in predicted]

    # 8 + 4 + 4 + 8 frames to each side, or back twice as many, from 3 frames later.
    first = model.branches['heatmap']['backbone'].stages[0]
    stages = {first: 45 if name == 'causal' else 24}
    if has_boundaries:
        stages[model.boundary_head.stages[0]] = 1 + 2 + 4
    with torch.no_grad():
        whole = run()
        for part in model.networks:
            part.chunk_frames = chunk_frames
        reads = []
        for stage in stages:
            stage.register_forward_hook(lambda s, _, y: reads.append((s, y.shape[2])))
        torch.testing.assert_close(run(), whole, atol=1e-5, rtol=1e-5)
    for stage, context in stages.items():
        assert stage.context == context
        read = [frames for reader, frames in reads if reader is stage]
        assert max(read) <= chunk_frames + 2 * context
        assert len(read) == -(-61 // chunk_frames)


def test_later_stages_read_features_of_the_one_before():
    """What the first stage gives reaches the last even if its classes are fixed."""
    model = builder('asformer')().eval()
    torch.nn.init.zeros_(model.branches['pose']['head'].classifiers[0].weight)
    x = random_videos(NETWORKS['asformer'], 20)
    with torch.no_grad():
        first = model(x)
        x['pose'][:, :, 5] += 10
        change = (model(x) - first).abs().amax(dim=(1, 2, 3))
    assert change[0] == 0
    assert (change[1:] > 1e-4).all()


@pytest.mark.parametrize(
    'branch', [MS_GCN, PYRAMID_GCN, GCN_TCN], ids=lambda b: b['type']
)
@pytest.mark.parametrize('joints', [(17,), ()])
def test_graphs_name_inputs_of_other_joints(branch, joints):
    """Coordinates of another skeleton, and flat ones, are the user's to mend."""
    x = torch.zeros(1, branch['in_channels'], 20, *joints)
    with raises_naming(ValueError, ' 15 ', tuple(x.shape), '`skeleton`'):
        build_segmentor({'pose': branch})({'pose': x})
