"""Types of what an annotation file holds; docs/data_format.md describes each key."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np

from mmskelseg_io.structures.objects import ObjectKinds, TrackedObject
from mmskelseg_io.structures.skeleton import Layout

#: The keys of a video's skeletons.
SkeletonKey: TypeAlias = Literal['keypoint', 'keypoint_score', 'keypoint_3d']
PlaceKey: TypeAlias = Literal['keypoint', 'keypoint_3d']
FrameKey: TypeAlias = Literal['label', 'risk', 'votes']
#: The arrays of a video's skeletons, each (M, T, V, ...).
SKELETON_KEYS: tuple[SkeletonKey, ...] = ('keypoint', 'keypoint_score', 'keypoint_3d')
#: The ones that hold coordinates.
PLACE_KEYS: tuple[PlaceKey, ...] = ('keypoint', 'keypoint_3d')
#: Joints with a lower score count as not seen, as in MMAction2.
MIN_SCORE = 1e-4
#: The arrays with a value for each frame, (..., T).
FRAME_KEYS: tuple[FrameKey, ...] = ('label', 'risk', 'votes')


class Metainfo(TypedDict, total=False):
    """Properties of a whole data set, which checkpoints keep as well.

    The keys up to ``background`` are required in a file. ``tiers`` has the classes of
    each tier if there are several; ``classes``, which the file then need not have, are
    those of all, and ``background`` is that of each tier. ``colors`` are by classes.
    ``fps`` is the frame rate if all videos have the same one, ``up`` the direction of
    ``keypoint_3d`` that points up, and ``view`` from where the camera looks. Joints
    with a score below ``kpt_thr`` are missing, also in the videos that a model labels.
    ``objects`` has the points of each kind; ``places`` are those of all videos, and
    ``cm_per_pixel`` is the scale of the image, and ``videos`` how many a model was
    trained on. The rest is for people to read.
    """

    classes: list[str]
    skeleton: Layout
    dataset: str
    # A name or None; with tiers, a mapping of these.
    background: Any
    tiers: Mapping[str, list[str]]
    colors: Mapping[str, str]
    fps: float
    up: str
    view: str
    kpt_thr: float
    objects: ObjectKinds
    places: list[Mapping[str, Any]]
    cm_per_pixel: float
    videos: int
    person: str
    pose_estimator: Mapping[str, object]
    notes: list[str]
    assumed: Mapping[str, str]


class VideoAnnotation(TypedDict, total=False):
    """The annotation of one video, with what augmentations add for renderers.

    A file must have the keys up to ``fps``, and never has those from ``votes`` on. With
    ``individuals``, label has a row for each; see :mod:`.individuals`. Only a file has
    ``observers`` in place of label; beside it, they are kept where they are asked for.
    Only a data set makes ``votes`` (K, T) of them; see :mod:`.observers`.
    ``places`` of a video replace those of the metainfo. For ``part_of``, see
    :mod:`.whole`.
    Shapes: keypoint (M, T, V, 2), keypoint_score (M, T, V), label (T,) or (tiers, T),
    keypoint_3d (M, T, V, 3), risk (T,), person_score (M, T), person_box (M, T, 4).
    """

    frame_dir: str
    total_frames: int
    img_shape: tuple[int, int]
    keypoint: np.ndarray
    keypoint_score: np.ndarray
    label: np.ndarray
    fps: float
    keypoint_3d: np.ndarray
    risk: np.ndarray
    filename: str
    person: str
    video: str
    part_of: tuple[str, int]
    individuals: list[str]
    individual: int
    observers: Mapping[str, np.ndarray]
    objects: list[TrackedObject]
    places: list[Mapping[str, Any]]
    people: list[str]
    person_score: np.ndarray
    person_box: np.ndarray
    votes: np.ndarray
    shift: tuple[float, float]
    flip: bool


class AnnotationFile(TypedDict):
    """A whole annotation file: ``split`` has the ids of the videos of each split."""

    split: dict[str, list[str]]
    annotations: list[VideoAnnotation]
    metainfo: Metainfo
