# For strikes and kicks in orders that the training videos do not have, as written by
# `mmskelseg make-config --recipe heatmap_cnn --segmentor asformer --any-order`.
_base_ = '../recipes/precog_heatmap_cnn.py'

# Configs of other models have this file name, and so the same default folder.
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
