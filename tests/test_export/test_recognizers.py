"""Recognisers of MMAction2 in sliding windows, against MMAction2's own inference."""

import json
from time import sleep

import cv2
import numpy as np
import pytest
import torch
from mmaction.apis import inference_recognizer, init_recognizer
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch import nn

from mmskelseg.apis import ClipOptions, SkelSegStream
from mmskelseg.commands.train import main as train
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses
from mmskelseg_io.poses.npz import write_npz
from mmskelseg_runtime.commands import live as live_module
from mmskelseg_runtime.commands.live import main as live
from mmskelseg_runtime.commands.segment import main as segment
from mmskelseg_runtime.estimators import PoseEstimator
from mmskelseg_runtime.estimators.estimator import strongest
from mmskelseg_runtime.features import ImageCoordinates
from tests.clips import write_video
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.small_data import TOY, save_poses

CLASSES = 4
SAMPLE = {'type': 'UniformSampleFrames', 'clip_len': 6, 'test_mode': True}
END = {'type': 'PackActionInputs'}
GCN = [
    {'type': 'PreNormalize2D'},
    {'type': 'GenSkeFeat', 'dataset': 'coco', 'feats': ['j']},
    {**SAMPLE, 'num_clips': 2},
    {'type': 'PoseDecode'},
    {'type': 'FormatGCNInput', 'num_person': 2},
    END,
]
HEATMAPS = [
    SAMPLE,
    {'type': 'PoseDecode'},
    {'type': 'PoseCompact', 'hw_ratio': 1.0, 'allow_imgpad': True},
    {'type': 'Resize', 'scale': (-1, 16)},
    {'type': 'CenterCrop', 'crop_size': 16},
    {'type': 'GeneratePoseTarget', 'with_kp': True, 'with_limb': False},
    {'type': 'FormatShape', 'input_format': 'NCTHW_Heatmap'},
    END,
]
IMAGES = [{'type': 'DecordInit'}, {'type': 'SampleFrames', 'clip_len': 8}, END]


def gcn(name='STGCN', layout='coco', channels=8, **options):
    return {
        'type': 'RecognizerGCN',
        'backbone': {
            'type': name,
            'graph_cfg': {'layout': layout, 'mode': 'stgcn_spatial'},
            'base_channels': channels,
            'num_stages': 2,
            'inflate_stages': [],
            'down_stages': [2],
            **options,
        },
        'cls_head': {
            'type': 'GCNHead',
            'num_classes': CLASSES,
            'in_channels': channels,
        },
    }


