"""Mean average precision of frames."""

from mmskelseg_behaviour.functional.framewise import mean_ap
from mmskelseg_behaviour.functional.videos import EvaluatedVideos
from mmskelseg_behaviour.scores import Score, register_score


def _pooled(evaluated: EvaluatedVideos) -> float:
    return mean_ap(evaluated.ap, evaluated.absent)


register_score(
    Score(
        'mAP',
        'mAP',
        'average precision of each class over frames, mean over classes',
        pooled=_pooled,
        # Post-processing keeps the probabilities.
        of_labels=False,
    )
)
