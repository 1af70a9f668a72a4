"""Stand-in for the backport that MMAction2 imports instead of Python's own module."""

from importlib.metadata import *  # noqa: F403
