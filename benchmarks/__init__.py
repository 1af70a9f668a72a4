"""Benchmarks of the time and memory of mmskelseg, compared with plain code."""
