# The recipe of 3D coordinates, by which no label depends on more than half a second of
# what follows. A config that inherits this adds what those of recipes add, and the
# lookahead where videos have another rate than 30 frames per second.
_base_ = '../recipes/pose3d.py'

features = dict(pose3d=dict(render=dict(causal=True)))
train_dataloader = dict(dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

model = dict(branches=dict(pose3d=dict(causal=True, lookahead=15)))

del features
