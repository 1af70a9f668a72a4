"""Behaviour in numbers: recordings, bouts, cycles, groups and observers compared."""
