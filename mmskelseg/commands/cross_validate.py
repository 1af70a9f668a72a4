"""Trains and tests a config on every fold of its annotation file, with every seed."""

from mmskelseg.engine.jobs import CrossValidate

main = CrossValidate.main
