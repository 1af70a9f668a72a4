"""The edit score."""

from mmskelseg_behaviour.functional.segmental import edit_score
from mmskelseg_behaviour.functional.videos import EvaluatedVideos
from mmskelseg_behaviour.scores import Score, register_score


def _of_videos(evaluated: EvaluatedVideos) -> list[float]:
    background = evaluated.background
    return [edit_score(video.pred, video.gt, background) for video in evaluated.videos]


register_score(
    Score('edit', 'Edit', 'the order of segments, whatever their times', _of_videos)
)
