"""Any detector of MMDetection's model zoo."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from mmengine.device import get_device

from mmskelseg.apis.mmpose_inferencer import MMDET, find_network, in_scope
from mmskelseg.registry import INFERENCERS
from mmskelseg_runtime.estimators.detecting import Boxes, ObjectDetector
from mmskelseg_runtime.estimators.estimator import require


@INFERENCERS.register_module()
@dataclass(eq=False)
class MMDetector(ObjectDetector):
    """A network of MMDetection, which finds boxes in images.

    Args:
        model: A name or alias in MMDetection's model zoo, such as ``rtmdet-s``, or the
            path of a config.
        weights: A file or URL; None: those of the model zoo; ``none``: random weights.
        box_score: Least confidence of an object.
        device: Device of the network; by default a GPU if there is one.

    Raises:
        DependencyError: If MMDetection is not installed.
    """

    model: str
    weights: str | None = None
    _: KW_ONLY
    box_score: float = 0.3
    device: str | None = None

    def __post_init__(self) -> None:
        remedy = (
            'docs/pose_estimation.md says how to install it; or detect objects by '
            'another program, and give their files to mmskelseg convert keypoints '
            '--objects'
        )
        require('MMDetector', remedy, MMDET)

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes that the network was trained on."""
        return [str(name) for name in self._network.dataset_meta['classes']]

    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Boxes]:
        """Yield the boxes in each image, by decreasing score."""
        from mmdet.apis import inference_detector

        network = self._network
        for image in images:
            with in_scope('mmdet'):
                found = inference_detector(network, image).pred_instances
            found = found[found.scores >= self.box_score].cpu().numpy()
            yield Boxes(found.labels, found.scores, found.bboxes)

    @cached_property
    def _network(self) -> Any:
        from mmdet.apis import init_detector

        config, weights = find_network('mmdet', self.model, self.weights)
        with in_scope('mmdet'):
            device = self.device or get_device()
            return init_detector(config, weights, device=device)
