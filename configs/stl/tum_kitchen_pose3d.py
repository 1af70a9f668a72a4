_base_ = './uwiom_pose3d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/stl_tum_kitchen_pose3d'

dataset = dict(ann_file='data/tum_kitchen/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(num_classes=21)
val_evaluator = dict(num_classes=21)
test_evaluator = val_evaluator

del dataset
