"""Types of predictions: annotations of videos, with labels for every frame."""

from collections.abc import Mapping
from typing import TypedDict, cast

import numpy as np

from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.structures.tiers import flat_rows, tiers_of


class InputVideo(VideoAnnotation, total=False):
    """A video to segment, or one of its people.

    ``up`` and ``view`` are those of its data set. ``notes`` are sentences about
    assumptions. ``estimated`` says that its poses come from a pose estimator. If people
    are segmented separately, ``person`` and ``video`` name the person and the video.
    """

    skeleton: Layout
    up: str
    view: str
    notes: tuple[str, ...]
    estimated: bool


class PredictedSegment(TypedDict, total=False):
    """A segment: frames (the end is exclusive), seconds, label, and confidence.

    ``tier`` is the name of its tier, if there are several, and ``target`` that of whom
    it is done to, if a model sees both.
    """

    start_frame: int
    end_frame: int
    start: float
    end: float
    label: str
    label_id: int
    score: float | None
    tier: str
    target: str


class Prediction(InputVideo, total=False):
    """A video with a model's predictions; see ``SkelSegInferencer``.

    Shapes: pred_label and raw_label (T,), or (G, T) with G ``tiers``; pred_risk,
    pred_boundary and pred_entropy (T,); pred_score (K, T).
    """

    pred_label: np.ndarray
    raw_label: np.ndarray
    pred_score: np.ndarray
    pred_risk: np.ndarray
    pred_boundary: np.ndarray
    pred_entropy: np.ndarray
    classes: list[str]
    tiers: Mapping[str, list[str]]
    background: str | Mapping[str, str | None]
    colors: Mapping[str, str]
    segments: list[PredictedSegment]


def of_tiers(prediction: Prediction) -> dict[str, Prediction]:
    """Return the prediction of each tier, by its name, with the ids of all tiers.

    Labels are (T,), probabilities (K, T) with 0 for classes of other tiers, and classes
    have the names that they have within their tier.
    """
    if 'tiers' not in prediction:
        return {'': prediction}
    tiers = tiers_of(prediction)
    names = [name for tier in tiers for name in tier.classes]
    labels = flat_rows(prediction['pred_label'], tiers)
    found: dict[str, Prediction] = {}
    for tier in tiers:
        score = np.zeros_like(prediction['pred_score'])
        score[tier.rows] = prediction['pred_score'][tier.rows]
        own = cast(
            Prediction,
            {
                **prediction,
                'pred_label': labels[tier.name],
                'pred_score': score,
                'classes': names,
                'segments': [
                    {**segment, 'label_id': segment['label_id'] + tier.rows.start}
                    for segment in prediction.get('segments', ())
                    if segment['tier'] == tier.name
                ],
            },
        )
        del own['tiers']
        own.pop('background', None)
        own.pop('colors', None)
        found[tier.name] = own
    return found


def tier_title(person: str | None, tier: str) -> str:
    """Return the title of a row: the names of a person and a tier, where there are.

    >>> tier_title('ann', 'gaze'), tier_title(None, 'gaze'), tier_title('ann', '')
    ('ann, gaze', 'gaze', 'ann')
    """
    return ', '.join(filter(None, (person, tier)))
