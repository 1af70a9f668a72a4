_base_ = './pose3d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/streaming_precog_pose3d'

dataset = dict(ann_file='data/precog/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 20 joints of 6 channels
model = dict(num_classes=9, branches=dict(pose3d=dict(in_channels=120)))
val_evaluator = dict(num_classes=9)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=77)

del dataset
