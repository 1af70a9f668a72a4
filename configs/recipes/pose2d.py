# Coordinates of 2D skeletons, augmented anew in each epoch. A config that inherits this
# one adds what `mmskelseg make-config` fills in: ann_file, num_classes, in_channels and
# max_epochs.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/constant_ema.py',
    '../_base_/models/ms_tcn2.py',
    '../_base_/datasets/heatmap.py',
]

coordinates = dict(type='SkeletonCoordinates', dims=2, flatten=True)
features = dict(_delete_=True, pose2d=dict(render=coordinates, online=True))
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        features=features,
        pipeline=[
            dict(type='RandomTimeWarp', sigma=0.25),
            dict(type='RandomRotation', degrees=15),
            dict(type='RandomScale', sigma=0.1),
            dict(type='RandomJitter', sigma=0.02),
            dict(type='RandomJointDropout', p=0.02),
            dict(type='LoadFrameFeatures'),
            dict(type='PackSegInputs'),
        ],
    ),
)
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

backbone = dict(type='MSTCNPlusPlus', channels=32, dropout=0.3, standardize=True)
model = dict(members=3, branches=dict(_delete_=True, pose2d=backbone))

del backbone, coordinates, features
