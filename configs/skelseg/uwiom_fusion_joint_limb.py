_base_ = './uwiom_joint_limb.py'

# Two heatmaps instead of one: the joints' and the limbs', fused at every stage.
encoder = dict(
    type='FrameEncoder',
    arch='torchvision.resnet50',
    weights='{{$SKELSEG_WEIGHTS:torchvision}}',
)
dataset = dict(
    features=dict(
        _delete_=True,
        joint=dict(
            render=dict(type='RenderSkeletonHeatmap', limbs=False), encoder=encoder
        ),
        limb=dict(
            render=dict(type='RenderSkeletonHeatmap', joints=False), encoder=encoder
        ),
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    branches=dict(
        _delete_=True,
        joint=dict(
            type='MSTCNPlusPlus',
            in_channels=2048,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/uwiom_joint/epoch_100.pth',
                prefix='branches.heatmap',
            ),
        ),
        limb=dict(
            type='MSTCNPlusPlus',
            in_channels=2048,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/uwiom_limb/epoch_100.pth',
                prefix='branches.heatmap',
            ),
        ),
    ),
    fusion=dict(neck=dict(type='ConcatFusion')),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))

del encoder, dataset
