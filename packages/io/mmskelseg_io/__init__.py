"""Reads, checks, writes and converts the files of the field, without a model."""
