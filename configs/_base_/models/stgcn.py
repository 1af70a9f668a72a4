_base_ = './ms_tcn2.py'

# With down_stages=[], the weights of ST-GCN still fit, and each frame has a feature.
network = dict(
    type='mmaction.STGCN', graph_cfg=dict(mode='stgcn_spatial'), down_stages=[]
)
model = dict(
    branches=dict(
        _delete_=True,
        pose3d=dict(
            type='MMActionGCN', in_channels=6, skeleton='lcr15', network=network
        ),
    )
)

del network
