"""Trains the model that suits your data, and reports how far to trust it."""

from mmskelseg.automl.job import Fit

main = Fit.main
