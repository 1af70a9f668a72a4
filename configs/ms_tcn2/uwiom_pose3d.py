_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/adam_100e.py',
    '../_base_/models/ms_tcn2.py',
    '../_base_/datasets/uwiom_pose3d.py',
]

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/ms_tcn2_uwiom_pose3d'

dataset = dict(features=dict(pose3d=dict(render=dict(flatten=True))))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 15 joints of 6 channels
model = dict(
    branches=dict(_delete_=True, pose3d=dict(type='MSTCNPlusPlus', in_channels=90))
)

del dataset
