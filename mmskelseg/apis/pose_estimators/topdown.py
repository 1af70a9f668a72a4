"""A detector of MMDetection, then MMPose in each box: the pipeline of the paper."""

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
class TopDownPose(PoseEstimator):
    """Faster R-CNN finds people, HRNet their joints; or any others of the model zoos.

    A network is a name in the model zoo of its package, or the path of a config. Its
    weights are a file or an address; None: those that the model zoo names, which are
    downloaded; ``none``: random ones.

    Args:
        pose: A top-down network of MMPose.
        detector: A network of MMDetection.
        pose_weights: Weights of ``pose``.
        detector_weights: Weights of ``detector``.
        categories: Which of the detector's classes are people.
        box_score: How sure the detector must be of a person.
        max_people: How many people of a frame are kept, the surest first.
        device: Where both run; by default a GPU if there is one.

    Raises:
        DependencyError: If MMDetection or MMPose is not installed.
    """

    def __init__(
        self,
        pose: str = 'td-hm_hrnet-w32_8xb64-210e_coco-256x192',
        detector: str = 'faster-rcnn_r50_fpn_1x_coco',
        *,
        pose_weights: str | None = None,
        detector_weights: str | None = None,
        categories: Sequence[str] = ('person',),
        box_score: float = 0.5,
        max_people: int = 10,
        device: str | None = None,
    ) -> None:
        self.pose = pose
        self.detector = detector
        self.pose_weights = pose_weights
        self.detector_weights = detector_weights
        self.categories = tuple(categories)
        self.box_score = box_score
        self.max_people = max_people
        self.device = device
        require_both('TopDownPose')

    @property
    def skeleton(self) -> str | dict[str, Any]:
        """The layout that the network of MMPose was trained on."""
        return layout_of(self._pose_network.dataset_meta)

    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the people of each image by falling score, with their boxes."""
        detector, pose = self._detector_network, self._pose_network
        from mmdet.apis import inference_detector
        from mmpose.apis import inference_topdown

        classes = self._classes
        for frame, image in enumerate(images):
            with in_scope('mmdet'):
                found = inference_detector(detector, image).pred_instances.cpu().numpy()
            kept = np.isin(found.labels, classes) & (found.scores >= self.box_score)
            order = np.argsort(-found.scores[kept], kind='stable')[: self.max_people]
            box, box_score = found.bboxes[kept][order], found.scores[kept][order]
            # Without a box MMPose would take the whole image for one.
            if len(box):
                with in_scope('mmpose'):
                    people = inference_topdown(pose, image, box)
                joints = [person.pred_instances for person in people]
                yield from strongest(
                    frame,
                    np.concatenate([person.keypoints for person in joints]),
                    np.concatenate([person.keypoint_scores for person in joints]),
                    box=box,
                    box_score=box_score,
                    most=self.max_people,
                )

    @cached_property
    def _detector_network(self) -> Any:
        from mmdet.apis import init_detector

        config, weights = find_network('mmdet', self.detector, self.detector_weights)
        with in_scope('mmdet'):
            return init_detector(config, weights, device=self.device or get_device())

    @cached_property
    def _pose_network(self) -> Any:
        from mmpose.apis import init_model

        config, weights = find_network('mmpose', self.pose, self.pose_weights)
        with in_scope('mmpose'):
            network = init_model(config, weights, device=self.device or get_device())
        if network.cfg.get('data_mode', 'topdown') != 'topdown':
            raise ValueError(
                f'{self.pose}: not a top-down network; choose the pose estimator '
                f'mmpose:{self.pose}, which takes any.'
            )
        return network

    @property
    def _classes(self) -> list[int]:
        names = self._detector_network.dataset_meta['classes']
        wanted = [i for i, name in enumerate(names) if name in self.categories]
        if not wanted:
            raise ValueError(
                f'{self.detector} has no class {" or ".join(self.categories)}; choose '
                f'categories among {", ".join(names)}.'
            )
        return wanted
