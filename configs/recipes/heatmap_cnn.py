# Heatmaps of 2D skeletons, in a box that follows the person, through a small network
# that is trained with the rest. A config that inherits this adds what
# `mmskelseg make-config` fills in: ann_file, num_classes and max_epochs.
_base_ = './heatmap.py'

render = dict(
    type='RenderSkeletonHeatmap', sigma=1.0, box='person', sides=True, velocity=True
)
features = dict(heatmap=dict(_delete_=True, render=render, online=True))
# One video a step: with so few steps, twice as many help more than larger batches.
train_dataloader = dict(batch_size=1, dataset=dict(features=features))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

# Left, right and middle of the body, and the velocity along x and y.
backbone = dict(in_channels=5, standardize=False, stem=dict(type='HeatmapEncoder'))
model = dict(branches=dict(heatmap=backbone))

del backbone, features, render
