# As configs/recipes/precog_body12.py, by which no label depends on more than half a
# second of what follows.
_base_ = '../recipes/precog_body12.py'

# Other models have a config of this name.
work_dir = 'work_dirs/streaming_precog_body12'

features = dict(pose2d=dict(render=dict(causal=True)))
train_dataloader = dict(dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

model = dict(branches=dict(pose2d=dict(causal=True, lookahead=15)))

del features
