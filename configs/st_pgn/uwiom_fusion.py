_base_ = './uwiom_pose3d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/st_pgn_uwiom_fusion'

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
    branches=dict(rgb=dict(type='CausalTCN', in_channels=2048)),
    fusion=dict(neck=dict(type='ConcatFusion')),
)

del dataset
