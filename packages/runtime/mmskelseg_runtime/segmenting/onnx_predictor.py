"""Predictions of an exported model for the features of videos."""

import os
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from mmskelseg_io.messages.errors import UnavailableError, UserError, shown
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.tiers import tier_sizes, tiers_of
from mmskelseg_runtime.decoding import decode
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.coordinates import Coordinates
from mmskelseg_runtime.features.recipe import FeatureRecipe
from mmskelseg_runtime.segmenting.chunks import frame_chunks
from mmskelseg_runtime.segmenting.model_files import OF_DATA, ModelFile
from mmskelseg_runtime.segmenting.onnx_features import recipe_of

# Number of frames that the graph processes together, besides those around them.
_CHUNK = 32768


def field_of(output: str) -> str:
    """Return the field of a prediction that an output of a graph is."""
    return 'pred_score' if output == 'probabilities' else f'pred_{output}'


class _Joints(Coordinates):
    """Gives the joints that a graph makes features of, and 1 if they are seen, or 0.

    These are rows (T, M, V, dims + 1); the person to describe is the first.

    Args:
        own: The coordinates that the graph makes.
    """

    def __init__(self, own: Coordinates) -> None:
        super().__init__(own.dims, own.person)
        self.skeleton, self.others, self.causal = own.skeleton, own.others, own.causal

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 rows of the next frames."""
        rows = np.concatenate([frames.points, frames.seen[..., None]], axis=-1)
        return rows.swapaxes(0, 1).astype(np.float32)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the rows, as plain values."""
        return {'type': type(self).__name__, 'dims': self.dims, 'person': self.person}


class OnnxPredictor:
    """A ``Predictor`` that runs an exported model.

    Args:
        model: As for ``OnnxSegmenter``.
        device: See :class:`~mmskelseg_runtime.segmenting.onnx_sessions.Session`.
        threads: Number of threads; 0 for one per core.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is not a segmentor for whole videos.
    """

    def __init__(
        self, model: str | os.PathLike, device: str | None = None, *, threads: int = 0
    ) -> None:
        self.name, self.device = str(model), device
        self.file = ModelFile.open(model, device, threads)
        metadata = self.file.metadata
        if metadata['kind'] != 'segmentor':
            raise self.file.fault(
                f'its kind is {metadata["kind"]!r}, but whole videos need a segmentor, '
                'exported without --streaming'
            )
        fields = {k: v for k, v in metadata.items() if k in OF_DATA and v is not None}
        self.metainfo = cast(Metainfo, fields)
        self._steps: list[list[Mapping[str, object]]] = [
            [
                {key: value for key, value in step.items() if key != 'tier'}
                for step in metadata['postprocess']
                if step.get('tier', 0) == i
            ]
            for i, _ in enumerate(tiers_of(self.metainfo))
        ]
        self.recipes: Sequence[FeatureRecipe] = [
            recipe_of(self.file, name) for name in metadata['branches']
        ]
        inputs = self.file.session.inputs
        self._makes_features = 'keypoints' in inputs
        if self._makes_features:
            own, *more = [recipe.render for recipe in self.recipes]
            if more or not isinstance(own, Coordinates) or 'scores' not in inputs:
                raise self.file.fault('its graph cannot make features of keypoints')
            self.recipes = [FeatureRecipe('keypoints', _Joints(own))]
        else:
            for name in metadata['branches']:
                if len(inputs.get(f'features_{name}', ())) < 2:
                    raise self.file.fault(
                        f'its graph has no input of the branch {name!r}'
                    )
        self._outputs = self.file.session.outputs
        if 'probabilities' not in self._outputs:
            raise self.file.fault('its graph does not output probabilities')
        if {'score', 'label', 'logit'} & {*self._outputs}:
            raise self.file.fault('its graph outputs what follows from probabilities')
        self._check_steps()

    def _check_steps(self) -> None:
        """Raise a UserError unless post-processing can run on the model's outputs."""
        tiers, classes = tier_sizes(self.metainfo), len(self.metainfo['classes'])
        for step in self.file.metadata['postprocess']:
            if (tier := step.get('tier', 0)) not in range(len(tiers)):
                raise self.file.fault(
                    f'its postprocess names the tier {shown(tier)}, but its tiers are '
                    f'0 to {len(tiers) - 1}'
                )
        frame = {field_of(name): np.full(1, 0.5) for name in self._outputs}
        frame['pred_score'] = np.full((classes, 1), 1 / classes)
        try:
            decode(frame, tiers, self._steps)
        except UnavailableError:
            raise
        except UserError as error:
            fault = str(error).removesuffix('.')
            raise self.file.fault(f'its postprocess cannot run: {fault}') from None

    def predict(
        self,
        videos: Sequence[VideoAnnotation],
        features: Sequence[Mapping[str, np.ndarray]],
    ) -> list[dict[str, np.ndarray]]:
        """Return the prediction for each video; see ``Predictor``."""
        predictions = []
        for each in features:
            fields = {field_of(name): x for name, x in self._run(each).items()}
            fields['pred_score'] = np.ascontiguousarray(fields['pred_score'].T)
            decoded = decode(fields, tier_sizes(self.metainfo), self._steps)
            decoded.pop('raw_label', None)
            predictions.append(decoded)
        return predictions

    def _run(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the graph; long videos run in overlapping chunks.

        Chunks give the same result, with memory that does not grow with the video.
        """
        inputs = self.file.session.inputs
        feed = (
            _joints(**features)
            if self._makes_features
            else {f'features_{name}': rows for name, rows in features.items()}
        )
        for name, rows in feed.items():
            # Only the numbers of frames and of people may vary.
            varied = 2 if self._makes_features else 1
            if [*rows.shape[varied:]] != inputs[name][varied:]:
                raise self.file.fault(
                    f'its graph reads {inputs[name][varied:]} of {name}, but its '
                    f'recipe makes {[*rows.shape[varied:]]}'
                )
        frames = len(next(iter(features.values())))
        parts = []
        for outer, inner in frame_chunks(frames, self.file.metadata['context'], _CHUNK):
            if self._makes_features:
                part = {**feed, 'range': np.array([outer.start, outer.stop])}
            else:
                part = {k: np.asarray(x[outer], np.float32) for k, x in feed.items()}
            outputs = self.file.session.run(self._outputs, part)
            for name, found in zip(self._outputs, outputs, strict=True):
                is_class_wise = name == 'probabilities'
                classes = [len(self.metainfo['classes'])] if is_class_wise else []
                read = outer.stop - outer.start
                self.file.check_output(name, found, (read, *classes))
            parts.append([x[inner] for x in outputs])
        arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return dict(zip(self._outputs, arrays, strict=True))


def _joints(keypoints: np.ndarray) -> dict[str, np.ndarray]:
    """Return the inputs of a graph that makes features, for rows of ``_Joints``."""
    rows = keypoints.swapaxes(0, 1)
    return {
        'keypoints': np.ascontiguousarray(rows[..., :-1]),
        'scores': np.ascontiguousarray(rows[..., -1]),
    }
