_base_ = '../skelseg/toy_joint_limb.py'

# PoseC3D's input at test time, and its network without the classifier.
render = dict(type='RenderJointHeatmaps', size=(64, 64), limbs=False, box='square')
arch = dict(
    type='mmaction.ResNet3dSlowOnly',
    depth=50,
    in_channels=17,
    base_channels=32,
    num_stages=3,
    out_indices=(2,),
    stage_blocks=(4, 6, 3),
    conv1_stride_s=1,
    pool1_stride_s=1,
    inflate=(0, 1, 1),
    spatial_strides=(2, 2, 2),
    temporal_strides=(1, 1, 2),
    dilations=(1, 1, 1),
)
encoder = dict(
    type='ClipEncoder',
    arch=arch,
    weights='{{$SKELSEG_CLIP_WEIGHTS:none}}',
    clip_len=48,
    step=30,
)
dataset = dict(features=dict(_delete_=True, clips=dict(render=render, encoder=encoder)))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    branches=dict(_delete_=True, clips=dict(type='MSTCNPlusPlus', in_channels=512))
)

del render, arch, encoder, dataset
