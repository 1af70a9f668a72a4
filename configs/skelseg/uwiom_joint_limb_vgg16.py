_base_ = './uwiom_joint_limb.py'

dataset = dict(features=dict(heatmap=dict(encoder=dict(arch='torchvision.vgg16'))))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(branches=dict(heatmap=dict(in_channels=512)))

del dataset
