_base_ = './uwiom_joint_limb.py'

dataset = dict(ann_file='data/desktop_assembly/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(num_classes=23)
val_evaluator = dict(num_classes=23)
test_evaluator = val_evaluator

del dataset
