_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/adam_100e.py',
    '../_base_/models/stl.py',
    '../_base_/datasets/uwiom_pose3d.py',
]

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/stl_uwiom_pose3d'

dataset = dict(features=dict(pose3d=dict(render=dict(displacement=False))))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

del dataset
