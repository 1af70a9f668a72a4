"""What the inferencer returns of a video."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmaction.structures import ActionDataSample

from mmskelseg.evaluation import to_segments
from mmskelseg.interchange import labels_to_segments


def to_prediction(
    video: Mapping[str, Any], sample: ActionDataSample, classes: Sequence[str]
) -> dict[str, Any]:
    """Return a video's annotation with its labels, scores and segments.

    Args:
        video: The annotation.
        sample: What the model predicted, ``pred_label`` (T,), ``pred_score`` (K, T)
            and, of a model with a risk head, ``pred_risk`` (T,).
        classes: Names in the order of their ids.
    """
    label = sample.pred_label.cpu().numpy()
    score = sample.pred_score.cpu().numpy()
    risk = sample.get('pred_risk')
    segments = labels_to_segments(label, video['fps'], classes, score)
    return {
        **video,
        **({} if risk is None else {'pred_risk': risk.cpu().numpy()}),
        'classes': list(classes),
        'pred_label': label,
        'pred_score': score,
        'segments': [
            {
                'start_frame': start,
                'end_frame': end,
                'start': segment.start,
                'end': segment.end,
                'label': segment.label,
                'label_id': k,
                'score': segment.score,
            }
            for (start, end, k), segment in zip(
                to_segments(label), segments, strict=True
            )
        ],
    }
