_base_ = '../skelseg/uwiom_joint_limb.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/ms_tcn2_uwiom_pose2d'

pose2d = dict(render=dict(type='SkeletonCoordinates', dims=2, flatten=True))
dataset = dict(features=dict(_delete_=True, pose2d=pose2d))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 15 joints of 4 channels
model = dict(
    branches=dict(_delete_=True, pose2d=dict(type='MSTCNPlusPlus', in_channels=60))
)

del dataset, pose2d
