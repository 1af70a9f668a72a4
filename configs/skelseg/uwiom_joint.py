_base_ = './uwiom_joint_limb.py'

dataset = dict(features=dict(heatmap=dict(render=dict(limbs=False))))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

del dataset
