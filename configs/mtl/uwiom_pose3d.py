_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/adam_100e.py',
    '../_base_/models/mtl.py',
    '../_base_/datasets/uwiom_pose3d.py',
]

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/mtl_uwiom_pose3d'

dataset = dict(features=dict(pose3d=dict(render=dict(displacement=False))))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='SegmentationMetric', num_classes=17),
    dict(type='RiskMetric'),
]
test_evaluator = val_evaluator

del dataset
