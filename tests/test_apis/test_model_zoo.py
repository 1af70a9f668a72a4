"""Models that come with the package, on people who were not in their training data."""

import json

import numpy as np
import pytest

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.converters.precog import CLASSES, PACKED, project, read_release
from mmskelseg.evaluation import segmental_f1, to_segments
from mmskelseg.runtime import OnnxSegmenter, OnnxStream
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures import Skeleton

# All recordings of the test split.
TESTED = [f'Seq{i}_{s}' for i in range(1, 7) for s in ('01', '05', '09')]


@pytest.fixture(scope='module')
def recordings():
    """Return keypoints (T, 17, 2), scores and labels, in the layout of COCO."""
    poses, labels = read_release(PACKED)
    kinect, coco = Skeleton.get('kinect20'), Skeleton.get('coco17')
    found = {}
    for name in TESTED:
        image = project(poses[name])
        keypoint = np.zeros((len(image), 17, 2), np.float32)
        score = np.zeros(keypoint.shape[:2], np.float32)
        for joint in Skeleton.get('body12').joints:
            place = coco.joints.index(joint)
            keypoint[:, place] = image[:, kinect.joints.index(joint)]
            score[:, place] = 0.9
        found[name] = keypoint, score, labels[name]
    return found


def entry(keypoint, score):
    return {
        'keypoint': keypoint[None],
        'keypoint_score': score[None],
        'skeleton': 'coco17',
        'img_shape': (480, 640),
        'fps': 30.0,
    }


def test_whole_videos_are_segmented(recordings):
    segment = SkelSegInferencer('precog', device='cpu', show_progress=False)
    assert segment.dataset_meta['classes'] == CLASSES
    scores = []
    for keypoint, score, label in recordings.values():
        found = segment(entry(keypoint, score))['predictions'][0]
        scores.append(segmental_f1(found['pred_label'], label, 0.1, background=0))
        assert len(to_segments(label)) > 5
    assert np.mean(scores) > 90


def test_exported_models_are_those_of_the_checkpoints(recordings):
    """Although their weights have 16 bits."""

    def assert_same(first, second):
        np.testing.assert_array_equal(first.argmax(0), second.argmax(0))
        np.testing.assert_allclose(first, second, atol=1e-2)

    options = {'device': 'cpu', 'show_progress': False}
    pair = [kind('precog', **options) for kind in (SkelSegInferencer, OnnxSegmenter)]
    streams = [kind('precog', layout='coco17') for kind in (SkelSegStream, OnnxStream)]
    for name in ('Seq1_01', 'Seq3_05', 'Seq6_09'):
        keypoint, score, _ = recordings[name]
        found = [one(entry(keypoint, score))['predictions'][0] for one in pair]
        assert_same(*(one['pred_score'] for one in found))
        np.testing.assert_array_equal(*(one['pred_label'] for one in found))
        live = [one.push(keypoint, score) + one.flush() for one in streams]
        assert_same(*(np.array([f.probabilities for f in one]).T for one in live))
        for stream in streams:
            stream.reset()


def test_streams_are_labelled(recordings):
    """Half a second after each frame."""
    stream = SkelSegStream('precog', layout='coco17')
    assert stream.lookahead == 15
    assert stream.fps == 30
    right = []
    for keypoint, score, label in recordings.values():
        frames = stream.push(keypoint, score) + stream.flush()
        right.append(
            np.mean([f.label_id == k for f, k in zip(frames, label, strict=True)])
        )
        stream.reset()
    assert np.mean(right) > 0.7


def test_commands_take_the_name(recordings, run_tool, call_tool, tmp_path, clip):
    keypoint, score, _ = recordings['Seq6_09']
    poses = Poses(keypoint[None], score[None], 'coco17', (480, 640), 30.0)
    write_npz(poses, tmp_path / 'take1.npz')
    done = run_tool(
        'demo/demo.py', 'take1.npz', '--model', 'precog', '--formats', 'csv',
        '--out', 'out',
    )  # fmt: skip
    assert 'back_fist' in done.stdout
    assert (tmp_path / 'out' / 'segments.csv').is_file()
    # In PyTorch.
    words = (tmp_path / 'take1.npz', '--model', 'precog', '--batch-size', 2)
    again = call_tool('demo/demo.py', *words, '--formats', 'csv', '--out', tmp_path)
    assert 'back_fist' in again.stdout
    video = clip(frames=len(keypoint), fps=30.0)
    done = run_tool(
        'demo/live.py', video, '--model', 'precog', '--poses', 'take1.npz', '--events',
        '--every-frame', '--no-window',
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert 'back_fist' in {event['label'] for event in events}


def test_a_model_and_a_config_exclude_each_other(call_tool, tmp_path):
    (tmp_path / 'a.mp4').touch()
    for words, message in (
        (['a.mp4', '--model', 'yoga'], "'yoga': no model that comes with the package"),
        (['a.mp4'], 'No model is given; after the inputs, name the folder of'),
        (
            ['a.mp4', '--model', 'precog', '--ensemble', 'b.pth'],
            'precog: takes no --ensemble',
        ),
    ):
        assert message in call_tool('demo/demo.py', *words, code=1).stderr
    done = call_tool(
        'demo/live.py', '0', 'a.py', '--model', 'precog', '--events', code=1
    )
    assert '--model precog: names the model, and a.py' in done.stderr
