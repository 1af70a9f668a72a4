# The joints of PRECOG-16 that 2D pose estimators find, seen from another place in each
# epoch: for people in front of any camera, not just a Kinect.
_base_ = './pose2d.py'

dataset = dict(ann_file='data/precog_body12/annotations.pkl')
train_dataloader = dict(
    dataset=dict(
        **dataset,
        pipeline=[
            dict(type='RandomTimeWarp', sigma=0.25),
            # x points to the left and y upwards, as the Kinect sees them.
            dict(
                type='RandomHorizontalFlip',
                lateral=0,
                class_pairs=[
                    ('right_punch', 'left_punch'),
                    ('front_right_kick', 'front_left_kick'),
                    ('side_right_kick', 'side_left_kick'),
                ],
            ),
            dict(type='RandomRotation3D', degrees=30, tilt=8, vertical=1),
            dict(type='RandomProjection', distance=(2, 6), right='-x', down='-y'),
            dict(type='RandomScale', sigma=0.1),
            dict(type='RandomProportions', sigma=0.03),
            dict(type='RandomJitter', sigma=0.03, period=0.5),
            dict(type='RandomJointDropout', p=0.05),
            dict(type='LoadFrameFeatures'),
            dict(type='PackSegInputs'),
        ],
    )
)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 12 joints of 4 channels
model = dict(num_classes=9, branches=dict(pose2d=dict(in_channels=48)))
val_evaluator = dict(num_classes=9)
test_evaluator = val_evaluator

# Twice the recipe's length, since no two epochs look alike.
train_cfg = dict(max_epochs=154)

del dataset
