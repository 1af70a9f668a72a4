"""From objects in an annotation file to labels that only they tell apart."""

import json

import numpy as np
import pytest

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.export.export import export_onnx
from mmskelseg.runtime import OnnxSegmenter, OnnxStream
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures.objects import BOX
from mmskelseg_runtime.segmenting.explaining import explain, weigh
from tests.errors import raises_naming

# A small network, so that it trains in seconds.
SMALL = """_base_ = './{}.py'
small = dict(channels=16, num_prediction_layers=5, num_refinement_layers=4)
train_dataloader = dict(num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = val_dataloader
model = dict(members=1, branches=dict(pose2d=small))
train_cfg = dict(val_interval=1000)
default_hooks = dict(
    checkpoint=dict(interval=1000), visualization=dict(enable=False)
)
"""
CLASSES = ['rest', 'open box', 'take hammer', 'reach for nothing']
SKELETON = {
    'joints': ['hip', 'head', 'left_wrist', 'right_wrist'],
    'limbs': [[0, 1], [1, 2], [1, 3]], 'root': ['hip'],
}  # fmt: skip
BODY = np.array([[320, 300], [320, 150], [280, 250], [360, 250]])


KINDS = {'box': list(BOX), 'hammer': ['head', 'handle']}
SHAPES = {
    'box': np.array([[-30, -20], [30, -20], [30, 20], [-30, 20]]),
    'hammer': np.array([[-10, 0], [10, 0]]),
}


def take(name, reaches=12, seed=0):
    """Return a recording of a hand that reaches for a box, a hammer, or nothing."""
    rng = np.random.default_rng(seed)
    points, places, label = [], {'box': [], 'hammer': []}, []
    for k in rng.permutation(np.arange(reaches) % 3) + 1:
        rest = rng.integers(8, 16)
        away = np.concatenate([np.zeros(rest), np.sin(np.linspace(0, np.pi, 16))])
        target = np.array([320 + 150 * rng.choice([-1, 1]), 300])
        body = np.repeat(BODY[None].astype(float), len(away), axis=0)
        body[:, 3] += away[:, None] * (target - BODY[3])
        points.append(body)
        for own, (kind, shape) in enumerate(SHAPES.items(), 1):
            middle = target if own == k else [640, 600] - target
            places[kind].append(np.repeat(middle + shape[None], len(away), axis=0))
        label += [0] * rest + [k] * 16
    points = np.concatenate(points)
    points += rng.normal(0, 2, points.shape)
    objects = [
        {
            'name': f'{kind} 1', 'kind': kind,
            'points': np.concatenate(xy).astype(np.float32),
            'score': np.ones((len(label), len(KINDS[kind])), np.float32),
        }
        for kind, xy in places.items()
    ]  # fmt: skip
    return {
        'frame_dir': name, 'total_frames': len(label), 'img_shape': (480, 640),
        'keypoint': points[None].astype(np.float32), 'fps': 10.0, 'objects': objects,
        'keypoint_score': np.ones((1, len(label), 4), np.float32),
        'label': np.array(label),
    }  # fmt: skip


@pytest.fixture
def train(call_tool, tmp_path):
    """Train on takes with or without objects; return config, checkpoint and score."""
    names = [f'take{i}' for i in range(8)]
    meta = {
        'classes': CLASSES, 'skeleton': SKELETON, 'dataset': 'boxes',
        'background': 'rest', 'objects': KINDS, 'view': 'side',
    }  # fmt: skip
    data = {
        'annotations': [
            take(name, 12 if i < 5 else 24, seed=i) for i, name in enumerate(names)
        ],
        'split': {'train': names[:5], 'test': names[5:]},
        'metainfo': meta,
    }
    save_annotations(data, tmp_path / 'annotations.pkl')

    def run(name, *flags):
        own, small, folder = (tmp_path / f'{name}{s}' for s in ('.py', '_small.py', ''))
        options = ['--streaming', '0.5', '--epochs', '60', *flags]
        call_tool('tools/make_config.py', 'annotations.pkl', own, *options)
        small.write_text(SMALL.format(name))
        call_tool('tools/train.py', small, '--work-dir', folder)
        call_tool('tools/test.py', small, folder, '--work-dir', folder)
        score = json.loads((folder / 'metrics.json').read_text())['seg/f1@10']
        return small, folder / 'epoch_60.pth', score

    return run


