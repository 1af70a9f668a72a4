"""Which parts carry a label, with models whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mmskelseg_io.files.parsing import read_dicts
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime import OnnxSegmenter
from mmskelseg_runtime.commands.explain import main
from mmskelseg_runtime.segmenting import explaining
from mmskelseg_runtime.segmenting.explaining import (
    DRAWS,
    ExplainedSegment,
    LeftOut,
    Reasons,
    cut,
    explain,
    explain_moments,
    find_parts,
    weigh,
    without,
    words,
)
from tests.errors import raises_naming
from tests.small_data import save_poses
from tests.test_segmenting.test_model_files import described

LAYOUT = {
    'joints': ['nose', 'left_wrist', 'right_wrist', 'tail'],
    'limbs': [[0, 3]],
}


def recording(frames=40, bodies=1, **more):
    return {
        'frame_dir': 'take1',
        'total_frames': frames,
        'fps': 10.0,
        'keypoint': np.ones((bodies, frames, 4, 2), np.float32),
        'keypoint_score': np.ones((bodies, frames, 4)),
        'notes': (),
        **more,
    }


def segmenter_of(probability, starts=(0, 10, 30), **more):
    """Return a segmenter of classes that alternate, with a probability of each frame.

    ``probability`` returns that of the class of each frame, (T,), of a video.
    """

    def predict(videos, *, quiet):
        assert quiet
        (video,) = videos
        frames = np.arange(video['total_frames'])
        label = (np.searchsorted(starts, frames, side='right') - 1) % 2
        own = probability(video)
        score = np.where(label == [[0], [1]], own, 1 - own)
        return [{'pred_label': label, 'pred_score': score}]

    settings = {'needs_video': False, 'needs_poses': True, 'pairs': False, 'kinds': {}}
    meta = {'classes': ['rest', 'reach']}
    return SimpleNamespace(
        predict=predict, metainfo=meta, skeleton=LAYOUT, **{**settings, **more}
    )


def reach(video):
    """The wrists carry 0.6 of the probability, the nose 0.15, and the tail nothing."""
    seen = video['keypoint_score'][0]
    return 0.2 + 0.3 * (seen[:, 1] + seen[:, 2]) + 0.15 * seen[:, 0]


def test_drops_and_shares_are_those_worked_out_by_hand():
    found = explain(segmenter_of(reach), recording())
    assert found.spans == [
        ExplainedSegment(0, 0, 10),
        ExplainedSegment(1, 10, 30),
        ExplainedSegment(0, 30, 40),
    ]
    assert [part.name for part in found.parts] == ['nose', 'wrist', 'tail']
    np.testing.assert_allclose(found.by_part, [[0.15, 0.6, 0]] * 3, atol=1e-9)
    weights = weigh([(found, 1)])
    assert [weight.part for weight in weights] == ['wrist', 'nose', 'tail']
    assert [weight.share for weight in weights] == pytest.approx([0.8, 0.2, 0])
    # In a draw, wrists are missing in about a third of the time.
    assert 0.15 < weights[0].chance < 0.6
    assert [weight.above for weight in weights] == [True, False, False]
    assert words(weights) == 'wrist, 80 %'


def test_left_and_right_may_be_left_out_separately():
    found = explain(segmenter_of(reach), recording(), sides=True)
    shares = {weight.part: weight.share for weight in weigh([(found, 0)])}
    assert shares['left_wrist'] == shares['right_wrist'] == pytest.approx(0.4)


def test_a_class_is_the_mean_over_its_segments():
    parts = [LeftOut('nose', 'joint', (0,)), LeftOut('tail', 'joint', (1,))]
    drops, none = np.array([[0.4, -0.1], [0.2, 0.3]]), np.zeros((2, DRAWS))
    spans = [ExplainedSegment(0, 0, 5), ExplainedSegment(0, 5, 9)]
    found = Reasons('a', spans, parts, drops, none, np.zeros((2, 0)))
    other = Reasons(
        'b', spans[:1], parts[:1], np.array([[0.6]]), none[:1], np.zeros((1, 0))
    )
    nose, tail = weigh([(found, 0), (found, 1), (other, 0)])
    # A part that a recording lacks drops by 0 there.
    assert (nose.drop, tail.drop) == pytest.approx((0.4, 0.2 / 3))
    assert (nose.share, nose.above) == (pytest.approx(6 / 7), True)
    # By itself, what raises the probability has no share.
    assert weigh([(found, 0)])[1].share == 0


def test_nothing_is_above_chance_if_nothing_matters():
    found = explain(segmenter_of(lambda video: np.full(40, 0.9)), recording())
    weights = weigh([(found, 0)])
    assert not any(weight.above or weight.share for weight in weights)
    assert words(weights) == 'no part above chance'


def test_what_all_parts_carry_alike_is_chance():
    def alike(video):
        return 0.1 + 0.2 * video['keypoint_score'][0].sum(axis=1)

    found = explain(segmenter_of(alike), recording(), sides=True)
    assert not any(weight.above for weight in weigh([(found, 1)]))


def test_times_before_within_and_after_a_segment():
    """The probability in a segment depends on the second before its start alone."""
    starts = [0, *range(20, 200, 20)]

    def after(video):
        seen = video['keypoint_score'][0].mean(axis=1)
        own = [seen[max(start - 5, 0) : start].sum() for start in starts[1:]]
        return np.repeat([0.9, *(0.4 + 0.1 * np.array(own))], np.diff([*starts, 200]))

    video = recording(200)
    found = explain(segmenter_of(after, starts), video, window=1)
    np.testing.assert_allclose(found.by_time[1:, 0], 0.5)
    # Of short windows, several segments share a pass.
    assert found.by_time[1:, 1:] == pytest.approx(0)
    before = weigh([(found, i) for i in range(1, 10)])[-3]
    assert before.part == 'before'
    assert before.share == 1
    assert before.above
    # A single segment cannot tell.
    (*_, before, _, _) = weigh([(found, 1)])
    assert np.isnan(before.chance)
    assert not before.above


def test_objects_and_other_individuals_are_parts():
    cup = {'name': 'cup 1', 'kind': 'cup', 'score': np.ones((40, 2))}
    things = [cup, {**cup, 'name': 'cup 2'}, {**cup, 'name': 'x', 'kind': 'unseen'}]
    who = {'individual': 1, 'people': ['mother', 'pup', 'father']}
    video = recording(bodies=3, objects=things, **who)

    def near(video):
        own = video['keypoint_score'][1, :, 0] + video['keypoint_score'][2, :, 3]
        return 0.2 + 0.2 * own + 0.2 * video['objects'][1]['score'][:, 0]

    segmenter = segmenter_of(near, pairs=True, kinds={'cup': ('top', 'bottom')})
    found = explain(segmenter, video)
    shares = {
        part.name: drop
        for part, drop in zip(found.parts, found.by_part[0], strict=True)
    }
    assert shares == pytest.approx(
        {'nose': 0.2, 'wrist': 0, 'tail': 0, 'mother': 0, 'father': 0.2, 'cup': 0.2}
    )
    # A model that sees nobody else cannot use them.
    segmenter.pairs = False
    names = [part.name for part in find_parts(video, segmenter)]
    assert names == ['nose', 'wrist', 'tail', 'cup']
    assert video['keypoint_score'].all()
    assert cup['score'].all()


def test_parts_are_missing_only_where_they_are_left_out():
    frames = np.arange(40) < 3
    gone = without(recording(), [(LeftOut('wrist', 'joint', (1, 2)), frames)])
    missing = np.argwhere(gone['keypoint_score'][0] == 0).tolist()
    assert missing == [[t, joint] for t in range(3) for joint in (1, 2)]


def test_the_segment_of_a_moment_is_explained_from_its_surroundings():
    """The model sees 5 s to each side, of a long moment those around its middle."""
    segmenter = segmenter_of(reach, (0, 30, 60))
    video = recording(300, label=np.zeros(300, int))
    moments = [(video, 100, 140), (video, 0, 300)]
    ((found, i),), ((long, _),) = explain_moments(segmenter, moments)
    # 50 frames lie before the moment, and as many behind it.
    assert found.spans == [
        ExplainedSegment(0, 0, 30),
        ExplainedSegment(1, 30, 60),
        ExplainedSegment(0, 60, 140),
    ]
    assert i == 2
    assert long.spans[-1].end == 200


def test_as_many_moments_are_explained_as_frames_allow(monkeypatch):
    """Three parts and 19 draws, and all, are read of 50 + 40 + 50 frames each."""
    monkeypatch.setattr(explaining, '_FRAMES', 2 * 23 * 140)
    read = []

    def counted(video):
        read.append(video['total_frames'])
        return reach(video)

    moments = [(recording(300), 100, 140)] * 3
    assert len([*explain_moments(segmenter_of(counted), moments)]) == 2
    assert sum(read) == 2 * 23 * 140


def test_pieces_have_no_labels():
    piece = cut(recording(label=np.zeros(40, int)), 5, 100)
    assert 'label' not in piece
    assert piece['total_frames'] == 35
    assert piece['keypoint'].shape == (1, 35, 4, 2)


@pytest.mark.parametrize('reads', [{'needs_video': True}, {'needs_poses': False}])
def test_models_of_video_are_refused(reads):
    with raises_naming(UserError, 'take1: ', 'reads the frames'):
        explain(segmenter_of(reach, **reads), recording())


@pytest.fixture(scope='session')
def of_one_joint(recipe, tmp_path_factory):
    """An exported model of four classes that reads the position of joint 3 alone."""
    weights = np.zeros((60, 4), np.float32)
    # Displacements of 15 joints come first, x before y.
    weights[2 * 15 + 3] = [6, -6, 0, 0]
    names = ('features_pose2d', 'probabilities')
    value, out = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ['frames', width])
        for name, width in zip(names, (60, 4), strict=True)
    )
    nodes = [
        helper.make_node('MatMul', [names[0], 'weights'], ['logits']),
        helper.make_node('Softmax', ['logits'], [names[1]], axis=1),
    ]
    given = [numpy_helper.from_array(weights, 'weights')]
    graph = helper.make_graph(nodes, 'g', [value], [out], given)
    opset = [helper.make_opsetid('', 17)]
    proto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return described(recipe, proto, tmp_path_factory.mktemp('joint') / 'model.onnx')


@pytest.fixture
def waving(person):
    """A recording in which joint 3 goes from left to right and back every 2 s."""
    video = person(100)
    video['keypoint_score'][:] = 1
    side = np.where(np.arange(100) // 20 % 2, 200, -200)
    video['keypoint'][0, :, 3, 0] = video['keypoint'][0].mean(axis=1)[:, 0] + side
    return video


def test_an_exported_model_names_the_joint_that_it_reads(of_one_joint, waving):
    model = OnnxSegmenter(of_one_joint, show_progress=False)
    _, (video,) = model.videos(waving)
    found = explain(model, video, sides=True)
    assert [span[1:] for span in found.spans] == [
        (t, t + 20) for t in range(0, 100, 20)
    ]
    for i, _ in enumerate(found.spans):
        first, *_ = weigh([(found, i)])
        assert first.part == found.parts[3].name
        assert first.share > 0.9
        assert first.above


def test_command_writes_tables_and_a_page(of_one_joint, waving, tmp_path, capsys):
    """Of both joints of a pair, for each class and each segment."""
    save_poses(tmp_path / 'take1.npz', {**waving, 'fps': 10.0})
    out = tmp_path / 'why'
    words = [tmp_path / 'take1.npz', of_one_joint, '--out', out]
    main([*map(str, words), '--pose-format', 'npz'], prog='mmskelseg explain')
    name = 'knee'
    said = capsys.readouterr().out
    assert 'take1: ' in said
    assert f'reach: {name}, ' in said
    assert f'lift: {name}, ' in said
    rows = read_dicts(out / 'by_class.csv', 'class', 'part')
    never = [row for _, row in rows if row['segments'] == '0']
    assert [(row['part'], row['drop']) for row in never] == [('', '')] * 2
    absent = ', '.join(row['class'] for row in never)
    assert f'never predicted: {absent}\n' in said
    first = {}
    for _, row in rows[: -len(never)]:
        first.setdefault(row['class'], row)
    assert {row['part'] for row in first.values()} == {name}
    assert [row['segments'] for row in first.values()] == ['2', '3']
    assert {row['above_chance'] for row in first.values()} == {'yes'}
    segments = [row for _, row in read_dicts(out / 'by_segment.csv', 'recording')]
    (one,) = (r for r in segments if r['start_s'] == '2.000' and r['part'] == name)
    assert (one['recording'], one['end_s'], one['above_chance']) == (
        'take1', '4.000', 'yes',
    )  # fmt: skip
    times = [r for r in segments if r['kind'] == 'time']
    assert {r['above_chance'] for r in times} == {''}
    page = (out / 'index.html').read_text('utf-8')
    assert f'<li>reach: {name}' in page
    assert page.count('<circle') == 2 * 15
    assert f'<p>Never predicted: {absent}.</p>' in page
    # Of a long path, the last folder and the file.
    assert f' of {of_one_joint.parent.name}/{of_one_joint.name}?</h1>' in page
    # Only joints above chance, both knees, have a name and are filled.
    assert page.count('<text') == page.count('class="spot"') == 2 * 2
    assert page.count('class="chance"') == 2 * 13


def test_recordings_without_a_segment_are_named(of_one_joint, waving, tmp_path):
    waving['keypoint_score'][:] = 0
    waving['keypoint'][:] = 0
    save_poses(tmp_path / 'take1.npz', {**waving, 'fps': 10.0})
    words = [str(tmp_path / 'take1.npz'), str(of_one_joint), '--person', 'each']
    with raises_naming(SystemExit, 'take1.npz: ', 'no segment'):
        main([*words, '--out', str(tmp_path / 'why')], prog='mmskelseg explain')
