"""Behaviour in numbers: recordings, their bouts and cycles, groups compared."""
