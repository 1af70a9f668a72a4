"""A web page that segments what is dropped on it."""

from mmskelseg.apis.web_page.checkpoints import find_checkpoints
from mmskelseg.apis.web_page.player import player_html
from mmskelseg.apis.web_page.segmenting import PageSegmenter, Result

__all__ = ['PageSegmenter', 'Result', 'find_checkpoints', 'player_html']
