"""Agreement with the public evaluators, on their recorded inputs and outputs."""

import numpy as np
import pytest

from mmskelseg.evaluation import edit_score, frame_map
from mmskelseg_behaviour.functional.framewise import frame_ap
from mmskelseg_behaviour.functional.report import evaluate_videos
from mmskelseg_behaviour.functional.segmental import segmental_counts
from mmskelseg_behaviour.functional.videos import Video

CASES = [
    'easy', 'noisy', 'hard_overseg', 'short', 'uwlike', 'perfect', 'trailing_1frame',
]  # fmt: skip
CONVENTIONS = {
    'mstcn': {'average': 'pooled', 'last_frame': True},
    'mstcn2': {'average': 'pooled', 'last_frame': False},
    'lea': {'average': 'video', 'last_frame': True},
}
# (case, background, convention) that the reference raises on.
RAISES = {('short', 'bg0', 'mstcn'), ('short', 'bg0', 'mstcn2')}


@pytest.fixture(scope='module')
def segmental(vectors):
    return vectors('metrics_segmental')


@pytest.mark.parametrize('convention', CONVENTIONS)
@pytest.mark.parametrize(('background', 'name'), [(None, 'nobg'), (0, 'bg0')])
@pytest.mark.parametrize('case', CASES)
def test_scores_agree_with_the_reference(case, background, name, convention, segmental):
    key = f'{case}/{name}/{convention}'
    if (case, name, convention) in RAISES or (name, convention) == ('bg0', 'lea'):
        assert f'{key}/acc_edit_f10_f25_f50' not in segmental
        return
    num_classes = int(segmental[f'{case}/num_classes'])
    cuts = np.cumsum(segmental[f'{case}/lengths'])[:-1]
    pairs = [np.split(segmental[f'{case}/{side}'], cuts) for side in ('pred', 'gt')]
    videos = {
        str(index): Video(pred, gt, np.eye(num_classes)[:, pred])
        for index, (pred, gt) in enumerate(zip(*pairs, strict=True))
    }
    options = CONVENTIONS[convention]
    classes = [str(index) for index in range(num_classes)]
    report = evaluate_videos(videos, classes, background=background, **options)
    scores = [
        report['metrics'][metric]
        for metric in ('acc', 'edit', 'f1@10', 'f1@25', 'f1@50')
    ]
    np.testing.assert_allclose(
        scores, segmental[f'{key}/acc_edit_f10_f25_f50'], rtol=1e-12
    )
    if convention == 'lea':
        return
    counts = np.stack(
        [
            segmental_counts(
                video.pred,
                video.gt,
                [0.1, 0.25, 0.5],
                background=background,
                last_frame=options['last_frame'],
            ).sum(axis=1)
            for video in videos.values()
        ]
    )
    np.testing.assert_array_equal(counts.sum(axis=0).T, segmental[f'{key}/tp_fp_fn'])
    edit = [edit_score(v.pred, v.gt, background) for v in videos.values()]
    np.testing.assert_allclose(
        np.column_stack([edit, counts.reshape(len(edit), 9)]),
        segmental[f'{key}/per_video_edit_then_tp_fp_fn_x3'],
        rtol=1e-12,
    )


@pytest.mark.parametrize('case', ['uw5', 'absent2', 'ties'])
@pytest.mark.parametrize('kind', ['logits', 'softmax'])
def test_frame_map_agrees_with_the_reference(case, kind, vectors):
    v = vectors('map')
    scores, gt = v[f'{case}/scores'].T, v[f'{case}/labels']
    if kind == 'softmax':
        scores = np.exp(scores - scores.max(axis=0))
        scores /= scores.sum(axis=0)
    # The logits of `ties` are whole numbers: which of their probabilities are equal
    # depends on the last bit of exp, which differs between versions of NumPy.
    close = {'rtol': 0, 'atol': 0.5 if (case, kind) == ('ties', 'softmax') else 1e-10}
    ap = v[f'{case}/ap_per_class_{kind}']
    ap[~v[f'{case}/present']] = np.nan
    np.testing.assert_allclose(frame_ap(scores, gt), 100 * ap, **close)
    for absent, name in (('skip', 'present_only'), ('zero', 'official')):
        expected = v[f'{case}/mAP_{name}_{kind}']
        np.testing.assert_allclose(frame_map(scores, gt, absent), expected, **close)
