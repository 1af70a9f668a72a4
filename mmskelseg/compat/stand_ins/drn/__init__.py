"""Stand-in for ``mmaction.models.localizers.drn``, which a release lacks."""
