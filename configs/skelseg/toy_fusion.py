_base_ = './toy_joint_limb.py'

dataset = dict(
    features=dict(
        rgb=dict(
            render=dict(type='ReadVideoFrames', size=(112, 112)),
            encoder=dict(type='GridEncoder', channels=3),
        )
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    branches=dict(
        heatmap=dict(
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/toy_joint_limb/epoch_30.pth',
                prefix='branches.heatmap',
            )
        ),
        rgb=dict(
            type='MSTCNPlusPlus',
            in_channels=3 * 14 * 14,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/toy_rgb/epoch_30.pth',
                prefix='branches.rgb',
            ),
        ),
    ),
    fusion=dict(neck=dict(type='ConcatFusion')),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))

del dataset
