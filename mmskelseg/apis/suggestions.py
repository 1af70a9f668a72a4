"""What to label next, from `mmskelseg.suggesting`."""

from mmskelseg.suggesting.suggestions import StretchRanking, stretches_of

__all__ = ['StretchRanking', 'stretches_of']
