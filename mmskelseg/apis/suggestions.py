"""What to label next, which is in `mmskelseg.suggesting`."""

from mmskelseg.suggesting.suggestions import StretchRanking, stretches_of

__all__ = ['StretchRanking', 'stretches_of']
