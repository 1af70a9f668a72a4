# As configs/recipes/precog_body12.py, by which no label depends on more than half a
# second of what follows.
_base_ = '../recipes/precog_body12.py'

features = dict(pose2d=dict(render=dict(causal=True)))
train_dataloader = dict(dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

model = dict(branches=dict(pose2d=dict(causal=True, lookahead=15)))

del features
