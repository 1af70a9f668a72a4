"""What to label next, from `mmskelseg.datasets.suggestions`."""

from mmskelseg.datasets.suggestions import IntervalRanking, intervals_of

__all__ = ['IntervalRanking', 'intervals_of']
