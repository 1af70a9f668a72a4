"""Pictures of labels, scores and poses."""

from typing import TYPE_CHECKING

from mmskelseg.utils.lazy import lazy_names

if TYPE_CHECKING:
    from mmskelseg.visualization.charts import draw_confusion, draw_curves
    from mmskelseg.visualization.heatmaps import draw_heatmaps, draw_missing
    from mmskelseg.visualization.images import COLUMN, save_png
    from mmskelseg.visualization.seg_visualizer import SegVisualizer
    from mmskelseg.visualization.timelines import PRINT, draw_timelines

__all__ = [
    'COLUMN',
    'PRINT',
    'SegVisualizer',
    'draw_confusion',
    'draw_curves',
    'draw_heatmaps',
    'draw_missing',
    'draw_timelines',
    'save_png',
]
__getattr__ = lazy_names(
    __name__,
    {
        'COLUMN': 'images',
        'PRINT': 'timelines',
        'SegVisualizer': 'seg_visualizer',
        'draw_confusion': 'charts',
        'draw_curves': 'charts',
        'draw_heatmaps': 'heatmaps',
        'draw_missing': 'heatmaps',
        'draw_timelines': 'timelines',
        'save_png': 'images',
    },
)
