_base_ = './ms_tcn2.py'

model = dict(
    branches=dict(
        _delete_=True, pose3d=dict(type='MSGCN', in_channels=6, skeleton='lcr15')
    )
)
