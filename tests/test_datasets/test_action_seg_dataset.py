import json
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmskelseg.datasets.transforms import LoadFrameFeatures
from mmskelseg.registry import DATASETS, MODELS
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from tests.errors import raises_naming
from tests.small_data import small_annotations

FEATURES = {
    'heatmap': {
        'render': {'type': 'RenderSkeletonHeatmap'},
        'encoder': {'type': 'GridEncoder', 'grid': (4, 4)},
    }
}
PIPELINE = [{'type': 'LoadFrameFeatures'}, {'type': 'PackSegInputs'}]


def build(path, split='train', **options):
    return DATASETS.build(
        {
            'type': 'ActionSegDataset',
            'ann_file': str(path),
            'split': split,
            'features': FEATURES,
            'pipeline': PIPELINE,
            **options,
        }
    )


def test_dataset_gives_one_item_a_video(small_data):
    """Features are (C, T), labels (T,), and the meta information names the video."""
    dataset = build(small_data)
    assert len(dataset) == dataset.metainfo['videos'] == 2
    item = dataset[1]
    annotation = load_annotations(small_data)['annotations'][1]
    assert item['inputs']['heatmap'].shape == (16, 45)
    sample = item['data_samples']
    np.testing.assert_array_equal(sample.gt_label, annotation['label'])
    assert sample.frame_dir == 'video_1'
    assert sample.total_frames == 45
    assert sample.fps == 10


def test_long_recordings_are_cropped_as_often_as_crops_cover_them(small_data):
    """Videos of 60 and 45 frames: a crop more than fit into the second one."""
    dataset = build(small_data, crop_frames=20)
    items = [dataset[i] for i in range(len(dataset))]
    names = [item['data_samples'].frame_dir for item in items]
    assert names == ['video_0'] * 3 + ['video_1'] * 3
    assert {item['inputs']['heatmap'].shape for item in items} == {(16, 20)}
    assert [video['total_frames'] for _, video in dataset.videos()] == [60, 45]


def test_crops_begin_elsewhere_in_each_epoch(small_data):
    """They are spread over the recording; here, 26 places for 3 crops."""
    dataset = build(small_data, pipeline=[], crop_frames=20)
    begins = []
    for epoch in range(40):
        dataset.set_epoch(epoch)
        begins.append([dataset[i]['source_frames'][0] for i in (3, 4, 5)])
    assert len(set(map(tuple, begins))) > 30
    for crop, places in enumerate(np.transpose(begins)):
        assert crop * 26 // 3 <= places.min() < places.max() <= (crop + 1) * 26 // 3


def partly_labelled(path, *intervals):
    """Remove all labels of the first video but those of some intervals."""
    data = small_annotations((400, 45, 50))
    label = data['annotations'][0]['label']
    kept = np.full_like(label, -1)
    for start, end in intervals:
        kept[start:end] = label[start:end]
    data['annotations'][0]['label'] = kept
    save_annotations(data, path)


def test_crops_are_where_labels_are(small_data):
    """One of the first interval, two of the second, with context on both sides."""
    partly_labelled(small_data, (50, 60), (300, 340))
    dataset = build(small_data, pipeline=[], crop_frames=20)
    assert len(dataset) == 3 + 3
    begins = []
    for epoch in range(40):
        dataset.set_epoch(epoch)
        items = [dataset[i] for i in range(3)]
        assert all((item['label'] >= 0).sum() >= 10 for item in items)
        begins.append([item['source_frames'][0] for item in items])
    lowest, highest = np.min(begins, axis=0), np.max(begins, axis=0)
    assert (lowest >= [40, 290, 310]).all()
    assert (highest <= [50, 310, 330]).all()
    # Context before and after.
    assert lowest[0] < 45 < highest[0]
    assert lowest[1] < 300 < 320 < highest[2]


