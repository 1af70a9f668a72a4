# For strikes and kicks in orders that the training videos do not have, as written by
# `mmskelseg make-config --segmentor asformer --any-order`.
_base_ = './precog_pose2d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/asformer_precog_pose2d_any_order'

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='RecombineSegments', p=0.9, times=5, transitions='any'),
            *_base_.train_dataloader.dataset.pipeline,
        ]
    )
)
