"""Live labels of a person's frames, by an exported model."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_io.messages.errors import shown
from mmskelseg_io.places.reading import places_of_stream
from mmskelseg_io.structures.places import Place
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.coordinates import Coordinates, instances_of
from mmskelseg_runtime.segmenting.model_files import ModelFile
from mmskelseg_runtime.segmenting.onnx_features import renderer_of
from mmskelseg_runtime.streaming import SkeletonStream

# The most numbers in a stream's buffers, about ten times those of any recipe.
_MOST_BUFFERED = 1 << 25


class OnnxStream(SkeletonStream):
    """A stream that labels a person's frames live, with an exported causal model.

    Methods, labels and probabilities are those of
    :class:`mmskelseg.apis.SkelSegStream`.

    Args:
        model: The file that `mmskelseg export --streaming` wrote, the folder of a
            shared model, or the name of a model of the package, such as ``precog``, or
            of a hub, ``hf:USER/NAME``.
        fps: Frame rate of the training data; by default the one that the file states.
        people: For a model of pairs, the number of persons whose joints you push.
        objects: For a model that sees objects, the number of each kind whose points you
            push; by default one.
        places: For a model that sees places, these, or their file.
        layout: The layout of the joints that you push, such as ``coco17``; by default
            that of the model.
        threads: Number of threads; more than one rarely helps.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is not such a file.

    Example::

        stream = OnnxStream('stream.onnx')
        for keypoints, score, time in camera:
            for frame in stream.push(keypoints, score, time):
                print(frame.time, frame.label)
    """

    def __init__(
        self,
        model: str | os.PathLike,
        *,
        fps: float | None = None,
        layout: SkeletonLike | None = None,
        people: int = 2,
        objects: Mapping[str, int] | None = None,
        places: str | os.PathLike | Sequence[Place] | None = None,
        threads: int = 1,
    ) -> None:
        self.file = ModelFile.open(model, 'cpu', threads, live=True)
        metadata = self.file.metadata
        if metadata['kind'] != 'streaming' or len(metadata['branches']) != 1:
            raise self.file.fault(
                f'its kind is {metadata["kind"]!r}, but a stream needs one that was '
                'exported with --streaming'
            )
        ((name, branch),) = metadata['branches'].items()
        render = renderer_of(self.file, name)
        if not isinstance(render, Coordinates) or not render.causal:
            raise self.file.fault(
                f'makes features with {type(render).__name__}, but a stream reads '
                'causal coordinates'
            )
        super().__init__(
            OnnxStreamingModel(self.file),
            render.running(
                people,
                instances_of(render.kinds, objects or {}),
                places_of_stream(places),
            ),
            metadata,
            layout=layout,
            fps=fps,
            dtype=branch['dtype'],
            steps=self._steps(),
        )

    def _steps(self) -> list[dict[str, object]]:
        """Return the post-processing, after checking that a stream can apply it."""
        steps = self.file.metadata['postprocess']
        classes = len(self.file.metadata['classes'])
        tiers = len(self.file.metadata.get('tiers', ['']))
        fits = len(steps) in (0, tiers) and all(
            step['type'] == 'CausalMinDuration'
            and step.get('tier', 0) == tier
            and type(frames := step.get('frames')) is int
            and 0 < frames <= _MOST_BUFFERED // classes
            for tier, step in enumerate(steps)
        )
        if not fits:
            raise self.file.fault(
                f'its postprocess is {shown(steps)}, but a stream can apply one '
                'CausalMinDuration to each tier'
            )
        return steps


class OnnxStreamingModel:
    """The graph of one push of frames, which :class:`ModelStream` can run.

    Raises:
        UserError: If the file is faulty.
    """

    lookahead: int

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        shapes = file.session.inputs
        buffers = {k: v for k, v in shapes.items() if k.startswith('state_')}
        wanted = {'features', 'present', 'frames', *buffers}
        outputs = ['probabilities', 'frames_next', *(f'{k}_next' for k in buffers)]
        is_whole = (
            wanted == set(shapes)
            and set(outputs) == set(file.session.outputs)
            and len(shapes['features']) == 2
            and type(shapes['features'][1]) is int
            and all(type(n) is int and n > 0 for s in buffers.values() for n in s)
        )
        lookahead = file.metadata['lookahead']
        if not is_whole or lookahead is None:
            raise file.fault('its graph is not that of a push to a stream')
        buffered = sum(map(math.prod, buffers.values()))
        buffered += lookahead * shapes['features'][1]
        if buffered > _MOST_BUFFERED:
            raise file.fault(
                f'its buffers hold {buffered} numbers, but may hold {_MOST_BUFFERED}'
            )
        self.states = {key: tuple(shape) for key, shape in buffers.items()}
        self.outputs = outputs
        self.lookahead = lookahead
        self.in_channels = shapes['features'][1]
        self.num_classes = len(file.metadata['classes'])

    def push(
        self,
        features: np.ndarray,
        present: np.ndarray,
        frames: int,
        states: Sequence[np.ndarray],
    ) -> tuple[np.ndarray, int, list[np.ndarray]]:
        """Return what ``push_frames`` returns, after checking it.

        Raises:
            UserError: If the graph outputs other frames than it says.
        """
        file, passed = self.file, frames + len(features)
        feed = {
            'features': features,
            'present': present,
            'frames': np.array(frames, np.int64),
            **dict(zip(self.states, states, strict=True)),
        }
        scores, found, *kept = file.session.run(self.outputs, feed)
        file.check_output('probabilities', scores, (None, self.num_classes))
        file.check_output('frames_next', found, ())
        if len(scores) > len(features) or found != passed:
            raise file.fault(
                f'its graph labels {len(scores)} of {len(features)} frames, and counts '
                f'{found} after frame {frames}'
            )
        for (key, shape), value in zip(self.states.items(), kept, strict=True):
            file.check_output(f'{key}_next', value, shape)
        return scores, passed, kept
