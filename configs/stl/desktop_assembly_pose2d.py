_base_ = './uwiom_pose3d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/stl_desktop_assembly_pose2d'

dataset = dict(
    ann_file='data/desktop_assembly/annotations.pkl',
    features=dict(
        _delete_=True,
        pose2d=dict(
            render=dict(type='SkeletonCoordinates', dims=2, displacement=False)
        ),
    ),
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    num_classes=23,
    branches=dict(
        _delete_=True, pose2d=dict(type='GCNTCN', in_channels=2, skeleton='coco17')
    ),
)
val_evaluator = dict(num_classes=23)
test_evaluator = val_evaluator

del dataset
