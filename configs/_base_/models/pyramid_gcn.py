_base_ = './ms_tcn2.py'

model = dict(
    branches=dict(
        _delete_=True, pose3d=dict(type='PyramidGCN', in_channels=3, skeleton='lcr15')
    )
)
