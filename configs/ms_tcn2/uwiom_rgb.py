_base_ = '../skelseg/uwiom_joint_limb.py'

dataset = dict(
    features=dict(
        _delete_=True,
        rgb=dict(
            render=dict(type='ReadVideoFrames'),
            encoder=dict(
                type='FrameEncoder',
                arch='torchvision.resnet50',
                weights='{{$SKELSEG_WEIGHTS:torchvision}}',
                intensity='raw',
            ),
        ),
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    branches=dict(_delete_=True, rgb=dict(type='MSTCNPlusPlus', in_channels=2048))
)

del dataset
