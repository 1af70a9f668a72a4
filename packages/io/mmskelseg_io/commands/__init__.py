"""The commands that need no model, a module each."""
