"""Converters from the releases of public data sets to annotation files."""
