"""A pose estimator that pretends."""

import numpy as np

from mmskelseg_runtime.estimators import PoseEstimator
from mmskelseg_runtime.estimators.estimator import strongest


class Walkers(PoseEstimator):
    """A small sure person in all frames and a large unsure one from frame 4 on."""

    skeleton = 'coco17'

    def __init__(self, people=2):
        self.people = people

    def detections(self, images):
        for frame, _ in enumerate(images):
            boxes = np.array([[10, 10, 20, 40], [50, 10, 110, 90]], float)
            boxes = boxes[: min(self.people, 1 if frame < 4 else 2)]
            joints = np.repeat((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, 17, 1)
            score = np.full(joints.shape[:2], 0.8)
            sure = np.array([0.9, 0.6])[: len(boxes)]
            yield from strongest(
                frame, joints, score, box=boxes, box_score=sure, most=2
            )
