"""rtmlib: MMPose's networks as ONNX files, without MMPose."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.messages.dependencies import Dependency
from mmskelseg_io.messages.errors import UnavailableError, UserError, shown
from mmskelseg_io.poses.layouts import named_layout
from mmskelseg_io.poses.poses import Detection
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.estimators.estimator import PoseEstimator, require, strongest
from mmskelseg_runtime.parts import ESTIMATORS

_RTMLIB = Dependency('rtmlib', '0.0.10')
# The layout of each solution, in rtmlib.visualization.skeleton.
_LAYOUTS = {
    'Body': 'coco17',
    'BodyWithFeet': 'halpe26',
    'Wholebody': 'coco133',
    'Hand': 'hand21',
}
# The networks of a solution that has two stages.
_NETWORKS = ('det', 'pose')


@ESTIMATORS.register
@dataclass(eq=False)
class RTMLibPose(PoseEstimator):
    """A solution of rtmlib, such as RTMPose with YOLOX as detector.

    Args:
        mode: ``lightweight``, ``balanced`` or ``performance``, which choose networks
            that are downloaded at first use; the first is the fastest.
        solution: ``Body``, ``BodyWithFeet``, ``Wholebody`` or ``Hand``.
        networks: Files instead of downloads: the arguments ``det``, ``det_input_size``,
            ``pose`` and ``pose_input_size`` of the solution.
        backend: ``onnxruntime``, ``opencv`` or ``openvino``.
        max_people: Largest number of people per frame; the most confident are kept.
        device: Device of the networks, ``cpu`` or ``cuda``.

    Raises:
        DependencyError: If rtmlib is not installed.
        UserError: If there is no such solution, or mode of it.
    """

    mode: str = 'lightweight'
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
        require('RTMLibPose', 'run `pip install rtmlib`', _RTMLIB)
        modes = self._kind.MODE
        if self.mode not in modes:
            raise UserError(
                f'RTMLibPose: mode is {self.mode!r}, expected one of '
                f'{", ".join(modes)} for {self.solution}.'
            )

    @property
    def skeleton(self) -> Layout:
        """The layout of the solution."""
        from rtmlib.visualization import skeleton

        name = _LAYOUTS[self.solution]
        layout = Skeleton.get(getattr(skeleton, name))
        return named_layout(layout.joints, 'rtmlib', layout.limbs, name)

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

    @property
    def _kind(self) -> Any:
        import rtmlib

        return getattr(rtmlib, self.solution)

    @cached_property
    def _solution(self) -> Any:
        given = self.networks or {}
        for file in (given[key] for key in _NETWORKS if key in given):
            if '://' not in str(file):
                regular_file(str(file))
        options = {'mode': self.mode, 'backend': self.backend, 'device': self.device}
        try:
            # It prints what it loads.
            with redirect_stdout(StringIO()):
                return self._kind(**given, **options)
        except Exception as error:  # ONNX Runtime raises no more specific type.
            reason = str(getattr(error, 'reason', error)).partition('\n')[0].rstrip('.')
            own = [self._kind.MODE[self.mode][k] for k in _NETWORKS if k not in given]
            remedy = (
                f'connect and try again, or download {" and ".join(own)} on another '
                f'computer and put the files, still packed, into {_cache()}'
                if own
                else 'networks.det and networks.pose are ONNX files of a detector and '
                'of a pose estimator'
            )
            raise UnavailableError(
                f'RTMPose cannot load its networks ({shown(reason, 200)}); {remedy}.'
            ) from error


def _cache() -> Path:
    """Return the folder in which rtmlib keeps what it has downloaded."""
    from rtmlib.tools import file

    return Path(file._get_rtmhub_dir(), 'checkpoints')
