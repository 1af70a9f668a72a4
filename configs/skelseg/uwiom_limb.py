_base_ = './uwiom_joint_limb.py'

render = dict(joints=False)
train_dataloader = dict(dataset=dict(features=dict(heatmap=dict(render=render))))
val_dataloader = dict(dataset=dict(features=dict(heatmap=dict(render=render))))
test_dataloader = val_dataloader
