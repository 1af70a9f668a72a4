"""Hooks, run folders and whatever else runs around a training."""
