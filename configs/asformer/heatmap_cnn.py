# The recipe of this name with a small ASFormer, trained on videos recombined into new
# orders of actions. A config that inherits this adds what those of recipes add.
_base_ = ['../recipes/heatmap_cnn.py', '../_base_/models/small_asformer.py']

steps = [_base_.pop('recombination'), *_base_.train_dataloader.dataset.pipeline]
train_dataloader = dict(dataset=dict(pipeline=steps))

backbone = dict(
    **_base_.pop('backbone'),
    in_channels=5,
    stem=dict(type='HeatmapEncoder'),
    standardize=False,
)
model = dict(branches=dict(heatmap=backbone), **_base_.pop('segmentor'))

del backbone, steps
