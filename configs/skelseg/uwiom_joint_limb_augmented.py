_base_ = './uwiom_joint_limb.py'

# All skeleton augmentations of Sec. III-C; the paper itself uses none.
train_dataloader = dict(
    dataset=dict(
        features=dict(
            heatmap=dict(
                copies=4,
                transforms=[
                    dict(type='RandomHorizontalFlip', lateral=1),
                    dict(type='RandomRotation', depth=0),
                    dict(type='RandomShift'),
                ],
            )
        ),
        pipeline=[
            dict(type='LoadFrameFeatures'),
            dict(type='RandomSpeed'),
            dict(type='PackSegInputs'),
        ],
    )
)
