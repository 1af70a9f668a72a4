"""Estimates the poses in videos."""

from mmskelseg.runtime.jobs.poses import main

__all__ = ['main']
