"""Stands for ``mmaction.models.localizers.drn``, missing from a release."""
