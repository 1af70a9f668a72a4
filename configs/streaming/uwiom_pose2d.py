_base_ = '../recipes/uwiom_pose2d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/streaming_uwiom_pose2d'

features = dict(pose2d=dict(render=dict(causal=True)))
train_dataloader = dict(dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

# Half a second at 10 frames per second.
model = dict(branches=dict(pose2d=dict(causal=True, lookahead=5)))

del features
