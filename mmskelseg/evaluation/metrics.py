"""MMEngine metrics that call the functions of evaluation."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from mmengine.evaluator import BaseMetric, DumpResults
from mmengine.logging import MMLogger

from mmskelseg.evaluation.predictions import Sample
from mmskelseg.registry import METRICS
from mmskelseg_behaviour.functional.framewise import check_scores, frame_mae, frame_mse
from mmskelseg_behaviour.functional.report import (
    Report,
    evaluate_videos,
    merge_tiers,
    of_tier,
)
from mmskelseg_behaviour.functional.segments import check_pair
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_behaviour.scores import SCORES
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, label_rows, tiers_of

# Keys of a sample's prediction, and of its labels before post-processing.
_OWN = 'own'
_RAW = 'raw'
# What the samples of a dump state of their data set.
_OF_DATA = ('classes', 'tiers', 'background', 'colors')


class _VideoMetric(BaseMetric):
    """A metric that keeps a result of each video, and a report of all."""

    def __init__(
        self,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        *,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.report: Report | None = None

    def process(self, data_batch: object, data_samples: Sequence[Sample]) -> None:
        """Keep the results of a batch of videos.

        Args:
            data_batch: Not used.
            data_samples: ``ActionDataSample`` or their dicts, with ``frame_dir`` and
                the fields that the class reads.

        Raises:
            UserError: If a field is missing or wrong; the message names the video.
        """
        for sample in data_samples:
            frame_dir = sample.get('frame_dir')
            try:
                self.results.append((frame_dir, self._result(frame_dir, sample)))
            except ValueError as error:
                raise UserError(f'{frame_dir}: {error}') from error

    def _result(self, frame_dir: str | None, sample: Sample) -> object:
        """Return what is kept of a sample."""
        raise NotImplementedError


def _arrays(
    frame_dir: str | None, sample: Sample, names: Sequence[str], reader: str
) -> list[np.ndarray]:
    """Return fields of a sample as arrays.

    The message about missing ones ends in ``reader``: who needs them, and the remedy.
    """
    missing = [name for name in names if sample.get(name) is None]
    if missing or frame_dir is None:
        raise UserError(
            f'the data sample lacks {", ".join(missing or ["frame_dir"])}, which '
            f'{reader}.'
        )
    return [_to_numpy(sample.get(name)) for name in names]


@METRICS.register_module()
class SegmentationMetric(_VideoMetric):
    """Frame accuracy, edit score, segmental F1 at 10, 25 and 50 % and frame mAP.

    All are in percent. ``acc``, ``edit`` and ``f1@k`` also have a ``_std``, the
    standard deviation over videos (numpy's, without Bessel's correction). Frames whose
    ``gt_label`` is -1 do not count; a video of only such frames is skipped with a
    warning. After the evaluation, ``report`` has the same scores, those of each video
    and class, the confusion matrix and the conventions, ready for JSON.

    If the data set has tiers, labels are (G, T); the scores are means over the tiers,
    and those of each tier follow as ``TIER/NAME``. Of a tier of one class and its
    background, ``mAP`` is the average precision of the class.

    Reads: gt_label (T,), pred_label (T,) and pred_score or pred_logit (K, T). If
    samples of an ensemble have ``members``, a list of each member's prediction,
    ``report['members']`` has the scores of each member. If samples have ``raw_label``
    (T,), the labels before post-processing, their scores are included with the prefix
    ``raw_``.

    Args:
        num_classes: K.
        background: Class whose segments do not count in edit score and F1, by id or
            name; None takes the data set's ``background``, which may be none.
        average: 'pooled' counts frames and segments of all videos together (MS-TCN's
            convention; the edit score is always a mean over videos), 'video' takes
            the mean over videos (Lea's convention).
        scores: Whether mAP ranks frames by probability ('prob', ``pred_score``) or by
            logit ('logit', ``pred_logit``, or ``pred_score`` in samples without it);
            the results differ.
        absent: Whether mAP ignores classes without true frames ('skip') or counts them
            as 0 ('zero').
        last_frame: Whether the last frame of the last segment counts in F1; in several
            public evaluators it does not.
        collect_device: See :class:`mmengine.evaluator.BaseMetric`.
        prefix: Prefix of the scores' names, by default ``seg``.
        collect_dir: See :class:`mmengine.evaluator.BaseMetric`.
    """

    default_prefix = 'seg'

    def __init__(
        self,
        num_classes: Count,
        background: int | str | None = None,
        *,
        average: Literal['pooled', 'video'] = 'pooled',
        scores: Literal['prob', 'logit'] = 'prob',
        absent: Literal['skip', 'zero'] = 'skip',
        last_frame: bool = True,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir=collect_dir)
        self.num_classes = num_classes
        self.background = background
        self.average = average
        self.scores = scores
        self.absent = absent
        self.last_frame = last_frame

    def _result(self, frame_dir: str | None, sample: Sample) -> dict[str, list[Video]]:
        """Return a sample's prediction, and the predictions that it was made from."""
        made_of = {_OWN: sample}
        if sample.get('raw_label') is not None:
            raw = {'pred_label': sample.get('raw_label')}
            made_of[_RAW] = {**dict(sample.items()), **raw}
        for i, member in enumerate(sample.get('members') or ()):
            made_of[f'member {i}'] = {'gt_label': sample.get('gt_label'), **member}
        return {key: self._videos(frame_dir, part) for key, part in made_of.items()}

    def _videos(self, frame_dir: str | None, sample: Sample) -> list[Video]:
        """Return labels and scores of each tier, after checking them."""
        # Models of other packages store their scores in pred_score.
        use_logit = self.scores == 'logit' and 'pred_logit' in sample
        names = 'pred_label', 'gt_label', 'pred_logit' if use_logit else 'pred_score'
        reader = f'SegmentationMetric with scores={self.scores!r} needs'
        pred, gt, scores = _arrays(frame_dir, sample, names, reader)
        if len(scores) != self.num_classes:
            raise UserError(
                f'scores has {len(scores)} rows, but there are {self.num_classes} '
                'classes.'
            )
        check_scores(scores, gt.shape[-1])
        tiers = self._tiers()
        rows = [label_rows(label) for label in (pred, gt)]
        for name, label in zip(('pred', 'gt'), rows, strict=True):
            if len(label) != len(tiers):
                raise UserError(
                    f'{name} has the shape {label.shape}, but the data set has '
                    f'{counted(len(tiers), "tier")} of labels.'
                )
        videos = []
        for tier, own, true in zip(tiers, *rows, strict=True):
            video = Video(own, true, scores[tier.rows])
            if not _is_unlabelled(video):
                check_pair(own, true, len(video.scores))
            videos.append(video)
        return videos

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the scores of all videos and keep the report.

        Raises:
            ValueError: If no video has a labelled frame, or the data set's classes do
                not fit ``num_classes`` or ``background``.
        """
        entries: dict[str, dict[str, list[Video]]] = {}
        for frame_dir, entry in results:
            # A distributed sampler repeats videos to fill the last batch; equal copies
            # count once.
            known = entries.setdefault(frame_dir, entry)
            for video, other in zip(known[_OWN], entry[_OWN], strict=True):
                if not np.array_equal(video.pred, other.pred):
                    raise UserError(
                        f'{frame_dir}: two different videos have this id; give each a '
                        'frame_dir of its own.'
                    )
        for name, entry in list(entries.items()):
            if all(map(_is_unlabelled, entry[_OWN])):
                MMLogger.get_current_instance().warning(
                    f'{name}: none of its frames has a label, so it is not evaluated.'
                )
                del entries[name]
        if not entries:
            raise UserError(
                'None of the videos to evaluate has a labelled frame; '
                'look at the labels of the validation or test split.'
            )
        reports = {}
        for i, tier in enumerate(self._tiers()):
            parts = {n: {k: v[i] for k, v in e.items()} for n, e in entries.items()}
            shown = {n: e for n, e in parts.items() if not _is_unlabelled(e[_OWN])}
            if shown:
                reports[tier.name] = self._report(shown, tier)
        self.report = merge_tiers(reports)
        self.report['conventions'] = {
            'average': self.average,
            'scores': self.scores,
            'absent': self.absent,
            'last_frame': self.last_frame,
            'background': ', '.join(
                t.classes[t.background]
                for t in self._tiers()
                if t.background is not None
            )
            or None,
            'std': 'over videos',
        }
        return dict(self.report['metrics'])

    def _report(self, entries: Mapping[str, Mapping[str, Video]], tier: Tier) -> Report:
        """Return the scores of one tier, which has a label in each of the videos."""
        reports = {
            key: of_tier(
                evaluate_videos(
                    {name: entry[key] for name, entry in entries.items()},
                    tier.classes,
                    background=tier.background,
                    average=self.average,
                    absent=self.absent,
                    last_frame=self.last_frame,
                ),
                tier,
            )
            for key in next(iter(entries.values()))
        }
        report = reports.pop(_OWN)
        if _RAW in reports:
            report['metrics'] |= {
                f'raw_{key}': value
                for key, value in reports.pop(_RAW)['metrics'].items()
                if SCORES[key.removesuffix('_std')].of_labels
            }
        if reports:
            report['members'] = [member['metrics'] for member in reports.values()]
        return report

    def _tiers(self) -> list[Tier]:
        """Return the tiers of the data set, after checking its number of classes."""
        meta = dict(self.dataset_meta or {})
        if 'tiers' not in meta:
            meta['classes'] = meta.get('classes') or [
                *map(str, range(self.num_classes))
            ]
            if self.background is not None:
                meta['background'] = self.background
        tiers = tiers_of(meta)
        count = tiers[-1].rows.stop
        if count != self.num_classes:
            raise UserError(
                f'SegmentationMetric: num_classes is {self.num_classes}, but the data '
                f'set has {count} classes; set num_classes={count}.'
            )
        return tiers


@METRICS.register_module()
class RiskMetric(_VideoMetric):
    """Mean squared and mean absolute error of the risk score, ``mse`` and ``mae``.

    Both are means over videos of the mean over frames, in the unit of the annotated
    score (or its square), which tables call points. They also have a ``_std``, numpy's
    standard deviation over videos. After the evaluation, ``report`` has these errors,
    and those of each video.

    Reads: gt_risk (T,) and pred_risk (T,).

    Args:
        collect_device: See :class:`mmengine.evaluator.BaseMetric`.
        prefix: Prefix of the names, by default ``risk``.
        collect_dir: See :class:`mmengine.evaluator.BaseMetric`.

    Source: the code of Parsa and Banerjee (WACV 2021), which reports ``mse`` with its
    standard deviation.
    """

    default_prefix = 'risk'

    def _result(self, frame_dir: str | None, sample: Sample) -> dict[str, float]:
        reader = (
            "RiskMetric needs; annotate the video's `risk` and add a RiskHead to "
            "the model's `auxiliary`, or remove RiskMetric from the evaluators"
        )
        pair = _arrays(frame_dir, sample, ('pred_risk', 'gt_risk'), reader)
        return {'mse': frame_mse(*pair), 'mae': frame_mae(*pair)}

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the errors of all videos and keep the report."""
        # A distributed sampler repeats videos to fill the last batch.
        videos: dict[str, dict[str, float]] = dict(results)
        metrics = {}
        for name in ('mse', 'mae'):
            values = [errors[name] for errors in videos.values()]
            metrics[name] = float(np.mean(values))
            metrics[f'{name}_std'] = float(np.std(values))
        self.report = {'metrics': metrics, 'per_video': videos}
        return dict(metrics)


@METRICS.register_module()
class DumpPredictions(DumpResults):
    """Writes predictions to a pickle file, for ``mmskelseg ensemble``.

    The samples are those of MMEngine's ``DumpResults``, with ``classes`` and
    ``background`` of the data set but without the predictions of an ensemble's members.
    A frame takes 8 K + 16 bytes: float32 for ``pred_score`` and ``pred_logit``, int64
    for both labels.
    """

    def process(self, data_batch: object, predictions: Sequence[dict]) -> None:
        """Keep the samples of a batch, on the CPU."""
        kept = [{k: v for k, v in p.items() if k != 'members'} for p in predictions]
        super().process(data_batch, kept)

    def compute_metrics(self, results: list) -> dict:
        """Write the file; return no score."""
        meta = self.dataset_meta or {}
        known = {key: meta[key] for key in _OF_DATA if key in meta}
        return super().compute_metrics([{**result, **known} for result in results])


def report_of(
    metric: SegmentationMetric | RiskMetric, samples: Sequence[Sample]
) -> Report:
    """Return a metric's report on the samples of a dump."""
    metric.dataset_meta = {k: samples[0][k] for k in _OF_DATA if k in samples[0]}
    metric.process(None, samples)
    metric.compute_metrics(metric.results)
    assert metric.report is not None, 'compute_metrics sets it'
    return metric.report


def _to_numpy(values: object) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    return np.asarray(values)


def _is_unlabelled(video: Video) -> bool:
    return bool((video.gt == IGNORED).all())
