"""Summaries of a data set, and checks for suspicious content."""
