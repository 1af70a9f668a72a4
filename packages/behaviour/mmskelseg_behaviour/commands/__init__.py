"""The commands that measure and compare labels, a module each."""
