import subprocess
import sys

from mmengine.registry import Registry, root

from mmskelseg import models, registry

WITHOUT_SCOPE = """
import sys
from mmskelseg.registry import DATASETS, METRICS, MODELS

MODELS.build(dict(
    type='ActionSegmentor',
    num_classes=3,
    branches=dict(heatmap=dict(type='MSTCNPlusPlus', in_channels=4)),
    head=dict(type='SegmentationHead', loss_cls=dict(type='FrameCrossEntropyLoss')),
))
METRICS.build(dict(type='SegmentationMetric', num_classes=3))
dataset = DATASETS.build(dict(
    type='ActionSegDataset',
    ann_file=sys.argv[1],
    split='train',
    features=dict(heatmap=dict(
        render=dict(type='RenderSkeletonHeatmap'),
        encoder=dict(type='GridEncoder'),
    )),
    pipeline=[dict(type='LoadFrameFeatures'), dict(type='PackSegInputs')],
))
print(dataset[0]['inputs']['heatmap'].shape)
"""


def test_every_registry_of_mmengine_has_a_child():
    """Without one, MMEngine warns at each build in our scope."""
    for name, parent in vars(root).items():
        if isinstance(parent, Registry):
            child = getattr(registry, name)
            assert child.parent is parent
            assert child.scope == 'mmskelseg'


def test_parts_are_found_in_their_folder_by_their_name():
    """No list names them."""
    registry.MODELS.import_from_location()
    parts = [
        (name, cls)
        for name, cls in registry.MODELS.module_dict.items()
        if cls.__module__.startswith('mmskelseg.models.')
    ]
    assert len(parts) > 15
    assert all(getattr(models, name) is cls for name, cls in parts)
    assert not hasattr(models, 'Nothing')


def test_parts_build_without_a_default_scope(small_data):
    """In a script or notebook nobody sets one."""
    done = subprocess.run(
        [sys.executable, '-c', WITHOUT_SCOPE, str(small_data)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert 'torch.Size([196, 60])' in done.stdout
