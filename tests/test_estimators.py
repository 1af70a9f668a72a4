"""Pose estimation in videos, by real and by fake estimators."""

import re
import shutil
import sys
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from threading import Thread
from types import ModuleType, SimpleNamespace
from urllib.error import URLError

import cv2
import numpy as np
import pytest

from mmskelseg.apis.mmpose_inferencer import MMPoseAlias
from mmskelseg_io.messages.dependencies import Dependency, DependencyError
from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.estimators import MediaPipePose, build_pose_estimator, mediapipe
from mmskelseg_runtime.estimators.detecting import build_detector
from mmskelseg_runtime.estimators.estimator import VideoFrames, strongest
from tests.errors import raises_naming
from tests.stand_ins import write_networks
from tests.test_poses.trackers import COCO_OF_33
from tests.walkers import Walkers


def test_poses_have_all_people_with_boxes_size_and_rate(clip):
    poses = Walkers().estimate(clip(frames=10), progress=False)
    assert poses.keypoint.shape == (2, 10, 17, 2)
    assert (poses.img_shape, poses.fps) == ((96, 128), 10)
    np.testing.assert_allclose(poses.person_score[:, [0, 9]], [[0.9, 0.9], [0, 0.6]])
    np.testing.assert_array_equal(poses.person_box[1, 9], [50, 10, 110, 90])
    assert poses.keypoint_score[1, :4].max() == 0
    assert poses.people == ()


def test_video_without_people_has_missing_joints_and_says_so(clip):
    poses = Walkers(people=0).estimate(clip(frames=5), progress=False)
    assert poses.keypoint_score.shape == (1, 5, 17)
    assert not poses.keypoint_score.any()
    assert poses.notes == ('nobody was found in any frame',)


def test_strongest_people_come_first_and_no_more_than_asked():
    """Without a score, a person has the mean score of the joints."""
    keypoint = np.arange(3.0)[:, None, None] * np.ones((3, 4, 2))
    score = np.array([0.2, 0.9, 0.5])[:, None] * np.ones((3, 4))
    found = list(strongest(7, keypoint, score, most=2))
    assert [d.joints[0, 0] for d in found] == [1, 2]
    assert [(d.frame, d.score, d.box) for d in found] == [(7, None, None)] * 2


def test_frames_that_lack_or_come_at_another_rate_are_noted(clip):
    frames = VideoFrames(clip(frames=30), progress=False)
    frames.times.file = replace(frames.file, frames=40, fps=12)
    assert sum(1 for _ in frames) == frames.times.count == 30
    lacking, rate = frames.times.notes()
    assert lacking == 'only the first 30 of 40 frames can be read'
    assert rate.startswith(
        'states 12 frames per second, but its time stamps mean 10; give it a constant'
    )


def test_networks_that_cannot_be_downloaded_are_reported(monkeypatch, clip):
    def detections(self, images):
        raise URLError('no such host')

    monkeypatch.setattr(Walkers, 'detections', detections)
    with raises_naming(RuntimeError, 'Walkers', 'docs/pose_estimation.md'):
        Walkers().estimate(clip(), progress=False)


@pytest.mark.parametrize(('estimator', 'options', 'named'), [
    ('openpose', {}, "'openpose' | rtmlib:MODE, mediapipe, topdown"),
    ('mediapipe:2', {}, "'mediapipe:2'"),
    ({'type': 'Nothing'}, {}, "'Nothing' | MediaPipePose, RTMLibPose"),
    ({}, {}, 'None | MediaPipePose'),
    ('topdown', {'speed': 3}, 'MMPoseAlias | speed | model, '),
    ('rtmlib', {'solution': 'Feet'}, "solution | 'Feet' | Body"),
    ('rtmlib:fast', {}, "mode | 'fast' | lightweight"),
])  # fmt: skip
def test_unknown_estimators_and_options_are_named(estimator, options, named):
    with raises_naming(UserError, named):
        build_pose_estimator(estimator, **options)


