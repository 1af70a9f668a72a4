# The learning rate rises over the first steps and stays; the result is a moving average
# of the weights. With an eta_min_ratio below 1, the rate falls along a cosine to this
# fraction. Configs set the number of epochs.
_base_ = './adam_100e.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=50),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        convert_to_iter_based=True,
        eta_min_ratio=1.0,
    ),
]
custom_hooks = [
    # Averages over about the last 100 steps; up to step 900, over a tenth of the steps
    # so far. The running statistics of batch norms are averaged too, since those of the
    # last videos alone do not fit averaged weights.
    dict(
        type='EMAHook',
        ema_type='AnnealedAverage',
        momentum=0.01,
        gamma=9,
    ),
]
