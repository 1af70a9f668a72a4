_base_ = './stl.py'

model = dict(
    branches=dict(pose3d=dict(act_cfg=dict(type='Tanh'))),
    auxiliary=[
        dict(type='RiskHead'),
        dict(type='UncertaintyWeighting', losses=['loss_cls', 'loss_risk']),
    ],
)
