"""MMEngine's visualizer, with timelines of a video's labels."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer

from mmskelseg.registry import VISUALIZERS
from mmskelseg_behaviour.functional.framewise import frame_accuracy
from mmskelseg_behaviour.functional.segmental import edit_score, segmental_f1
from mmskelseg_behaviour.scores import score_texts
from mmskelseg_io.files.names import file_name
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, label_rows, tiers_of
from mmskelseg_runtime.drawing.images import save_png
from mmskelseg_runtime.drawing.timelines import draw_compared

ROWS = {'Ground truth': 'gt_label', 'Prediction': 'pred_label'}


@VISUALIZERS.register_module()
class SegVisualizer(Visualizer):
    """Draws ground truth and prediction of a video as timelines (Fig. 5).

    ``dataset_meta`` has the class names, and the background class that does not count
    in the scores of the title. Arguments and backends are those of
    :class:`mmengine.visualization.Visualizer`.
    """

    # An attribute, since MMEngine's property only sets it in the main process, but each
    # process draws its share of the test videos.
    dataset_meta: Metainfo | None = None

    def add_datasample(
        self,
        name: str,
        data_sample: BaseDataElement,
        *,
        step: int = 0,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | os.PathLike | None = None,
        line_minutes: float | None = None,
    ) -> np.ndarray:
        """Draw one video and store the picture; return it, RGB uint8 (H, W, 3).

        Args:
            name: The video's id: the title, and the name for the backends.
            data_sample: Has ``gt_label`` (T,), ``pred_label`` (T,) or both; ``fps``
                adds an axis in seconds.
            step: Step of the picture in the backends.
            show: Whether to show it in a window instead of storing it.
            wait_time: Seconds until the window closes; 0 waits for a key.
            out_file: PNG file to write instead of passing the picture to the backends.
            line_minutes: See :func:`draw_timelines`.

        Raises:
            ValueError: If there are no labels, or they do not fit the classes.
        """
        sample = data_sample.numpy()
        labels = {
            title: np.asarray(sample.get(field))
            for title, field in ROWS.items()
            if sample.get(field) is not None
        }
        if not labels:
            raise UserError(
                f'{name}: there is nothing to draw, the data sample has neither '
                'gt_label nor pred_label.'
            )
        last = max(int(label.max(initial=0)) for label in labels.values())
        meta: Metainfo = {'classes': [str(k) for k in range(last + 1)]}
        meta.update(self.dataset_meta or {})
        tiers = tiers_of(meta)
        try:
            image = draw_compared(
                labels,
                meta,
                title='   '.join([name, *_scores(labels, tiers)]),
                fps=sample.get('fps'),
                line_minutes=line_minutes,
            )
        except ValueError as error:
            raise UserError(f'{name}: {error}') from error
        if show:
            self.show(image, win_name=name, wait_time=wait_time)
        if out_file is not None:
            save_png(image, out_file)
        elif not show:
            self.add_image(file_name(name), image, step)
        return image


def _scores(labels: Mapping[str, np.ndarray], tiers: Sequence[Tier]) -> list[str]:
    """Return the video's scores as texts, none if there is nothing to compare."""
    if len(labels) < len(ROWS):
        return []
    true, found = (label_rows(labels[name]) for name in ROWS)
    scores = [
        (
            frame_accuracy(pred, gt),
            edit_score(pred, gt, tier.background),
            segmental_f1(pred, gt, 0.1, tier.background),
        )
        for tier, gt, pred in zip(tiers, true, found, strict=True)
        if (gt != IGNORED).any()
    ]
    if not scores:
        return []
    means = np.mean(scores, axis=0)
    return score_texts(dict(zip(('acc', 'edit', 'f1@10'), means, strict=True)))