@pytest.mark.parametrize('given', [15, 'dog', [15, 'dog']])
def test_categories_may_be_a_single_one(given, monkeypatch):
    """As in `--options categories=dog`."""
    monkeypatch.setattr(Dependency, 'problem', lambda self: '')
    estimator = MMPoseAlias('animal', categories=given)
    expected = tuple(given) if isinstance(given, list) else (given,)
    assert estimator.categories == expected


def test_topdown_is_mmposes_inferencer_with_the_networks_of_the_paper(monkeypatch):
    """Its options keep their names; a network may follow a colon."""
    monkeypatch.setattr(Dependency, 'problem', lambda self: '')
    hrnet = 'td-hm_hrnet-w32_8xb64-210e_coco-256x192'
    paper = {
        'type': 'MMPoseAlias',
        'model': hrnet,
        'weights': None,
        'detector': 'faster-rcnn_r50_fpn_1x_coco',
        'detector_weights': None,
        'categories': ('person',),
        'box_score': 0.5,
        'max_people': 10,
    }
    assert build_pose_estimator('topdown').settings() == paper
    other = build_pose_estimator('topdown:vitpose', pose_weights='a.pth', max_people=2)
    changed = {'model': 'vitpose', 'weights': 'a.pth', 'max_people': 2}
    assert other.settings() == {**paper, **changed}
    given = build_pose_estimator('topdown', pose='vitpose', categories=[0])
    assert given.settings() == {**paper, 'model': 'vitpose', 'categories': (0,)}
    by_type = build_pose_estimator({'type': 'TopDownPose', 'pose': 'vitpose'})
    assert by_type.settings() == {**paper, 'model': 'vitpose'}


@pytest.mark.parametrize(
    ('name', 'named'),
    [
        ('topdown', 'MMPoseAlias | mmdet>=3 | docs/pose_estimation.md'),
        ('mmpose:human', 'MMPoseAlias | mmdet>=3 | docs/pose_estimation.md'),
        ('rtmlib', 'RTMLibPose | rtmlib>= | `pip install rtmlib'),
    ],
)
def test_missing_packages_are_told_in_a_sentence(monkeypatch, name, named):
    monkeypatch.setattr(Dependency, 'found', lambda self: ('', ''))
    with raises_naming(DependencyError, named):
        build_pose_estimator(name)


@pytest.mark.parametrize(('python', 'versions', 'sentence'), [
    ((3, 13), {'numpy': '1.26.4'}, 'which does not exist for Python 3.13; run'),
    ((3, 11), {'numpy': '2.4.6'}, 'needs numpy>=1.23,<2, but numpy 2.4.6 is inst'),
    ((3, 11), {'numpy': '1.26.4'}, 'needs mediapipe>=0.10.14,<0.10.22, but it is '),
    ((3, 11), {'numpy': '1.26.4', 'mediapipe': '1.0.1'},
     'needs mediapipe>=0.10.14,<0.10.22, but mediapipe 1.0.1 is installed; run'),
])  # fmt: skip
def test_mediapipe_tells_what_is_in_its_way(monkeypatch, python, versions, sentence):
    monkeypatch.setattr(
        Dependency, 'found', lambda self: (self.name, versions.get(self.name, ''))
    )
    monkeypatch.setattr(mediapipe.sys, 'version_info', python)
    with pytest.raises(DependencyError) as error:
        MediaPipePose()
    assert sentence in str(error.value)
    assert 'with Python 3.10 to 3.12, or choose rtmlib' in str(error.value)
    assert str(error.value).count('. ') == 0, 'more than a sentence'


