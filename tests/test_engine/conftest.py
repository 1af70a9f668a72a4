import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

CLASSES = ['walk', 'stand', 'rest']
LABELS = {'day/1': [0, 0, 1, 1], 'day/2': [1, 1, 2, 2], 'day/3': [0, 2, 2, -1]}


class Videos(Dataset):
    """Three videos of four frames."""

    metainfo = {'classes': CLASSES, 'background': None}

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        frame_dir, labels = list(LABELS.items())[index]
        sample = ActionDataSample(metainfo={'frame_dir': frame_dir})
        sample.gt_label = torch.tensor(labels)
        sample.gt_risk = torch.ones(len(labels))
        return {'inputs': torch.zeros(1), 'data_samples': sample}


class Constant(BaseModel):
    """A model that takes every frame for the first class."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples, mode):
        if mode == 'loss':
            return {'loss': self.weight.sum()}
        for sample in data_samples:
            sample.pred_label = torch.zeros_like(sample.gt_label)
            sample.pred_risk = sample.gt_risk + 2
            sample.pred_score = torch.from_numpy(np.eye(3)[:, sample.pred_label])
        return data_samples


@pytest.fixture
def make_runner(tmp_path, request):
    """Return a function that builds a runner of two epochs with the given hooks."""

    def make(hooks, batch_size=1, **options):
        loader = {
            'batch_size': batch_size,
            'num_workers': 0,
            'dataset': Videos(),
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'collate_fn': {'type': 'pseudo_collate'},
        }
        metric = {'type': 'SegmentationMetric', 'num_classes': len(CLASSES)}
        settings = {
            'work_dir': str(tmp_path / 'work'),
            'experiment_name': request.node.name.replace('/', '_'),
            'default_scope': 'mmskelseg', 'train_dataloader': loader,
            'train_cfg': {'by_epoch': True, 'max_epochs': 2},
            'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.1}},
            'val_dataloader': loader, 'val_cfg': {}, 'val_evaluator': metric,
            'test_dataloader': loader, 'test_cfg': {}, 'test_evaluator': metric,
            'default_hooks': hooks, 'visualizer': {'type': 'SegVisualizer'},
            'randomness': {'seed': 7},
        }  # fmt: skip
        settings.update(options)
        return Runner(model=Constant(), **settings)

    return make
