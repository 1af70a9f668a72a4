# As cosine_ema.py, but the learning rate stays after its rise: with averaged weights,
# pose2d and pose3d score higher like this (docs/recipes.md). Models that inherit these
# recipes were not compared. With an eta_min_ratio below 1, the rate falls along a
# cosine to this fraction.
_base_ = './cosine_ema.py'

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(eta_min_ratio=1.0)
