"""The command of the runtime."""

from mmskelseg.runtime.cli.poses import main

__all__ = ['main']
