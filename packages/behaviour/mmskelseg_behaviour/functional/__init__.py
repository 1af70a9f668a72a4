"""Metrics as pure functions on arrays; scores are in percent, errors are not."""
