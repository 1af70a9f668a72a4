"""Hooks, run folders, and other parts of trainings and tests."""
