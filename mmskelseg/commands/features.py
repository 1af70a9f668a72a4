"""Computes the frame features of a config ahead of its training."""

from mmskelseg.engine.jobs import MakeFeatures

main = MakeFeatures.main
