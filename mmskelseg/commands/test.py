"""Scores a trained segmentor."""

from mmskelseg.engine.jobs import Test

main = Test.main
