from mmskelseg.visualization.confusion import draw_confusion
from mmskelseg.visualization.images import save_png
from mmskelseg.visualization.seg_visualizer import SegVisualizer
from mmskelseg.visualization.timelines import draw_timelines

__all__ = [
    'SegVisualizer',
    'draw_confusion',
    'draw_timelines',
    'save_png',
]
