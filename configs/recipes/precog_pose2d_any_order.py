# For strikes and kicks in orders that the training videos do not have, as written by
# `mmskelseg make-config --any-order`.
_base_ = './precog_pose2d.py'

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='RecombineSegments', p=0.9, times=5, transitions='any'),
            *_base_.train_dataloader.dataset.pipeline,
        ]
    )
)
