"""rtmlib: MMPose's networks as ONNX files, without MMPose."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any
from urllib.error import URLError

import numpy as np

from mmskelseg.runtime.messages.dependencies import Dependency
from mmskelseg.runtime.messages.errors import UnavailableError, UserError
from mmskelseg.runtime.parts import ESTIMATORS
from mmskelseg.runtime.poses.estimators.estimator import (
    PoseEstimator,
    require,
    strongest,
)
from mmskelseg.runtime.poses.layouts import named_layout
from mmskelseg.runtime.poses.poses import Detection
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.skeleton import Layout

_RTMLIB = Dependency('rtmlib', '0.0.10')
# The layout of each solution, in rtmlib.visualization.skeleton.
_LAYOUTS = {
    'Body': 'coco17',
    'BodyWithFeet': 'halpe26',
    'Wholebody': 'coco133',
    'Hand': 'hand21',
}


@ESTIMATORS.register
@dataclass(eq=False)
class RTMLibPose(PoseEstimator):
    """A solution of rtmlib, such as RTMPose with YOLOX as detector.

    Args:
        mode: ``lightweight``, ``balanced`` or ``performance``, which choose networks
            that are downloaded at first use.
        solution: ``Body``, ``BodyWithFeet``, ``Wholebody`` or ``Hand``.
        networks: Files instead of downloads: the arguments ``det``, ``det_input_size``,
            ``pose`` and ``pose_input_size`` of the solution.
        backend: ``onnxruntime``, ``opencv`` or ``openvino``.
        max_people: Largest number of people per frame; the most confident are kept.
        device: Device of the networks, ``cpu`` or ``cuda``.

    Raises:
        DependencyError: If rtmlib is not installed.
        ValueError: If there is no such solution.
    """

    mode: str = 'balanced'
    solution: str = 'Body'
    _: KW_ONLY
    networks: Mapping[str, object] | None = None
    backend: str = 'onnxruntime'
    max_people: int = 10
    device: str = 'cpu'

    def __post_init__(self) -> None:
        if self.solution not in _LAYOUTS:
            raise UserError(
                f'RTMLibPose: solution is {self.solution!r}, expected one of '
                f'{", ".join(_LAYOUTS)}.'
            )
        self.networks = dict(self.networks or {})
        require('RTMLibPose', 'run `pip install rtmlib onnxruntime`', _RTMLIB)

    @property
    def skeleton(self) -> Layout:
        """The layout of the solution."""
        from rtmlib.visualization import skeleton

        name = _LAYOUTS[self.solution]
        layout = Skeleton.get(getattr(skeleton, name))
        return named_layout(layout.joints, layout.limbs, name)

    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the people of each image by decreasing score, with their boxes."""
        solution = self._solution
        for frame, image in enumerate(images):
            # Those with one stage have no detector.
            if getattr(solution, 'one_stage', False):
                box, (keypoint, score) = None, solution.pose_model(image)
            else:
                box = np.asarray(solution.det_model(image)).reshape(-1, 4)
                # Without a box, rtmlib would use the whole image.
                if not len(box):
                    continue
                keypoint, score = solution.pose_model(image, bboxes=box)
            if len(keypoint):
                yield from strongest(
                    frame, keypoint, score, box=box, most=self.max_people
                )

    @cached_property
    def _solution(self) -> Any:
        import rtmlib

        options = {'mode': self.mode, 'backend': self.backend, 'device': self.device}
        try:
            return getattr(rtmlib, self.solution)(**(self.networks or {}), **options)
        except URLError as error:
            raise UnavailableError(
                f'RTMLibPose: its networks could not be downloaded ({error.reason}); '
                'name their files instead: --pose-options networks.det=FILE '
                'networks.det_input_size=640,640 networks.pose=FILE '
                'networks.pose_input_size=192,256.'
            ) from error
