"""Converters of checkpoints from other repositories, and for publication."""
