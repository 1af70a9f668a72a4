# As cosine_ema.py, but the learning rate stays after its rise: with averaged weights,
# pose2d and pose3d score higher like this (docs/recipes.md). Models that inherit these
# recipes were not compared. With an eta_min_ratio below 1, the rate falls along a
# cosine to this fraction.
_base_ = './cosine_ema.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=50),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        convert_to_iter_based=True,
        eta_min_ratio=1.0,
    ),
]
