# The recipe of this name with a small ASFormer, trained on videos recombined into new
# orders of actions. A config that inherits this adds what those of recipes add.
_base_ = '../recipes/heatmap.py'

train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        pipeline=[
            dict(type='RecombineSegments', p=0.9, times=5, transitions='any'),
            *_base_.train_dataloader.dataset.pipeline,
        ]
    ),
)

# The paper has ten layers and three decoders; new orders need fewer.
backbone = dict(
    _delete_=True,
    type='ASFormer',
    num_layers=9,
    num_decoders=1,
    standardize=True,
)
model = dict(
    members=1,
    branches=dict(heatmap=backbone),
    postprocess=[dict(type='MinDuration')],
)

del backbone
