"""Behaviour in numbers: recordings, bouts, cycles, groups, observers and models."""
