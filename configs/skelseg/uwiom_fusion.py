_base_ = './uwiom_joint_limb.py'

dataset = dict(
    features=dict(
        rgb=dict(
            render=dict(type='ReadVideoFrames'),
            encoder=dict(
                type='FrameEncoder',
                arch='torchvision.resnet50',
                weights='{{$SKELSEG_WEIGHTS:torchvision}}',
                intensity='raw',
            ),
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
                checkpoint='work_dirs/uwiom_joint_limb/epoch_100.pth',
                prefix='branches.heatmap',
            )
        ),
        rgb=dict(
            type='MSTCNPlusPlus',
            in_channels=2048,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/uwiom_rgb/epoch_100.pth',
                prefix='branches.rgb',
            ),
        ),
    ),
    fusion=dict(neck=dict(type='ConcatFusion')),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))

del dataset
