# For strikes and kicks in orders that the training videos do not have, as by
# `mmskelseg make-config --segmentor asformer --any-order`.
_base_ = './precog_pose2d.py'

# Other models have a config of this name.
work_dir = 'work_dirs/asformer_precog_pose2d_any_order'

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='RecombineSegments', p=0.9, times=5, transitions='any'),
            *_base_.train_dataloader.dataset.pipeline,
        ]
    )
)
