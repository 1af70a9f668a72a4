_base_ = './uwiom_joint_limb.py'

# All skeleton augmentations of Sec. III-C; the paper itself uses none.
train_dataloader = dict(
    dataset=dict(
        features=dict(
            heatmap=dict(
                copies=4,
                transforms=[
                    dict(type='RandomHorizontalFlip'),
                    dict(type='RandomRotation'),
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
