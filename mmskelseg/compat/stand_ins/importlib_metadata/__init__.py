"""The backport under whose name MMAction2 asks for Python's own module."""

from importlib.metadata import *  # noqa: F403
