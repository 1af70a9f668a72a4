"""Pictures and videos of predictions; they need matplotlib."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import cast

import numpy as np

from mmskelseg_io.structures.predictions import Prediction, of_tiers, tier_title
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, tiers_of
from mmskelseg_io.structures.time_budget import TimeBudget
from mmskelseg_runtime.drawing.charts import draw_time_budget
from mmskelseg_runtime.drawing.images import save_png
from mmskelseg_runtime.drawing.overlay import write_gif, write_overlay
from mmskelseg_runtime.drawing.palette import class_colors
from mmskelseg_runtime.drawing.timelines import SCREEN, draw_compared, draw_timelines

__all__ = [
    'draw_prediction',
    'write_budget_picture',
    'write_gif',
    'write_overlay',
    'write_timeline',
]


def write_budget_picture(
    path: Path,
    budgets: Mapping[str, TimeBudget],
    classes: Sequence[str],
    tiers: Sequence[Tier],
) -> None:
    """Write the sum of the time budgets of videos as an image."""
    title = next(iter(budgets)) if len(budgets) == 1 else f'{len(budgets)} videos'
    budget = reduce(add, budgets.values())
    save_png(draw_time_budget(budget, classes, title, class_colors(tiers)), path)


def draw_prediction(
    prediction: Prediction, line_minutes: float | None = None
) -> np.ndarray:
    """Return the timeline of a prediction, RGB uint8 (H, W, 3).

    If the video is annotated, the ground truth is above the prediction. Long timelines
    have lines of ``line_minutes``; see :func:`draw_timelines`.
    """
    known = prediction.get('label')
    label = np.asarray(IGNORED if known is None else known)
    labels = {'Annotation': label} if (label != IGNORED).any() else {}
    labels['Prediction'] = prediction['pred_label']
    return draw_compared(
        labels,
        prediction,
        title=prediction['frame_dir'],
        fps=prediction['fps'],
        line_minutes=line_minutes,
    )


def write_timeline(
    shown: Prediction | Sequence[Prediction], path: Path, line_minutes: float | None
) -> None:
    """Write the timeline of a prediction, or of the people of a video."""
    if isinstance(shown, Mapping):
        image = draw_prediction(cast(Prediction, shown), line_minutes)
    else:
        first = shown[0]
        rows = {
            tier_title(person['person'], tier): row['pred_label']
            for person in shown
            for tier, row in of_tiers(person).items()
        }
        image = draw_timelines(
            rows,
            first['classes'],
            title=first['video'],
            fps=first['fps'],
            line_minutes=line_minutes,
            style=SCREEN._replace(colors=class_colors(tiers_of(first))),
        )
    save_png(image, path)
