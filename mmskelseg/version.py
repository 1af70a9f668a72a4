"""The version, which is that of all packages of this repository."""

from mmskelseg_io.version import __version__

__all__ = ['__version__']
