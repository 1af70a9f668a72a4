"""Errors of users, progress, processes, and what the hardware multiplies fast."""
