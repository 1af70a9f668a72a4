_base_ = '../skelseg/toy_joint_limb.py'

# What MMAction2's checkpoints of 2D joints read: x, y and score of each joint.
transforms = [
    dict(type='mmaction.PreNormalize2D'),
    dict(type='mmaction.GenSkeFeat', dataset='coco', feats=['j']),
]
pose2d = dict(render=dict(type='MMActionCoordinates', transforms=transforms))
dataset = dict(features=dict(_delete_=True, pose2d=pose2d))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# A quarter of ST-GCN's width, for speed.
network = dict(
    type='mmaction.STGCN',
    graph_cfg=dict(layout='coco', mode='stgcn_spatial'),
    base_channels=16,
    down_stages=[],
)
branch = dict(
    type='MMActionGCN',
    in_channels=3,
    skeleton='coco17',
    network=network,
    network_channels=64,
)
model = dict(branches=dict(_delete_=True, pose2d=branch))
train_cfg = dict(max_epochs=10)

del transforms, pose2d, dataset, network, branch
