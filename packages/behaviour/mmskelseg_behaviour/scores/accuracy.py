"""Accuracy of frames."""

from mmskelseg_behaviour.functional.framewise import frame_accuracy
from mmskelseg_behaviour.functional.videos import EvaluatedVideos
from mmskelseg_behaviour.scores import Score, register_score


def _of_videos(evaluated: EvaluatedVideos) -> list[float]:
    return [frame_accuracy(video.pred, video.gt) for video in evaluated.videos]


def _pooled(evaluated: EvaluatedVideos) -> float:
    return 100 * evaluated.confusion.trace() / evaluated.confusion.sum()


register_score(
    Score('acc', 'Acc', 'the share of frames with the right label', _of_videos, _pooled)
)
