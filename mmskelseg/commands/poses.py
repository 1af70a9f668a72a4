"""The runtime's command."""

from mmskelseg.runtime.cli.poses import main

__all__ = ['main']