@pytest.fixture
def pretended_mediapipe(monkeypatch):
    """A module whose network finds landmark i at (i, 2i) percent, visible by i / 32.

    It finds nobody in its second image; what it was asked for is in the list returned.
    """
    asked = []

    class Pose:
        def __init__(self, **options):
            asked.append(options)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            asked.append('closed')

        def process(self, image):
            asked.append(image[0, 0].tolist())
            point = [
                SimpleNamespace(x=i / 100, y=i / 50, z=0, visibility=i / 32)
                for i in range(33)
            ]
            found = None if len(asked) == 3 else SimpleNamespace(landmark=point)
            return SimpleNamespace(pose_landmarks=found)

    module = ModuleType('mediapipe')
    module.solutions = SimpleNamespace(pose=SimpleNamespace(Pose=Pose))
    monkeypatch.setitem(sys.modules, 'mediapipe', module)
    monkeypatch.setattr(mediapipe, '_check', lambda: None)
    return asked


def test_mediapipe_landmarks_become_cocos_joints(pretended_mediapipe):
    """In pixels; the network gets RGB images."""
    image = np.zeros((50, 200, 3), np.uint8)
    image[..., 0] = 255
    estimator = MediaPipePose(min_detection_confidence=0.7)
    found = list(estimator.detections([image] * 3))
    assert [d.frame for d in found] == [0, 2]
    i = np.array(COCO_OF_33)
    np.testing.assert_allclose(
        found[0].joints, np.stack([i * 2, i, i / 32], axis=1), rtol=1e-6
    )
    assert len(COCO_OF_33) == Skeleton.get(estimator.skeleton).num_joints
    assert pretended_mediapipe == [
        {
            'model_complexity': 1,
            'smooth_landmarks': True,
            'min_detection_confidence': 0.7,
            'min_tracking_confidence': 0.5,
        },
        [0, 0, 255],
        [0, 0, 255],
        [0, 0, 255],
        'closed',
    ]


def test_mediapipe_notes_the_mapping_and_its_settings(pretended_mediapipe, clip):
    estimator = MediaPipePose(0)
    poses = estimator.estimate(clip(frames=3), progress=False)
    assert poses.notes == ("MediaPipe's 33 landmarks mapped to coco17",)
    assert (poses.keypoint_score[0] > 0).any(axis=1).tolist() == [True, False, True]
    assert estimator.settings() == {
        'type': 'MediaPipePose', 'model_complexity': 0, 'min_detection_confidence': 0.5,
        'min_tracking_confidence': 0.5, 'smooth_landmarks': True,
    }  # fmt: skip


