"""Types of predictions: annotations of videos, with labels for every frame."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.skeleton import Layout


class InputVideo(VideoAnnotation, total=False):
    """A video to segment, or one of its people.

    ``notes`` are sentences about assumptions. ``estimated`` says that its poses come
    from a pose estimator. If people are segmented separately, ``person`` and ``video``
    name the person and the video.
    """

    skeleton: Layout
    notes: tuple[str, ...]
    estimated: bool
    person: str
    video: str


class PredictedSegment(TypedDict, total=False):
    """A segment: frames (the end is exclusive), seconds, label, and confidence.

    ``tier`` is the name of its tier, if there are several.
    """

    start_frame: int
    end_frame: int
    start: float
    end: float
    label: str
    label_id: int
    score: float | None
    tier: str


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
    segments: list[PredictedSegment]
