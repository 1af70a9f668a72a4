"""User errors, progress, processes and precision."""