POSEC3D = {
    'type': 'Recognizer3D',
    'backbone': {
        'type': 'ResNet3dSlowOnly', 'depth': 50, 'pretrained': None, 'in_channels': 17,
        'base_channels': 4, 'num_stages': 1, 'out_indices': (0,), 'stage_blocks': (1,),
        'conv1_stride_s': 1, 'pool1_stride_s': 1, 'inflate': (0,),
        'spatial_strides': (2,), 'temporal_strides': (1,), 'dilations': (1,),
    },
    'cls_head': {
        'type': 'I3DHead', 'num_classes': CLASSES, 'in_channels': 16,
        'average_clips': 'prob',
    },
}  # fmt: skip
STGCNPP = gcn(gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn')
KINDS = {
    'stgcn': (gcn(), GCN),
    'agcn': (gcn('AAGCN'), GCN),
    'stgcn++': (STGCNPP, GCN),
    'posec3d': (POSEC3D, HEATMAPS),
}


@pytest.fixture
def saved(tmp_path):
    """Return a function that writes a recogniser of random weights."""

    def save(model, pipeline, meta=None, name='own', joints=17, **of_walk):
        config = Config({'model': model, 'test_pipeline': pipeline})
        config.test_dataloader = {'dataset': {'pipeline': pipeline}}
        config.default_scope = 'mmaction'
        path = tmp_path / f'{name}.py'
        config.dump(path)
        with DefaultScope.overwrite_default_scope('mmaction'):
            network = MODELS.build(config.model)
            steps = Compose(pipeline)
        if pipeline is not IMAGES:
            make_telling(
                network, steps, 25 if 'nturgb+d' in str(model) else joints, **of_walk
            )
        meta = {'dataset_meta': meta, 'cfg': config.pretty_text}
        content = {'state_dict': network.state_dict(), 'meta': meta}
        torch.save(content, tmp_path / f'{name}.pth')
        return str(path), str(tmp_path / f'{name}.pth')

    return save


def make_telling(network, steps, joints, **of_walk):
    """Let the probabilities of random weights differ between clips."""
    video = walk(40, joints=joints, seed=1, **of_walk)
    if joints == 25:
        video['keypoint'] = np.random.default_rng(1).uniform(1, 2, (1, 40, 25, 3))
        del video['keypoint_score']
    clips = [steps(clip_of(video, slice(i, i + 10))) for i in range(0, 40, 5)]
    clips = torch.stack([clip['inputs'] for clip in clips]).float()
    for one in network.modules():
        if hasattr(one, 'running_mean'):
            one.momentum = 1.0
    with torch.no_grad():
        network.extract_feat(clips)
        network.eval()
        logit = network.cls_head(network.extract_feat(clips)[0])
        (last,) = (m for m in network.cls_head.modules() if isinstance(m, nn.Linear))
        last.bias -= logit.mean(dim=0)
        for parameter in last.parameters():
            parameter *= 5 / logit.std(dim=0).mean()


def clip_of(video, rows):
    """Return some frames of a video, as MMAction2's pipelines read them."""
    arrays = {k: video[k][:, rows].copy() for k in video if k.startswith('keypoint')}
    return {
        **arrays, 'total_frames': arrays['keypoint'].shape[1], 'start_index': 0,
        'img_shape': (480, 640), 'original_shape': (480, 640), 'label': -1,
        'modality': 'Pose',
    }  # fmt: skip


def walk(frames, persons=1, joints=17, seed=0, least=0.3):
    """Return the annotation of people at 10 frames a second, now still, now moving."""
    rng = np.random.default_rng(seed)
    strength = np.where(np.arange(frames) // 15 % 2, 90, 5)[:, None, None]
    steps = rng.normal(0, 1, (persons, frames, joints, 2)) * strength
    start = np.random.default_rng(0).uniform(100, 300, (persons, 1, joints, 2))
    return {
        'keypoint': (start + steps).astype(np.float32),
        'keypoint_score': rng.uniform(least, 1, steps.shape[:3]).astype(np.float32),
        'img_shape': (480, 640),
        'fps': 10.0,
    }


def predicted(video, files, **options):
    found, *_ = inferencer_of(*files, **options)(video)['predictions']
    return found


def by_mmaction(video, files, size, stride):
    """Return probabilities (K, T) from a loop over windows with MMAction2's API."""
    model = init_recognizer(*files, device='cpu')
    model.cls_head.average_clips = 'prob'
    frames = video['keypoint'].shape[1]
    last = max(frames - size, 0)
    found = [[] for _ in range(frames)]
    for begin in sorted({*range(0, last, stride), last}):
        rows = slice(begin, begin + size)
        score = inference_recognizer(model, clip_of(video, rows)).pred_score.numpy()
        for frame in range(begin, min(begin + size, frames)):
            found[frame].append(score)
    return np.array([np.mean(scores, axis=0) for scores in found]).T


@pytest.mark.parametrize('kind', KINDS)
def test_probabilities_are_means_over_windows_of_mmaction(saved, kind):
    """Of a second, here 10 frames, each two and a half frames, rounded down."""
    video, files = walk(60), saved(*KINDS[kind])
    found = predicted(video, files, clips=ClipOptions(1.0))
    expected = by_mmaction(video, files, 10, 2)
    np.testing.assert_allclose(found['pred_score'], expected, atol=1e-5)
    assert len({*expected.argmax(axis=0)}) > 1
    np.testing.assert_allclose(found['pred_score'].sum(axis=0), 1, atol=1e-5)


def test_recording_shorter_than_a_window_is_one_clip(saved):
    video, files = walk(7), saved(*KINDS['stgcn'])
    found = predicted(video, files)
    expected = by_mmaction(video, files, 7, 1)
    np.testing.assert_allclose(found['pred_score'], expected, atol=1e-5)
    assert len(found['segments']) == 1


def test_segments_last_half_a_window(saved):
    found = predicted(walk(200), saved(*KINDS['stgcn']), clips=ClipOptions(1.0))
    lengths = [one['end_frame'] - one['start_frame'] for one in found['segments']]
    assert min(lengths) >= 5
    assert len(lengths) > 1


@pytest.mark.parametrize('kind', ['stgcn', 'posec3d'])
def test_recogniser_sees_all_people_or_each_alone(saved, kind):
    both, files = walk(12, persons=2), saved(*KINDS[kind])
    expected = by_mmaction(both, files, 20, 5)
    found = predicted(both, files)
    np.testing.assert_allclose(found['pred_score'], expected, atol=1e-5)
    each = inferencer_of(*files)(both, person='each')['predictions']
    for i, one in enumerate(each):
        own = {
            **both,
            **{k: both[k][i : i + 1] for k in ('keypoint', 'keypoint_score')},
        }
        expected = by_mmaction(own, files, 20, 5)
        np.testing.assert_allclose(one['pred_score'], expected, atol=1e-5)


def test_recogniser_of_joints_in_3d_reads_them(saved):
    """MMAction2 keeps them as `keypoint`, without scores."""
    pipeline = [
        {'type': 'PreNormalize3D'},
        {'type': 'GenSkeFeat', 'dataset': 'nturgb+d', 'feats': ['b']},
        *GCN[2:],
    ]
    files = saved(gcn(layout='nturgb+d'), pipeline)
    points = np.random.default_rng(0).uniform(1, 2, (1, 12, 25, 3)).astype(np.float32)
    video = {**walk(12, joints=25), 'keypoint_3d': points}
    found = predicted(video, files)
    expected = by_mmaction({'keypoint': points}, files, 20, 5)
    np.testing.assert_allclose(found['pred_score'], expected, atol=1e-5)
    with raises_naming(UserError, 'keypoint_3d', files[1]):
        predicted(walk(12, joints=25), files)


def test_segment_writes_the_files_of_a_recogniser(saved, tmp_path):
    files, video = saved(*KINDS['stgcn++']), walk(40)
    own = (video[key] for key in ('keypoint', 'keypoint_score'))
    poses = Poses(*own, 'coco17', (480, 640), 10.0)
    write_npz(poses, tmp_path / 'long.npz')
    names = ['fall', 'sit down', 'stand up', 'wave']
    (tmp_path / 'names.txt').write_text('\n'.join(names) + '\n')
    job = [str(tmp_path / 'long.npz'), *files, '--out', str(tmp_path / 'out')]
    formats = ['--formats', 'csv', 'json', 'boris', 'timeline']
    more = ['--clip-seconds', '1', '--label-map', str(tmp_path / 'names.txt')]
    segment([*job, *more, *formats])
    written = {one.name for one in (tmp_path / 'out').iterdir()}
    assert {'segments.csv', 'segments.json', 'timeline.png'} <= written
    found = json.loads((tmp_path / 'out' / 'segments.json').read_text())
    expected = predicted(video, files, clips=ClipOptions(1.0))
    spans = [
        (one['start_frame'], names[one['label_id']]) for one in expected['segments']
    ]
    assert [(one['start_frame'], one['label']) for one in found['segments']] == spans


def test_classes_are_those_of_the_training_or_numbers(saved, tmp_path):
    model, video = KINDS['stgcn'], walk(8)
    assert predicted(video, saved(*model))['classes'] == [
        'class 0', 'class 1', 'class 2', 'class 3'
    ]  # fmt: skip
    meta = {'classes': ['a', 'b', 'c', 'd']}
    assert predicted(video, saved(*model, meta))['classes'] == meta['classes']
    (tmp_path / 'names.txt').write_text('a\nb\nc\n')
    with raises_naming(UserError, str(tmp_path / 'names.txt'), '3', '4'):
        predicted(
            video, saved(*model), clips=ClipOptions(label_map=tmp_path / 'names.txt')
        )


def test_layout_of_its_own_comes_from_the_training(saved):
    """Or from an option of the config."""
    graph = {'num_node': 20, 'inward': [(i, i - 1) for i in range(1, 20)], 'center': 0}
    video, model = walk(8, joints=20), gcn(layout=graph)
    found = predicted(video, saved(model, GCN, {'skeleton': 'kinect20'}, joints=20))
    assert found['skeleton'] == 'kinect20'
    files = saved(model, GCN, joints=20)
    with raises_naming(UserError, files[0], '20 joints', 'metainfo.skeleton'):
        predicted(video, files)


def test_wrong_recogniser_is_named_before_anything_runs(saved):
    video, files = walk(8), saved(*KINDS['stgcn'])
    other = saved(gcn(channels=16), GCN, name='wide')
    with raises_naming(UserError, files[0], other[1]):
        predicted(video, (files[0], other[1]))
    bones = [GCN[0], {**GCN[1], 'feats': ['b']}, *GCN[2:]]
    other = saved(gcn(), bones, name='bones')
    with raises_naming(UserError, files[0], other[1], "['b']", "['j']"):
        predicted(video, (files[0], other[1]))
    with raises_naming(UserError, files[1], 'RecognizerGCN'):
        predicted(video, (files[1], None))
    images = saved(POSEC3D, IMAGES, name='images')
    with raises_naming(UserError, images[0], 'DecordInit'):
        predicted(video, images)


def test_options_of_recognisers_are_for_them_alone(small_config, checkpoint):
    file = checkpoint(small_config)
    with raises_naming(UserError, str(file), '--clip-seconds'):
        inferencer_of(small_config, file, clips=ClipOptions(1.0))


def test_stream_labels_frames_by_the_last_window(saved):
    """Of ten frames, or all so far, each second frame; joints are seen or not."""
    video, files = walk(30, least=1), saved(*KINDS['stgcn'], least=1)
    stream = SkelSegStream(
        *files, fps=10.0, clips=ClipOptions(1.0, img_shape=video['img_shape'])
    )
    points = video['keypoint'][0]
    found = [*stream.push(points[:7]), *stream.push(points[7:]), *stream.flush()]
    assert [one.index for one in found] == [*range(30)]
    for i, one in enumerate(found):
        end = i - i % 2 + 1
        own = {
            **video,
            **{
                k: video[k][:, max(end - 10, 0) : end]
                for k in ('keypoint', 'keypoint_score')
            },
        }
        expected = by_mmaction(own, files, 10, 2)[:, 0]
        np.testing.assert_allclose(one.probabilities, expected, atol=1e-5)
    assert np.ptp([one.probabilities for one in found], axis=0).max() > 0.1


def test_live_labels_a_video_by_a_recogniser(saved, tmp_path, capsys):
    write_video(tmp_path / 'take.mp4', [9] * 40, img_shape=(480, 640))
    save_poses(tmp_path / 'take.npz', walk(40))
    files = saved(*KINDS['stgcn'], {'classes': list('abcd')})
    poses = ['--poses', str(tmp_path / 'take.npz')]
    more = ['--fps', '10', '--clip-seconds', '1', '--events', '--no-window']
    live([str(tmp_path / 'take.mp4'), *files, *poses, '--every-frame', *more])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    spans = [
        (one['start_frame'], one['end_frame']) for one in lines if one['event'] == 'end'
    ]
    ends = [end for _, end in spans]
    assert [start for start, _ in spans] == [0, *ends[:-1]]
    assert ends[-1] == 40
    assert {one['label'] for one in lines} <= {*'abcd'}


class Capture:
    """A camera of 100 frames a second, which is unplugged after 40."""

    def __init__(self, source):
        self.frames = iter(range(40))

    def isOpened(self):  # noqa: N802
        return True

    def get(self, key):
        return 100.0

    def read(self):
        number = next(self.frames, None)
        sleep(0.01)
        image = np.zeros((480, 640, 3), np.uint8)
        return number is not None, None if number is None else image

    def release(self):
        pass


class Walker(PoseEstimator):
    """Finds the next pose of a walk in each image."""

    skeleton = 'coco17'

    def __init__(self, video):
        self.points = iter(video['keypoint'][0])

    def detections(self, images):
        for frame, _ in enumerate(images):
            points = next(self.points)[None]
            yield from strongest(frame, points, np.ones((1, 17)), most=1)


def test_live_labels_a_camera_by_a_recogniser(saved, monkeypatch, capsys):
    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    monkeypatch.setattr(
        live_module, 'build_pose_estimator', lambda name, **_: Walker(walk(40))
    )
    files = saved(*KINDS['stgcn'], {'classes': list('abcd')})
    more = ['--fps', '100', '--clip-seconds', '.1', '--events', '--no-window']
    live(['0', *files, *more])
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    ends = [one for one in lines if one['event'] == 'end']
    spans = [(one['start_frame'], one['end_frame']) for one in ends]
    # Frames are counted by the clock.
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert {one['label'] for one in lines} <= {*'abcd'}
    assert '0: 640x480' in said.err


def test_features_of_images_are_what_recognisers_read():
    """Those of MMAction2's own steps, but in another order of axes."""
    video = walk(5)
    with DefaultScope.overwrite_default_scope('mmaction'):
        steps = Compose(GCN[:2])
    expected = steps(clip_of(video, slice(None)))['keypoint'][0].swapaxes(1, 2)
    found = ImageCoordinates('coco17').coordinates(video)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_segmentor_trains_from_the_network_of_a_recogniser(saved, small_data, tmp_path):
    """On recordings, at full frame rate; without training, its weights stay."""
    _, checkpoint = saved(*KINDS['stgcn++'])
    init = {'type': 'Pretrained', 'checkpoint': checkpoint, 'prefix': 'backbone.'}
    network = {**STGCNPP['backbone'], 'type': 'mmaction.STGCN', 'down_stages': []}
    branch = {
        'type': 'MMActionGCN', 'in_channels': 3, 'skeleton': 'coco17',
        'network': {**network, 'init_cfg': init}, 'network_channels': 8, 'channels': 8,
        'num_refinements': 1, 'num_refinement_layers': 2,
    }  # fmt: skip
    features = {'image': {'render': {'type': 'ImageCoordinates'}, 'online': True}}
    cfg = Config.fromfile(TOY)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.ann_file, loader.dataset.features = str(small_data), features
    cfg.model.branches, cfg.model.num_classes = {'image': branch}, 3
    cfg.val_evaluator.num_classes = cfg.test_evaluator.num_classes = 3
    cfg.train_cfg = {'type': 'EpochBasedTrainLoop', 'max_epochs': 1}
    cfg.optim_wrapper.optimizer.lr = 0.0
    cfg.dump(tmp_path / 'segmentor.py')
    folder = tmp_path / 'run'
    train([str(tmp_path / 'segmentor.py'), '--work-dir', str(folder)])
    trained = torch.load(folder / 'epoch_1.pth', weights_only=False)['state_dict']
    own = 'branches.image.backbone.stages.0.network.gcn.0.gcn.conv.weight'
    given = torch.load(checkpoint)['state_dict']['backbone.gcn.0.gcn.conv.weight']
    torch.testing.assert_close(trained[own], given)
    assert len(predicted(str(small_data), (tmp_path / 'segmentor.py', folder)))
