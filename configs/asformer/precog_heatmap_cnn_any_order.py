# For strikes and kicks in orders that the training videos do not have, as by
# `mmskelseg make-config --recipe heatmap_cnn --segmentor asformer --any-order`.
_base_ = '../recipes/precog_heatmap_cnn.py'

# Other models have a config of this name.
work_dir = 'work_dirs/asformer_precog_heatmap_cnn_any_order'

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='RecombineSegments', p=0.9, times=5, transitions='any'),
            *_base_.train_dataloader.dataset.pipeline,
        ]
    )
)

backbone = dict(
    _delete_=True,
    type='ASFormer',
    in_channels=5,
    standardize=False,
    stem=dict(type='HeatmapEncoder'),
)
model = dict(members=1, branches=dict(heatmap=backbone))

del backbone
