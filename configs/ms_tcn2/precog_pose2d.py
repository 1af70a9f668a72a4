_base_ = './uwiom_pose2d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/ms_tcn2_precog_pose2d'

dataset = dict(ann_file='data/precog/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 20 joints of 4 channels
model = dict(num_classes=9, branches=dict(pose2d=dict(in_channels=80)))
val_evaluator = dict(num_classes=9)
test_evaluator = val_evaluator

del dataset