@pytest.fixture
def networks_of_rtmlib(tmp_path, monkeypatch):
    """Stand-ins of the default networks, packed as on the server of OpenMMLab.

    The detector finds two people, the second with little confidence; the joints of each
    are in the middle of their box. Addresses of rtmlib lead to a port without a server,
    and its cache is empty.
    """
    rtmlib = pytest.importorskip('rtmlib', reason='rtmlib is not installed')
    monkeypatch.delenv('TORCH_HOME', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    write_networks(tmp_path)
    mode = {'det_input_size': (416, 416), 'pose_input_size': (192, 256)}
    mode |= {key: f'http://127.0.0.1:9/{key}_1.zip' for key in ('det', 'pose')}
    monkeypatch.setitem(rtmlib.Body.MODE, 'lightweight', mode)
    return mode


GREY = [np.full((416, 416, 3), 90, np.uint8)] * 2


def test_default_estimator_fetches_rtmpose_once(networks_of_rtmlib, tmp_path, capsys):
    """From a server that is gone later, beside NumPy 2; files and pictures are real."""
    served = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(('127.0.0.1', 0), served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        for key in ('det', 'pose'):
            address = f'http://127.0.0.1:{server.server_port}/{key}_1.zip'
            networks_of_rtmlib[key] = address
        first, second = build_pose_estimator().detections(GREY)
        server.shutdown()
    assert (first.frame, second.frame) == (0, 1)
    np.testing.assert_array_equal(first.box, [104, 104, 208, 312])
    np.testing.assert_allclose(first.joints, [[156, 208, 0.8]] * 17, rtol=1e-5)
    again = build_pose_estimator()
    assert len(list(again.detections(GREY))) == 2
    assert Skeleton.get(again.skeleton).num_joints == 17
    assert again.settings()['mode'] == 'lightweight'
    assert capsys.readouterr().out == ''


def test_rtmpose_without_a_connection_says_what_to_put_where(
    networks_of_rtmlib, tmp_path
):
    with raises_naming(UnavailableError, 'RTMPose') as error:
        next(iter(build_pose_estimator().detections(GREY)))
    *addresses, folder = re.findall(r'http\S+zip|/\S+checkpoints', str(error.value))
    assert addresses == [networks_of_rtmlib['det'], networks_of_rtmlib['pose']]
    for address in addresses:
        shutil.copy(tmp_path / address.rpartition('/')[2], folder)
    assert len(list(build_pose_estimator().detections(GREY))) == 2


def test_rtmpose_takes_files_in_place_of_downloads(networks_of_rtmlib, tmp_path):
    options = {f'networks.{k}': str(tmp_path / f'{k}_1.onnx') for k in ('det', 'pose')}
    sizes = {'networks.det_input_size': (416, 416), 'max_people': 1}
    one = build_pose_estimator('rtmlib', **options, **sizes)
    assert len(list(one.detections(GREY))) == 2
    (tmp_path / 'det_1.onnx').write_bytes(b'cut short')
    with raises_naming(UnavailableError, 'networks.det'):
        list(build_pose_estimator('rtmlib', **options).detections(GREY))
    (tmp_path / 'det_1.onnx').unlink()
    with raises_naming(UserError, tmp_path / 'det_1.onnx'):
        list(build_pose_estimator('rtmlib', **options).detections(GREY))


@pytest.mark.skipif(
    mediapipe._MEDIAPIPE.problem() != '',
    reason='MediaPipe is an extra that needs NumPy 1',
)
def test_mediapipe_follows_a_person(shared):
    """Joints of the person in black, read off the picture."""
    video = cv2.VideoCapture(str(shared / 'data/videos/demo_skeleton.mp4'))
    images = [cv2.resize(video.read()[1], (960, 540)) for _ in range(3)]
    found = list(MediaPipePose().detections(images))
    assert [d.frame for d in found] == [0, 1, 2]
    joints = dict(zip(Skeleton.get('coco17').joints, found[-1].joints, strict=True))
    expected = {
        'nose': (515, 155),
        'left_shoulder': (547, 195),
        'right_hip': (493, 287),
    }
    for name, place in expected.items():
        assert np.hypot(*(joints[name][:2] - place)) < 15, name
        assert joints[name][2] > 0.9


both = pytest.mark.skipif(
    not (find_spec('mmdet') and find_spec('mmpose')),
    reason='MMDetection and MMPose are not installed (docs/pose_estimation.md)',
)


@pytest.fixture(scope='module')
def networks(tmp_path_factory):
    """Faster R-CNN and HRNet with random weights, made quick by small images."""
    import torch
    from mmdet.apis import init_detector
    from mmengine.config import Config
    from mmpose.apis import init_model

    from mmskelseg.apis.mmpose_inferencer import find_network, in_scope

    folder = tmp_path_factory.mktemp('networks')
    torch.manual_seed(0)
    found = {}
    for part, package, name, init in (
        ('detector', 'mmdet', 'faster-rcnn_r50_fpn_1x_coco', init_detector),
        ('pose', 'mmpose', 'td-hm_hrnet-w32_8xb64-210e_coco-256x192', init_model),
    ):
        cfg = Config.fromfile(find_network(package, name, 'none')[0])
        if part == 'detector':
            cfg.test_dataloader.dataset.pipeline[1].scale = (128, 96)
            cfg.model.test_cfg.rpn.update(nms_pre=50, max_per_img=50)
            # Random weights are sure of nothing. MMPose drops boxes by 0.3 as well.
            cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=200)
            cfg.model.test_cfg.rcnn.nms.iou_threshold = 0.3
        cfg.dump(folder / f'{part}.py')
        with in_scope(package):
            network = init(str(folder / f'{part}.py'), device='cpu')
        meta = {'dataset_meta': network.dataset_meta}
        weights = {'state_dict': network.state_dict(), 'meta': meta}
        torch.save(weights, folder / f'{part}.pth')
        found[part] = str(folder / f'{part}.py')
        found[f'{part}_weights'] = str(folder / f'{part}.pth')
    return found


@both
@pytest.mark.slow
def test_faster_rcnn_and_hrnet_agree_with_the_functions_of_their_packages(
    networks, clip
):
    """The pipeline of the paper, called by hand with the same weights."""
    from mmdet.apis import inference_detector, init_detector
    from mmpose.apis import inference_topdown, init_model

    from mmskelseg.apis.mmpose_inferencer import in_scope

    video = clip(frames=2)
    poses = build_pose_estimator(
        'topdown', **networks, box_score=0.0, max_people=3, device='cpu'
    ).estimate(video, progress=False)
    assert poses.skeleton == 'coco17'
    assert poses.keypoint.shape == (3, 2, 17, 2)
    detector, pose = (
        init(networks[part], networks[f'{part}_weights'], device='cpu')
        for part, init in (('detector', init_detector), ('pose', init_model))
    )
    for frame, image in enumerate(VideoFrames(video, progress=False)):
        with in_scope('mmdet'):
            found = inference_detector(detector, image).pred_instances.cpu().numpy()
        found = found[(found.labels == 0)]
        found = found[np.argsort(-found.scores, kind='stable')[:3]]
        with in_scope('mmpose'):
            people = inference_topdown(pose, image, found.bboxes)
        joints, score = (
            np.concatenate([p.pred_instances[key] for p in people])
            for key in ('keypoints', 'keypoint_scores')
        )
        # Without confidence a joint is missing.
        joints[score <= 0] = 0
        np.testing.assert_allclose(poses.keypoint[:, frame], joints, atol=0.01)
        np.testing.assert_allclose(poses.person_box[:, frame], found.bboxes, atol=0.01)
        np.testing.assert_allclose(
            poses.person_score[:, frame], found.scores, atol=1e-4
        )


@both
@pytest.mark.slow
def test_objects_agree_with_the_function_of_mmdetection(networks, clip):
    from mmdet.apis import inference_detector, init_detector

    from mmskelseg.apis.mmpose_inferencer import in_scope

    config, weights = networks['detector'], networks['detector_weights']
    options = {'weights': weights, 'box_score': 0.0, 'device': 'cpu'}
    detector = build_detector(config, **options)
    (ours, *_) = detector.detect(clip(frames=2), progress=False)
    assert detector.classes[0] == 'person'
    network = init_detector(config, weights, device='cpu')
    image = next(iter(VideoFrames(clip(frames=2), progress=False)))
    with in_scope('mmdet'):
        found = inference_detector(network, image).pred_instances.numpy()
    assert len(found)
    assert ours['labels'] == found.labels.tolist()
    np.testing.assert_allclose(ours['bboxes'], found.bboxes, atol=1e-3)


@both
@pytest.mark.slow
def test_networks_that_are_not_there_are_reported(networks, clip):
    def fault(named, **options):
        options = {**networks, 'device': 'cpu', **options}
        with raises_naming(UserError, named):
            build_pose_estimator('topdown', **options).estimate(
                clip(frames=2), progress=False
            )

    fault('r50: | mmdet', detector='r50')
    fault('gone.pth: ', pose_weights='gone.pth')
    fault("mmpose | 'none'", pose_weights=None)
    fault('detector.py | human; | person, ', categories=['human'])


@pytest.mark.usefixtures('alone')
def test_runtime_alone_has_no_mmpose():
    with raises_naming(DependencyError, 'MMPoseAlias', 'mmskelseg-runtime', 'rtmlib'):
        build_pose_estimator('mmpose:human')
