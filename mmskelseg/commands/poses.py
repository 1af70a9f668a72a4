"""Estimates the poses in videos."""

from mmskelseg.runtime.cli.poses import main

__all__ = ['main']
