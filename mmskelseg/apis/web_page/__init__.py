"""A web page that segments the videos and keypoints that users drop on it."""

from mmskelseg.apis.web_page.player import player_html
from mmskelseg.apis.web_page.segmenting import PageSegmenter, Result, find_checkpoints

__all__ = ['PageSegmenter', 'Result', 'find_checkpoints', 'player_html']
