"""F1 of segments, at three overlaps."""

from functools import partial

from mmskelseg_behaviour.functional.segmental import f1_from_counts
from mmskelseg_behaviour.functional.videos import OVERLAPS, EvaluatedVideos
from mmskelseg_behaviour.scores import Score, register_score


def _of_videos(evaluated: EvaluatedVideos, index: int) -> list[float]:
    return f1_from_counts(evaluated.counts[:, index].sum(axis=1)).tolist()


def _pooled(evaluated: EvaluatedVideos, index: int) -> float:
    return float(f1_from_counts(evaluated.counts[:, index].sum(axis=(0, 1))))


for _index, _overlap in enumerate(OVERLAPS):
    register_score(
        Score(
            f'f1@{100 * _overlap:.0f}',
            f'F1@{100 * _overlap:.0f}',
            'F1 of segments that have the class of a true one and overlap it by at '
            f'least {100 * _overlap:.0f} %',
            partial(_of_videos, index=_index),
            partial(_pooled, index=_index),
        )
    )
