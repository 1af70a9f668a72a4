"""User errors, command lines, progress, processes and dependencies."""
