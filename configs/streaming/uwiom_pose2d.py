_base_ = './pose2d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/streaming_uwiom_pose2d'

dataset = dict(ann_file='data/uwiom/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 15 joints of 4 channels; half a second at 10 frames per second
pose2d = dict(in_channels=60, lookahead=5)
model = dict(num_classes=17, branches=dict(pose2d=pose2d))
val_evaluator = dict(num_classes=17)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=120)

del dataset, pose2d
