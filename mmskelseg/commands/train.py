"""Trains a segmentor."""

from mmskelseg.engine.jobs import Train

main = Train.main
