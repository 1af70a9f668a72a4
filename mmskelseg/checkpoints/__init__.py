"""Checkpoints, read without running code, and the trainings that they are from."""