def with_observers(path):
    """Let three observers label the first video, who disagree in its first frames."""
    data = small_annotations()
    own = data['annotations'][0]
    rows = np.repeat(own.pop('label')[None], 3, axis=0)
    rows[:, :4] = [[0, 0, 1, -1], [0, 1, -1, -1], [1, 2, -1, -1]]
    own['observers'] = dict(zip(['ann', 'bob', 'cat'], rows, strict=True))
    save_annotations(data, path)
    return rows


def test_shares_of_observers_stand_beside_labels(small_data):
    """Also in crops; where nobody votes, as in the second video, they are 0."""
    rows = with_observers(small_data)
    dataset = build(small_data, observers='shares')
    sample = dataset[0]['data_samples']
    assert sample.gt_label[:4].tolist() == [0, -1, 1, -1]
    found = sample.gt_votes[:, :4].tolist()
    assert found == [[2, 1, 0, 0], [1, 1, 1, 0], [0, 1, 0, 0]]
    assert not dataset[1]['data_samples'].gt_votes.any()
    crops = build(small_data, pipeline=[], observers='shares', crop_frames=20)
    for i in range(3):
        item = crops[i]
        expected = [(rows[:, item['source_frames']] == k).sum(axis=0) for k in range(3)]
        np.testing.assert_array_equal(item['votes'], expected)
    assert 'gt_votes' not in build(small_data)[0]['data_samples']


def test_shares_without_observers_are_named(small_data):
    with raises_naming(ValueError, small_data, "observers='shares'"):
        build(small_data, observers='shares')


def test_videos_without_labels_take_no_steps_but_are_tested(small_data):
    partly_labelled(small_data)
    dataset = build(small_data)
    assert (len(dataset), dataset.num_videos) == (1, 1)
    assert dataset[0]['data_samples'].frame_dir == 'video_1'
    assert len(build(small_data, test_mode=True)) == 2


def test_split_without_labels_is_named(small_data):
    data = small_annotations()
    for video in data['annotations'][:2]:
        video['label'][:] = -1
    save_annotations(data, small_data)
    with raises_naming(ValueError, small_data, "'train'", '-1'):
        build(small_data)
    assert len(build(small_data, 'test')) == 1


def test_dataset_stores_features_beside_the_annotations(small_data):
    build(small_data)
    files = sorted(small_data.parent.glob('features/heatmap-*/*.npy'))
    assert [file.name.split('-')[0] for file in files] == ['video_0', 'video_1']


def test_dataset_tells_transforms_the_skeleton(small_data):
    drop = {'type': 'DropLimb', 'p': 1.0}
    features = {'heatmap': {**FEATURES['heatmap'], 'transforms': [drop]}}
    changed = build(small_data, features=features)[0]['inputs']['heatmap']
    assert not torch.equal(changed, build(small_data)[0]['inputs']['heatmap'])
    texts = [f.read_text() for f in small_data.parent.glob('features/*/settings.json')]
    settings = [json.loads(text).get('transforms') for text in texts]
    (drops,) = filter(None, settings)
    assert drops[0]['groups']['left_arm'] == [5, 7, 9]
    assert 'skeleton' not in drop


def test_dataset_takes_classes_and_skeleton_from_the_file(small_data):
    metainfo = build(small_data, 'test').metainfo
    assert metainfo['classes'] == ['class_0', 'class_1', 'class_2']
    assert metainfo['skeleton'] == 'coco17'


def test_batch_of_videos_is_padded_with_zeros(small_data):
    dataset = build(small_data)
    batch = pseudo_collate([dataset[0], dataset[1]])
    padded = MODELS.build({'type': 'SegDataPreprocessor'})(batch)['inputs']['heatmap']
    assert padded.shape == (2, 16, 60)
    torch.testing.assert_close(padded[1, :, :45], dataset[1]['inputs']['heatmap'])
    assert not padded[1, :, 45:].any()


def test_dataset_refuses_an_unknown_split(small_data):
    with raises_naming(ValueError, small_data, "'val'", 'train, test'):
        build(small_data, 'val')


