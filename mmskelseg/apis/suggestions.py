"""What to label next, from `mmskelseg.datasets.suggestions`."""

from mmskelseg.datasets.suggestions import IntervalRanking, intervals_of

#: Its earlier name.
StretchRanking = IntervalRanking

__all__ = ['IntervalRanking', 'StretchRanking', 'intervals_of']
