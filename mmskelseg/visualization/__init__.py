"""Pictures of labels, scores and poses."""

from mmskelseg.visualization.charts import draw_confusion
from mmskelseg.visualization.heatmaps import draw_heatmaps, draw_missing
from mmskelseg.visualization.images import COLUMN, save_png
from mmskelseg.visualization.seg_visualizer import SegVisualizer
from mmskelseg.visualization.timelines import PRINT, draw_timelines

__all__ = [
    'COLUMN',
    'PRINT',
    'SegVisualizer',
    'draw_confusion',
    'draw_heatmaps',
    'draw_missing',
    'draw_timelines',
    'save_png',
]
