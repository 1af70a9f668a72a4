"""Models that come with the package, on people who were not in their training data."""

import json

import numpy as np
import pytest

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.converters.precog import CLASSES, PACKED, project, read_release
from mmskelseg.evaluation import segmental_f1, to_segments
from mmskelseg.runtime.poses import Poses, write_npz
from mmskelseg.runtime.structures import Skeleton

# Of the subjects of the test split.
TESTED = ('Seq1_01', 'Seq3_05', 'Seq6_09')


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
    assert np.mean(scores) > 80


def test_streams_are_labelled(recordings):
    """Half a second after each frame."""
    stream = SkelSegStream('precog')
    assert stream.lookahead == 15
    assert stream.fps == 30
    joints = [Skeleton.get('coco17').joints.index(j) for j in
              Skeleton.get('body12').joints]  # fmt: skip
    right = []
    for keypoint, score, label in recordings.values():
        frames = stream.push(keypoint[:, joints], score[:, joints]) + stream.flush()
        right.append(
            np.mean([f.label_id == k for f, k in zip(frames, label, strict=True)])
        )
        stream.reset()
    assert np.mean(right) > 0.7


def test_commands_take_the_name(recordings, run_tool, tmp_path, clip):
    keypoint, score, _ = recordings['Seq6_09']
    poses = Poses(keypoint[None], score[None], 'coco17', (480, 640), 30.0)
    write_npz(poses, tmp_path / 'take1.npz')
    done = run_tool(
        'demo/demo.py', 'take1.npz', '--model', 'precog', '--formats', 'csv',
        '--out', 'out',
    )  # fmt: skip
    assert 'back_fist' in done.stdout
    assert (tmp_path / 'out' / 'segments.csv').is_file()
    video = clip(frames=len(keypoint), fps=30.0)
    done = run_tool(
        'demo/live.py', video, '--model', 'precog', '--poses', 'take1.npz', '--events',
        '--every-frame', '--no-window',
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert 'back_fist' in {event['label'] for event in events}


def test_a_model_and_a_config_exclude_each_other(call_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a.mp4').touch()
    for words, message in (
        (['a.mp4', '--model', 'yoga'], "'yoga': no model that comes with the package"),
        (['a.mp4'], 'No model is given; after the inputs, name the CONFIG'),
        (
            ['a.mp4', '--model', 'precog', '--ensemble', 'b.pth'],
            '--model precog: takes no --ensemble',
        ),
    ):
        assert message in call_tool('demo/demo.py', *words, code=1).stderr
    done = call_tool(
        'demo/live.py', '0', 'a.py', '--model', 'precog', '--events', code=1
    )
    assert '--model precog: takes no CONFIG' in done.stderr
