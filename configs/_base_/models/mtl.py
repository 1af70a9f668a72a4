_base_ = './stl.py'

model = dict(
    branches=dict(pose3d=dict(act_cfg=dict(type='Tanh'))),
    risk_head=dict(type='RiskHead'),
    loss_weighting=dict(type='UncertaintyWeighting', losses=['loss_cls', 'loss_risk']),
)
