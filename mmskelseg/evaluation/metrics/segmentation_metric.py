"""The scores of temporal action segmentation, as a metric of MMEngine."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from mmskelseg.evaluation.functional.framewise import check_scores
from mmskelseg.evaluation.functional.report import Video, evaluate_videos
from mmskelseg.evaluation.functional.segments import (
    IGNORED,
    check_pair,
    resolve_background,
)
from mmskelseg.registry import METRICS
from mmskelseg.utils.errors import UserError

SCORE_FIELDS = {'prob': 'pred_score', 'logit': 'pred_logit'}


@METRICS.register_module()
class SegmentationMetric(BaseMetric):
    """Frame accuracy, edit score, segmental F1 at 10, 25 and 50 % and frame mAP.

    All are in percent. ``acc``, ``edit`` and ``f1@k`` come with a ``_std``, the
    standard deviation over videos (numpy's, without Bessel's correction). Frames whose
    ``gt_label`` is -1 do not count; a video of only such frames is left out with a
    warning. After evaluation ``report`` holds the same scores, those of each video and
    class, the confusion matrix and the conventions, ready for JSON.

    Args:
        num_classes: K.
        background: Class whose segments do not count in edit score and F1, by id or
            name; None takes the data set's ``background``, which may be none.
        average: 'pooled' counts frames and segments of all videos together (MS-TCN's
            convention; the edit score is always a mean over videos), 'video' takes
            the mean over videos (Lea's).
        scores: Rank frames for mAP by probability (``pred_score``) or by logit
            (``pred_logit``; ``pred_score`` as it stands in samples that lack it); the
            results differ.
        absent: Leave classes without true frames out of mAP ('skip') or count them as
            0 ('zero').
        last_frame: Count the last frame of the last segment in F1; several public
            evaluators do not.
        collect_device: See :class:`mmengine.evaluator.BaseMetric`, as the next two.
        prefix: Prefix of the scores' names, by default ``seg``.
        collect_dir: Folder for the exchange between processes.
    """

    default_prefix = 'seg'

    def __init__(
        self,
        num_classes: int,
        background: int | str | None = None,
        *,
        average: str = 'pooled',
        scores: str = 'prob',
        absent: str = 'skip',
        last_frame: bool = True,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        for name, value, allowed in (
            ('average', average, ('pooled', 'video')),
            ('scores', scores, tuple(SCORE_FIELDS)),
            ('absent', absent, ('skip', 'zero')),
        ):
            if value not in allowed:
                raise UserError(
                    f'SegmentationMetric: {name} is {value!r}, but must be one of '
                    f'{allowed}.'
                )
        self.num_classes = num_classes
        self.background = background
        self.average = average
        self.scores = scores
        self.absent = absent
        self.last_frame = last_frame
        self.report: dict[str, Any] | None = None

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the arrays of a batch of videos.

        Args:
            data_batch: Not used.
            data_samples: ``ActionDataSample`` or their dicts, with ``frame_dir``,
                ``gt_label`` (T,), ``pred_label`` (T,) and ``pred_score`` or
                ``pred_logit`` (K, T).

        Raises:
            ValueError: Naming the video, if a field is missing or wrong.
        """
        for sample in data_samples:
            frame_dir = sample.get('frame_dir')
            scores = SCORE_FIELDS[self.scores]
            if scores == 'pred_logit' and 'pred_logit' not in sample:
                # Models of other packages keep what they rank by in pred_score.
                scores = 'pred_score'
            names = ('pred_label', 'gt_label', scores)
            missing = [name for name in names if sample.get(name) is None]
            if missing or frame_dir is None:
                raise UserError(
                    f'{frame_dir}: the data sample lacks '
                    f'{", ".join(missing or ["frame_dir"])}, which SegmentationMetric '
                    f'with scores={self.scores!r} needs.'
                )
            video = Video(*(_to_numpy(sample.get(name)) for name in names))
            try:
                self._check(video)
            except ValueError as error:
                raise UserError(f'{frame_dir}: {error}') from error
            self.results.append((frame_dir, video))

    def _check(self, video: Video) -> None:
        if len(video.scores) != self.num_classes:
            raise UserError(
                f'scores has {len(video.scores)} rows, but there are '
                f'{self.num_classes} classes.'
            )
        check_scores(video.scores, video.gt.size)
        if not _is_unlabelled(video):
            check_pair(video.pred, video.gt, self.num_classes)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the scores of all videos and keep the report.

        Raises:
            ValueError: If no video has a labelled frame, or the data set's classes do
                not fit ``num_classes`` or ``background``.
        """
        videos: dict[str, Video] = {}
        for frame_dir, video in results:
            # A distributed sampler repeats videos to fill the last batch; these are
            # equal and count once.
            if not np.array_equal(videos.setdefault(frame_dir, video).pred, video.pred):
                raise UserError(
                    f'{frame_dir}: two different videos have this id; give each a '
                    'frame_dir of its own.'
                )
        for frame_dir in [name for name in videos if _is_unlabelled(videos[name])]:
            MMLogger.get_current_instance().warning(
                f'{frame_dir}: none of its frames has a label, so it is left out of '
                'the evaluation.'
            )
            del videos[frame_dir]
        if not videos:
            raise UserError(
                'None of the videos to evaluate has a labelled frame; '
                'look at the labels of the validation or test split.'
            )
        classes, background = self._resolve_classes()
        self.report = evaluate_videos(
            videos,
            classes,
            background=background,
            average=self.average,
            absent=self.absent,
            last_frame=self.last_frame,
        )
        self.report['conventions'] = {
            'average': self.average,
            'scores': self.scores,
            'absent': self.absent,
            'last_frame': self.last_frame,
            'background': None if background is None else classes[background],
            'std': 'over videos',
        }
        return dict(self.report['metrics'])

    def _resolve_classes(self) -> tuple[list[str], int | None]:
        """Return class names in the order of their ids, and the background's id."""
        meta = self.dataset_meta or {}
        classes = list(meta.get('classes') or map(str, range(self.num_classes)))
        if len(classes) != self.num_classes:
            raise UserError(
                f'SegmentationMetric: num_classes is {self.num_classes}, but the data '
                f'set has {len(classes)} classes; set num_classes={len(classes)}.'
            )
        background = self.background
        if background is None:
            background = meta.get('background')
        return classes, resolve_background(background, classes)


def _to_numpy(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    return np.asarray(values)


def _is_unlabelled(video: Video) -> bool:
    return bool((video.gt == IGNORED).all())
