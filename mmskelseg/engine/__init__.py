"""Hooks, run folders, and other things around a training."""