def write_files(video, folder):
    """Write poses as arrays, and objects in COCO's format; return their paths."""
    poses, objects = folder / 'new.npz', folder / 'objects' / 'new.json'
    layout = {'name': 'hand', **SKELETON}
    found = Poses(video['keypoint'], video['keypoint_score'], layout, (480, 640), 10.0)
    write_npz(found, poses)
    kinds = [*KINDS]
    annotations = []
    for one in video['objects']:
        own = {'category_id': kinds.index(one['kind']), 'track_id': 1}
        for frame, points in enumerate(one['points'].astype(float)):
            place = {'keypoints': [v for x, y in points for v in (x, y, 2)]}
            if one['kind'] == 'box':
                place = {'bbox': [*points[0], *(points[2] - points[0])]}
            annotations.append({'image_id': frame, **own, **place})
    categories = [{'id': 0, 'name': 'box'}]
    categories += [{'id': 1, 'name': 'hammer', 'keypoints': KINDS['hammer']}]
    frames = range(video['total_frames'])
    images = [{'id': i, 'file_name': f'frame_{i:06d}.png'} for i in frames]
    data = {'images': images, 'annotations': annotations, 'categories': categories}
    objects.parent.mkdir()
    objects.write_text(json.dumps(data))
    return poses, objects


def drops_of(model, video):
    """Return the drops of classes 1 and 2 without the box, and without the hammer."""
    _, (read,) = model.videos(video)
    found = explain(model, read)
    rows = [span.row for span in found.spans]
    own = [[(found, i) for i, row in enumerate(rows) if row == k] for k in (1, 2)]
    drops = [{one.part: one.drop for one in weigh(segments)} for segments in own]
    return [[own[kind] for kind in KINDS] for own in drops]


@pytest.mark.slow
def test_only_objects_tell_classes_apart(train, call_tool, tmp_path):
    """Whole, as ONNX and as streams; without objects, it is guesswork."""
    *_, without = train('without', '--no-objects')
    config, checkpoint, score = train('with')
    assert without < 60 < 95 < score, (without, score)
    files = [tmp_path / name for name in ('whole.onnx', 'stream.onnx')]
    for file, streaming in zip(files, (False, True), strict=True):
        export_onnx(config, checkpoint, file, streaming=streaming)
    inferencer = SkelSegInferencer(config, checkpoint, show_progress=False)
    assert inferencer.metainfo['objects'] == KINDS
    onnx = OnnxSegmenter(files[0], show_progress=False)
    assert onnx.kinds == {kind: tuple(points) for kind, points in KINDS.items()}
    streams = [SkelSegStream(config, checkpoint), OnnxStream(files[1])]
    for seed in (5, 6, 7):
        video = take('new', seed=seed)
        del video['label']
        (expected,) = inferencer(video)['predictions']
        (found,) = onnx(video)['predictions']
        np.testing.assert_allclose(
            found['pred_score'], expected['pred_score'], atol=1e-4
        )
        things = [one['points'] for one in video['objects']]
        points = np.concatenate([video['keypoint'][0], *things], axis=1)
        for stream in streams:
            stream.reset()
            frames = [*stream.push(points[:9]), *stream.push(points[9:])]
            frames += stream.flush()
            streamed = np.stack([frame.probabilities for frame in frames], axis=1)
            np.testing.assert_allclose(streamed, expected['pred_score'], atol=1e-4)
    drops = drops_of(onnx, video)
    assert [int(np.argmax(own)) for own in drops] == [0, 1]
    np.testing.assert_allclose(drops, drops_of(inferencer, video), atol=1e-4)
    poses, objects = write_files(video, tmp_path)
    (found,) = onnx(poses, objects=objects)['predictions']
    np.testing.assert_allclose(found['pred_score'], expected['pred_score'], atol=1e-4)
    given = ('--objects', objects.parent, '--formats', 'csv', 'overlay')
    done = call_tool('demo/demo.py', poses, files[0], '--out', tmp_path / 'out', *given)
    assert f'new: {len(expected["segments"])} segments' in done.stdout
    with raises_naming(ValueError, '(4, 2)', '(10, 2)', '4 of box, 2 of hammer'):
        stream.another().push(points[0, :4])
    del video['objects']
    for segment in (inferencer, onnx):
        with raises_naming(
            ValueError, 'new: ', 'hammer (head, handle)', '--objects FILE'
        ):
            segment(video)