def test_dataset_refuses_an_empty_split(small_data):
    data = small_annotations()
    data['split']['test'] = []
    small_data.write_bytes(pickle.dumps(data))
    with raises_naming(ValueError, small_data, "'test'", '[]'):
        build(small_data, 'test')


def test_load_features_refuses_another_number_of_frames(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros((7, 2), np.float32))
    item = {
        'frame_dir': 'video',
        'total_frames': 8,
        'feature_files': {'heatmap': [str(tmp_path / 'a.npy')]},
    }
    with raises_naming(ValueError, 'a.npy', '7 frames', 'video video', '8 frames'):
        LoadFrameFeatures()(item)


def test_copies_take_turns(small_data):
    """Epochs read one copy after another; each is made with a seed of its own."""
    drop = {'type': 'DropLimb', 'p': 1.0}
    features = {'heatmap': {**FEATURES['heatmap'], 'transforms': [drop], 'copies': 3}}
    dataset = build(small_data, features=features)
    read = []
    for epoch in range(4):
        dataset.set_epoch(epoch)
        read.append(dataset[0]['inputs']['heatmap'])
    torch.testing.assert_close(read[3], read[0])
    for i in range(3):
        drop = {'type': 'DropLimb', 'p': 1.0, 'seed': i}
        single = {'heatmap': {**FEATURES['heatmap'], 'transforms': [drop]}}
        expected = build(small_data, features=single)[0]['inputs']['heatmap']
        torch.testing.assert_close(read[i], expected)
    assert not torch.equal(read[0], read[1])


def test_copies_need_a_seed_to_differ(small_data):
    part = {'type': 'LoadFrameFeatures'}
    features = {'heatmap': {**FEATURES['heatmap'], 'transforms': [part], 'copies': 2}}
    with raises_naming(ValueError, 'features.heatmap', 'LoadFrameFeatures', '`seed`'):
        build(small_data, features=features)


@pytest.mark.parametrize('copies', [0, 2, '2'])
def test_copies_need_a_number_and_transforms(small_data, copies):
    features = {'heatmap': {**FEATURES['heatmap'], 'copies': copies}}
    with raises_naming(ValueError, 'features.heatmap.copies', repr(copies)):
        build(small_data, features=features)


@pytest.mark.parametrize('start', [None, 'spawn'])
def test_loader_workers_are_told_the_epoch(small_data, start):
    """Started as the system does, or spawned as on Windows and macOS."""
    drop = {'type': 'DropLimb', 'p': 1.0}
    features = {'heatmap': {**FEATURES['heatmap'], 'transforms': [drop], 'copies': 2}}
    dataset = build(small_data, features=features)
    loader = DataLoader(
        dataset,
        batch_size=1,
        num_workers=1,
        persistent_workers=True,
        multiprocessing_context=start,
        collate_fn=pseudo_collate,
    )
    for epoch in range(3):
        dataset.set_epoch(epoch)
        loaded = [batch['inputs']['heatmap'][0] for batch in loader]
        torch.testing.assert_close(loaded[0], dataset[0]['inputs']['heatmap'])


@pytest.mark.parametrize('named', [False, True])
def test_video_files_are_beside_the_annotations(small_data, tmp_path, clip, named):
    """A relative `filename` starts at the annotation file, or at a folder named."""
    data = small_annotations()
    for video in data['annotations']:
        video['filename'] = f'clips/{video["frame_dir"]}.mp4'
    save_annotations(data, small_data)
    folder = tmp_path / 'elsewhere' if named else small_data.parent
    for video in data['annotations']:
        clip(folder / video['filename'], video['total_frames'], 10, (32, 32))
    rgb = {
        'render': {'type': 'ReadVideoFrames', 'size': (8, 8)},
        'encoder': {'type': 'GridEncoder', 'grid': (2, 2), 'channels': 3},
    }
    options = {'data_prefix': {'video': str(folder)}} if named else {}
    dataset = build(small_data, features={**FEATURES, 'rgb': rgb}, **options)
    inputs = dataset[0]['inputs']
    assert list(inputs) == ['heatmap', 'rgb']
    assert inputs['rgb'].shape == (12, 60)


