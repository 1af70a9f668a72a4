# As configs/recipes/precog_pose3d.py, for streams.
_base_ = '../recipes/precog_pose3d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/streaming_precog_pose3d'

features = dict(pose3d=dict(render=dict(causal=True)))
train_dataloader = dict(dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

model = dict(branches=dict(pose3d=dict(causal=True, lookahead=15)))

del features
