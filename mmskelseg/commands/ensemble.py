"""Scores the mean predictions of several models for the same test videos."""

from mmskelseg.engine.jobs import Ensemble

main = Ensemble.main
