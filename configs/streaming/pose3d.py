# The recipe of 3D coordinates for streams: a label depends on at most half a second of
# later frames. A config that inherits this adds what those of recipes add, and the
# lookahead if videos do not have 30 frames per second.
_base_ = '../recipes/pose3d.py'

features = dict(pose3d=dict(render=dict(causal=True)))
train_dataloader = dict(dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

model = dict(branches=dict(pose3d=dict(causal=True, lookahead=15)))

del features
