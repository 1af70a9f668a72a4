import json
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmskelseg.datasets import ActionSegDataset, load_annotations
from mmskelseg.datasets.transforms import LoadFrameFeatures
from mmskelseg.registry import DATASETS, MODELS
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
    assert len(dataset) == 2
    item = dataset[1]
    annotation = load_annotations(small_data)['annotations'][1]
    assert item['inputs']['heatmap'].shape == (16, 45)
    sample = item['data_samples']
    np.testing.assert_array_equal(sample.gt_label, annotation['label'])
    assert sample.frame_dir == 'video_1'
    assert sample.total_frames == 45
    assert sample.fps == 10


def test_dataset_stores_features_beside_the_annotations(small_data):
    """The store is the folder `features` next to the annotation file."""
    build(small_data)
    files = sorted(small_data.parent.glob('features/heatmap-*/*.npy'))
    assert [file.name.split('-')[0] for file in files] == ['video_0', 'video_1']


def test_dataset_tells_transforms_the_skeleton(small_data):
    """A transform of the features knows the joints of the annotation file."""
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
    """The meta information of the annotations becomes that of the data set."""
    metainfo = build(small_data, 'test').metainfo
    assert metainfo['classes'] == ['class_0', 'class_1', 'class_2']
    assert metainfo['skeleton'] == 'coco17'


def test_batch_of_videos_is_padded_with_zeros(small_data):
    """The preprocessor pads every modality to the longest video."""
    dataset = build(small_data)
    batch = pseudo_collate([dataset[0], dataset[1]])
    padded = MODELS.build({'type': 'SegDataPreprocessor'})(batch)['inputs']['heatmap']
    assert padded.shape == (2, 16, 60)
    torch.testing.assert_close(padded[1, :, :45], dataset[1]['inputs']['heatmap'])
    assert not padded[1, :, 45:].any()


def test_dataset_refuses_an_unknown_split(small_data):
    """The message names the splits that there are."""
    with pytest.raises(ValueError, match=r"no split 'val'; choose one of train, test"):
        build(small_data, 'val')


def test_dataset_refuses_an_empty_split(small_data):
    """A split without videos is an error, with the file."""
    data = small_annotations()
    data['split']['test'] = []
    small_data.write_bytes(pickle.dumps(data))
    with pytest.raises(ValueError, match=r"annotations.pkl: split 'test' is \[\]"):
        build(small_data, 'test')


def test_load_features_refuses_another_number_of_frames(tmp_path):
    """Features and video must have the same frames."""
    np.save(tmp_path / 'a.npy', np.zeros((7, 2), np.float32))
    item = {
        'frame_dir': 'video',
        'total_frames': 8,
        'feature_files': {'heatmap': str(tmp_path / 'a.npy')},
    }
    with pytest.raises(
        ValueError, match=r'7 frames of features, but video video has 8'
    ):
        LoadFrameFeatures()(item)


def test_dataset_is_exported():
    """It can be imported by name, for use without a config."""
    assert DATASETS.get('ActionSegDataset') is ActionSegDataset