ONLINE = {
    'heatmap': {**FEATURES['heatmap'], 'online': True},
    'pose2d': {
        'render': {'type': 'SkeletonCoordinates', 'dims': 2, 'flatten': True},
        'online': True,
    },
}


def test_online_features_are_those_of_files_until_something_augments(small_data):
    online = build(small_data, features=ONLINE)
    assert not (small_data.parent / 'features').exists()
    kept = {m: {k: v for k, v in f.items() if k != 'online'} for m, f in ONLINE.items()}
    stored = build(small_data, features=kept)
    assert len(list(small_data.parent.glob('features/*/*.npy'))) == 4
    for i in range(2):
        for modality in ONLINE:
            expected = stored[i]['inputs'][modality]
            assert torch.equal(online[i]['inputs'][modality], expected)


@pytest.mark.parametrize('online', [True, False])
def test_each_individual_is_seen_first_among_others(tmp_path, online):
    """Or alone, by a renderer that reads no others."""
    data = small_annotations()
    for video in data['annotations']:
        for key in ('keypoint', 'keypoint_score'):
            other = video[key] + 30 * (key == 'keypoint')
            video[key] = np.concatenate([video[key], other[:, ::-1]])
        video['label'] = np.stack([video['label'], video['label'][::-1]])
        video['individuals'] = ['ann', 'bob']
    save_annotations(data, tmp_path / 'two.pkl')
    renders = {
        'pairs': {'type': 'PairCoordinates', 'dims': 2},
        'pose2d': {'type': 'SkeletonCoordinates', 'dims': 2, 'flatten': True},
    }
    features = {k: {'render': v, 'online': online} for k, v in renders.items()}
    dataset = build(tmp_path / 'two.pkl', features=features)
    assert len(dataset) == 4
    ann, bob = dataset[0]['inputs'], dataset[1]['inputs']
    for one in (ann, bob):
        assert torch.equal(one['pairs'][:68], one['pose2d'])
    assert not torch.equal(ann['pose2d'], bob['pose2d'])
    assert ann['pairs'][68].all()


def test_augmentations_draw_anew_in_each_epoch_for_all_modalities_alike(small_data):
    """Both are made of one skeleton, whose limbs the data set knows."""
    drop = {'type': 'DropLimb', 'p': 1.0}
    pipeline = [{'type': 'RandomTimeWarp'}, drop, *PIPELINE]
    dataset = build(small_data, features=ONLINE, pipeline=pipeline)
    lengths = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        inputs, sample = dataset[0]['inputs'], dataset[0]['data_samples']
        assert inputs['heatmap'].shape[1] == inputs['pose2d'].shape[1]
        assert inputs['pose2d'].shape[1] == len(sample.gt_label) == sample.total_frames
        lengths.append(sample.total_frames)
        # A joint that is lost has zeros in all of its channels.
        lost = (inputs['pose2d'].view(4, 17, -1) == 0).all(dim=0)
        assert lost[[9, 10, 15, 16]].any()
    assert lengths[0] == lengths[2] != lengths[1]


def test_copies_of_online_features_are_refused(small_data):
    """Every epoch has its own anyway."""
    drop = [{'type': 'DropLimb', 'p': 1.0}]
    feature = {**ONLINE['heatmap'], 'copies': 2, 'transforms': drop}
    with raises_naming(ValueError, 'features.heatmap', 'copies=2', 'online=True'):
        build(small_data, features={'heatmap': feature})


def test_online_features_of_other_frames_than_the_labels_are_refused(small_data):
    """A renderer of the user's own may leave some out."""
    dataset = build(small_data, features={'pose2d': ONLINE['pose2d']})
    (recipe,) = dataset._online.values()
    make = recipe.render.coordinates
    recipe.render.coordinates = lambda video: make(video)[::2]
    with raises_naming(ValueError, 'video_0', '60 frames', 'pose2d', ' 30'):
        dataset[0]
