"""Videos to evaluate, and what several scores need of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmskelseg_behaviour.functional.framewise import confusion_matrix, frame_ap
from mmskelseg_behaviour.functional.segmental import segmental_counts
from mmskelseg_io.structures.tiers import Tier, label_rows, tiers_of

# The smallest overlaps, as IoU, at which segments are counted as found.
OVERLAPS = (0.10, 0.25, 0.50)


@dataclass(frozen=True)
class Video:
    """Labels and scores of one video: pred (T,), gt (T,), scores (K, T)."""

    pred: np.ndarray
    gt: np.ndarray
    scores: np.ndarray


def videos_of_tiers(
    videos: Mapping[str, Video], metainfo: Mapping
) -> Iterator[tuple[Tier, dict[str, Video]]]:
    """Yield each tier, and the predictions of the videos that have a label in it."""
    for i, tier in enumerate(tiers_of(metainfo)):
        own = {}
        for name, video in videos.items():
            pred, gt = label_rows(video.pred)[i], label_rows(video.gt)[i]
            if (gt >= 0).any():
                own[name] = Video(pred, gt, video.scores[tier.rows])
        if own:
            yield tier, own


@dataclass(frozen=True)
class EvaluatedVideos:
    """N videos of K classes, and the conventions of their scores.

    Args:
        videos: Labels and scores; each video has a labelled frame.
        num_classes: K.
        background: Class whose segments do not count.
        absent: How mAP treats a class without true frames: 'skip' or 'zero'.
        last_frame: See :func:`~.segmental.segmental_f1`.
    """

    videos: Sequence[Video]
    num_classes: int
    background: int | None = None
    absent: str = 'skip'
    last_frame: bool = True

    @cached_property
    def confusion(self) -> np.ndarray:
        """Frames by true (rows) and predicted class, shape (K, K)."""
        pairs = ((video.pred, video.gt) for video in self.videos)
        return np.sum([confusion_matrix(*p, self.num_classes) for p in pairs], axis=0)

    @cached_property
    def counts(self) -> np.ndarray:
        """True and false positives and false negatives, shape (N, O, K, 3)."""
        return np.stack(
            [
                segmental_counts(
                    video.pred,
                    video.gt,
                    OVERLAPS,
                    num_classes=self.num_classes,
                    background=self.background,
                    last_frame=self.last_frame,
                )
                for video in self.videos
            ]
        )

    @cached_property
    def ap(self) -> np.ndarray:
        """Average precision of each class over all frames, in percent, shape (K,)."""
        scores = np.concatenate([video.scores for video in self.videos], axis=1)
        return frame_ap(scores, np.concatenate([video.gt for video in self.videos]))
