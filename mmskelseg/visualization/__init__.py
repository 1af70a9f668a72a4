from .confusion import draw_confusion
from .images import file_name, save_png, write_file
from .seg_visualizer import SegVisualizer
from .timelines import draw_timelines

__all__ = [
    'SegVisualizer',
    'draw_confusion',
    'draw_timelines',
    'file_name',
    'save_png',
    'write_file',
]
