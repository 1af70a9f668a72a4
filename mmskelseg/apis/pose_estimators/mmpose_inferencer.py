"""MMPose's own inferencer: any of its 2D networks by name or alias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from mmengine.device import get_device

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator, strongest
from mmskelseg.apis.pose_estimators.openmmlab import (
    find_network,
    in_scope,
    layout_of,
    require_both,
)
from mmskelseg.interchange.poses.poses import Detection
from mmskelseg.registry import INFERENCERS


@INFERENCERS.register_module()
class MMPoseAlias(PoseEstimator):
    """``MMPoseInferencer`` with a network of 2D poses, top-down, bottom-up or in one.

    Args:
        model: A name or alias in MMPose's model zoo, such as ``human``, ``body26``,
            ``wholebody``, ``hand``, ``animal``, ``rtmo``, or the path of a config.
        weights: A file or an address; None: those that the model zoo names; ``none``:
            random ones.
        detector: For top-down networks a network of MMDetection, in place of the one
            that MMPose chooses; ``whole_image``: none, the whole image is a person.
        detector_weights: Weights of ``detector``, given as ``weights``.
        categories: Numbers of the classes of ``detector`` that are people.
        box_score: How sure the detector must be of a person.
        max_people: How many people of a frame are kept, the surest first.
        device: Where it runs; by default a GPU if there is one.

    Raises:
        DependencyError: If MMDetection or MMPose is not installed.
    """

    def __init__(
        self,
        model: str = 'human',
        weights: str | None = None,
        *,
        detector: str | None = None,
        detector_weights: str | None = None,
        categories: Sequence[int] = (0,),
        box_score: float = 0.3,
        max_people: int = 10,
        device: str | None = None,
    ) -> None:
        self.model = model
        self.weights = weights
        self.detector = detector
        self.detector_weights = detector_weights
        self.categories = tuple(categories)
        self.box_score = box_score
        self.max_people = max_people
        self.device = device
        require_both('MMPoseAlias')

    @property
    def skeleton(self) -> str | dict[str, Any]:
        """The layout that the network was trained on."""
        return layout_of(self._inferencer.model.dataset_meta)

    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the people of each image by falling score, with their boxes."""
        inferencer = self._inferencer
        detects = getattr(inferencer, 'detector', None) is not None
        for frame, image in enumerate(images):
            with in_scope('mmpose'):
                (result,) = inferencer(
                    image, return_datasamples=True, bbox_thr=self.box_score
                )
            found = result['predictions'][0].pred_instances
            if not len(found) or (detects and _is_whole(found, image)):
                continue
            yield from strongest(
                frame,
                found.keypoints,
                found.keypoint_scores,
                box=found.bboxes,
                box_score=found.bbox_scores,
                most=self.max_people,
            )

    @cached_property
    def _inferencer(self) -> Any:
        from mmpose.apis.inferencers import Pose2DInferencer

        config, weights = find_network('mmpose', self.model, self.weights)
        detector, detector_weights = self.detector, self.detector_weights
        if detector not in (None, 'whole_image'):
            assert detector is not None
            detector, detector_weights = find_network(
                'mmdet', detector, detector_weights
            )
        with in_scope('mmpose'):
            return Pose2DInferencer(
                config,
                weights,
                device=self.device or get_device(),
                det_model=detector,
                det_weights=detector_weights,
                det_cat_ids=self.categories,
            )


def _is_whole(found: Any, image: np.ndarray) -> bool:
    """Return whether MMPose took the image for a person, since none was detected."""
    whole = [0, 0, image.shape[1], image.shape[0]]
    return (
        len(found) == 1
        and found.bbox_scores[0] == 1
        and np.array_equal(found.bboxes[0], whole)
    )
