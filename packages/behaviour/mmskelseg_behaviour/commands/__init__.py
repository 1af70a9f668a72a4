"""The commands that measure labels, a module each."""
