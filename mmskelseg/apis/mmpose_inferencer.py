"""MMPose's inferencer, with any of its 2D networks."""

import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from importlib.util import find_spec
from logging import WARNING
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from mmengine.device import get_device
from mmengine.fileio import load
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmskelseg.registry import INFERENCERS
from mmskelseg_io.messages.dependencies import Dependency
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.poses.layouts import named_layout
from mmskelseg_io.poses.poses import Detection
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.estimators.estimator import PoseEstimator, require, strongest

if TYPE_CHECKING:
    from mmpose.apis.inferencers import Pose2DInferencer

#: The supported versions of MMDetection.
MMDET = Dependency('mmdet', '3.0.0', '3.4.0')
_PACKAGES = (
    MMDET,
    Dependency('mmpose', '1.0.0', '2'),
    # It has pkg_resources, which MMPose uses to find its own version.
    Dependency('setuptools', '40', '81'),
)
_INDEX = 'model-index.yml'


@INFERENCERS.register_module()
@dataclass(eq=False)
class MMPoseAlias(PoseEstimator):
    """``MMPoseInferencer`` with a top-down, bottom-up or one-stage 2D pose network.

    Args:
        model: A name or alias in MMPose's model zoo, such as ``human``, ``body26``,
            ``wholebody``, ``hand``, ``animal`` or ``rtmo``, or the path of a config.
        weights: A file or URL; None: those of the model zoo; ``none``: random weights.
        detector: A network of MMDetection for top-down networks, instead of the one
            that MMPose chooses; ``whole_image``: treat the whole image as one person.
        detector_weights: Weights of ``detector``, given as for ``weights``.
        categories: Classes of ``detector`` that are people, by number or by name.
        box_score: Least confidence of a detected person.
        max_people: Number of people that are kept per frame, the most confident ones.
        device: Device of the networks; by default that of the model that reads the
            poses, else a GPU if there is one.

    Raises:
        DependencyError: If MMDetection or MMPose is not installed.
    """

    model: str = 'human'
    weights: str | None = None
    _: KW_ONLY
    detector: str | None = None
    detector_weights: str | None = None
    categories: Sequence[int | str] | int | str = (0,)
    box_score: float = 0.3
    max_people: int = 10
    device: str | None = None

    def __post_init__(self) -> None:
        # On the command line, a single one is no list.
        given = self.categories
        self.categories = (given,) if isinstance(given, int | str) else tuple(given)
        remedy = 'docs/pose_estimation.md says how to install MMDetection and MMPose'
        require('MMPoseAlias', remedy, *_PACKAGES)

    @property
    def skeleton(self) -> Layout:
        """The layout that the network was trained on."""
        return layout_of(self._inferencer.model.dataset_meta)

    def detections(self, images: Iterable[np.ndarray]) -> Iterator[Detection]:
        """Yield the people of each image by decreasing score, with their boxes."""
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
    def _inferencer(self) -> 'Pose2DInferencer':
        from mmpose.apis.inferencers import Pose2DInferencer

        config, weights = find_network('mmpose', self.model, self.weights)
        detector, detector_weights = self.detector, self.detector_weights
        if detector is not None and detector != 'whole_image':
            detector, detector_weights = find_network(
                'mmdet', detector, detector_weights
            )
        with in_scope('mmpose'):
            inferencer = Pose2DInferencer(
                config,
                weights,
                device=self.device or get_device(),
                det_model=detector,
                det_weights=detector_weights,
            )
        if getattr(inferencer, 'detector', None) is not None:
            classes = inferencer.detector.model.dataset_meta['classes']
            inferencer.det_cat_ids = self._category_ids(classes)
        return inferencer

    def _category_ids(self, classes: Sequence[str]) -> list[int]:
        # A single one has become a tuple.
        wanted = cast(tuple[int | str, ...], self.categories)
        found = [i for i, name in enumerate(classes) if {i, name} & {*wanted}]
        if not found:
            raise UserError(
                f'{self.detector or "the detector"} has no class '
                f'{" or ".join(map(str, wanted))}; choose categories from '
                f'{", ".join(classes)}.'
            )
        return found


def _is_whole(found: InstanceData, image: np.ndarray) -> bool:
    """Return whether MMPose used the whole image, because it detected no person."""
    whole = [[0, 0, image.shape[1], image.shape[0]]]
    return found.bbox_scores[0] == 1 and np.array_equal(found.bboxes, whole)


def find_network(
    package: str, name: str, weights: str | None
) -> tuple[str, str | None]:
    """Return the config file of a network, and the file or URL of its weights.

    The name is one or an alias in the model zoo of ``mmdet`` or ``mmpose``, or the path
    of a config. Weights are a file or URL; None: those of the model zoo; ``none``:
    random weights, which are only useful for tests.

    Raises:
        MissingFileError: If ``weights`` is a file that does not exist.
        UserError: If there is no such network, or its weights are unknown.
    """
    is_file = Path(name).is_file()
    config, listed = (name, None) if is_file else _in_model_zoo(package, name)
    if weights == 'none':
        print_log(
            f'{name} has random weights, so its results are meaningless.',
            WARNING,
        )
        return config, None
    if weights is None and listed is None:
        raise UserError(
            f'{name}: the model zoo of {package} has no weights for it; give their '
            "file, or 'none' for random ones."
        )
    if weights is not None and '://' not in weights and not Path(weights).is_file():
        raise MissingFileError(f'{weights}: there is no such file with weights.')
    return config, weights or listed


def _in_model_zoo(package: str, name: str) -> tuple[str, str | None]:
    spec = find_spec(package)
    assert spec is not None, 'estimators check that it is installed'
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    # In a checkout the index is beside the package, in an installation inside it.
    root = next(
        (r for r in (folder / '.mim', folder.parent) if (r / _INDEX).is_file()), None
    )
    if root is None:
        raise UserError(
            f'{folder}: this {package} has no model zoo ({_INDEX}); give the path of a '
            'config.'
        )
    known: list[str] = []
    for file in load(root / _INDEX)['Import']:
        content = load(root / file)
        for model in content.get('Models', ()) if isinstance(content, dict) else ():
            aliases = model.get('Alias', [])
            aliases = [aliases] if isinstance(aliases, str) else aliases
            names = [model['Name'], *aliases]
            if name.lower() in (item.lower() for item in names):
                weights = model.get('Weights')
                first = weights[0] if isinstance(weights, list) else weights
                return str(root / model['Config']), first
            known += names
    near = difflib.get_close_matches(name, known, 3, 0.4)
    raise UserError(
        f'{name}: neither a config file nor in the model zoo of {package}; '
        + (f'similar names are {", ".join(near)}.' if near else 'check the name.')
    )


@contextmanager
def in_scope(scope: str) -> Iterator[None]:
    """Restore the default scope and warning filters after a block, without warnings.

    OpenMMLab's inferencers change both, and warn of deprecations in every frame.
    """
    with DefaultScope.overwrite_default_scope(scope), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def layout_of(meta: Mapping[str, Any]) -> Layout:
    """Return the layout that a network of MMPose was trained on."""
    names, source = meta['keypoint_id2name'], meta['dataset_name']
    joints = [names[i] for i in range(len(names))]
    return named_layout(joints, source, meta['skeleton_links'], source)
