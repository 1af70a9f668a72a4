"""Summaries of a data set, and checks for what looks wrong in it."""
