"""Stand-in for a backport, whose name MMAction2 uses for Python's own module."""

from importlib.metadata import *  # noqa: F403
