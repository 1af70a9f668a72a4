# The recipe of this name with a small ASFormer, trained on videos recombined into new
# orders of actions. A config that inherits this adds what those of recipes add.
_base_ = ['../recipes/pose3d.py', '../_base_/models/small_asformer.py']

steps = [_base_.pop('recombination'), *_base_.train_dataloader.dataset.pipeline]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=steps))

backbone = dict(**_base_.pop('backbone'), standardize=True)
model = dict(
    branches=dict(pose3d=backbone),
    # Not for heatmaps, with which it gains nothing.
    auxiliary=[dict(type='SegmentContrastLoss')],
    **_base_.pop('segmentor'),
)

del backbone, steps
