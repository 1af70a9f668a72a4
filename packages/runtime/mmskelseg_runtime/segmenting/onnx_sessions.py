"""Graphs in ONNX Runtime, with limits on memory and time."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmskelseg_io.files.inputs import in_words, most_bytes_of
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_runtime.segmenting.onnx_graph import check_graph

_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}
# Memory that a run may take, in bytes per frame, per byte of its inputs and per byte of
# its buffers, if the limit for the file's size is lower. Skeleton graphs need the most
# per frame, images the most per byte.
_BYTES_PER_FRAME, _BYTES_PER_BYTE, _BYTES_PER_STATE = 1 << 19, 64, 4
# Seconds that a run may take, plus those for each frame. Time is checked between the
# operators of a graph.
_SECONDS, _SECONDS_PER_FRAME = 60, 1
# These optimisers run parts of the graph without limits while it is opened. Exported
# models don't need them.
_UNBOUNDED = ['ConstantFolding', 'ConstantFoldingDQ']
# Inputs and outputs of type int64; all others are float32.
_COUNTS = ('frames', 'frames_next', 'range')
# The memory limit applies to the whole process until a session takes it.
_opening = threading.Lock()


class Session:
    """The graph of an ONNX file's content, ready to run.

    The device is ``cpu``, ``cuda`` or ``cuda:1`` and so on; by default a GPU, if this
    ONNX Runtime can use one.
    0 threads are one per core.

    Raises:
        UserError: If it is not an ONNX file, or not like an exported model.
        UnavailableError: If ONNX Runtime or the device is not available.
    """

    def __init__(
        self, content: bytes, name: str, device: str | None = None, threads: int = 0
    ) -> None:
        self._runtime = import_optional('onnxruntime', name)
        self._device = device
        self._provider = _provider(self._runtime.get_available_providers(), device)
        self._threads = threads
        self._content = content
        self._memory = most_bytes_of(len(content))
        self.name = name
        check_graph(content, name)
        # Optimisers take longer than to segment most recordings, and are of use for
        # images alone.
        levels = self._runtime.GraphOptimizationLevel
        self._level = levels.ORT_DISABLE_ALL
        self._session = self._opened()
        if any(len(x) == 4 for name, x in self.inputs.items() if name != 'keypoints'):
            self._level = levels.ORT_ENABLE_ALL
            self._session = self._opened()
        for item in (*self._session.get_inputs(), *self._session.get_outputs()):
            expected = f'tensor({"int64" if item.name in _COUNTS else "float"})'
            if item.type != expected:
                raise UserError(
                    f'{name}: {item.name} is a {item.type}, expected a {expected}; '
                    'export the model again.'
                )

    @property
    def inputs(self) -> dict[str, list[Any]]:
        """The shape of each input; a name in it stands for any number."""
        return {item.name: item.shape for item in self._session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        """The names of all outputs."""
        return [item.name for item in self._session.get_outputs()]

    def entries(self) -> dict[str, str]:
        """Return the metadata of the file.

        Raises:
            UserError: If it is not text.
        """
        try:
            return self._session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError:
            raise UserError(
                f'{self.name}: its metadata is not text; copy it or export the model '
                'again.'
            ) from None

    def run(
        self, outputs: Sequence[str] | None, inputs: Mapping[str, np.ndarray]
    ) -> list[np.ndarray]:
        """Return the outputs with these names, or all.

        Raises:
            UserError: If the graph fails, or takes too much memory or time.
        """
        lengths = [len(array) for array in inputs.values() if array.ndim]
        if 'keypoints' in inputs:
            # Its first axis is people.
            lengths.append(inputs['keypoints'].shape[1])
        frames = max(lengths, default=0)
        needed = frames * _BYTES_PER_FRAME
        for key, array in inputs.items():
            is_state = key.startswith('state_')
            needed += array.nbytes * (_BYTES_PER_STATE if is_state else _BYTES_PER_BYTE)
        if needed > self._memory:
            # Twice as much, since the next video may be a little longer.
            self._memory = 2 * needed
            self._session = self._opened()
        seconds = _SECONDS + frames * _SECONDS_PER_FRAME
        options = self._runtime.RunOptions()
        options.log_severity_level = 4
        timer = threading.Timer(seconds, setattr, (options, 'terminate', True))
        timer.daemon = True
        timer.start()
        try:
            return self._session.run(outputs, dict(inputs), options)
        except Exception as error:  # ONNX Runtime raises no more specific type.
            problem = f'fails ({_first_line(error)})'
            if options.terminate:
                problem = f'takes over {seconds} seconds for {frames} frames'
            elif 'Available memory of' in str(error):
                problem = f'takes over {in_words(self._memory)} for {frames} frames'
            raise UserError(
                f'{self.name}: the graph in it {problem}; export the model again.'
            ) from None
        finally:
            timer.cancel()

    def _opened(self) -> Any:
        """Return a session of ONNX Runtime with the current memory limit."""
        runtime = self._runtime
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.graph_optimization_level = self._level
        # Log nothing, since errors are raised.
        options.log_severity_level = 4
        # Threads that wait for work leave the cores to other programs.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.add_session_config_entry('session.use_env_allocators', '1')
        # Without this, it would also accept ONNX Runtime's own format.
        options.add_session_config_entry('session.load_model_format', 'ONNX')
        arena = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
        memory = runtime.OrtMemoryInfo('Cpu', arena, 0, runtime.OrtMemType.DEFAULT)
        limit = runtime.OrtArenaCfg({'max_mem': self._memory})
        kind = self._provider[0]
        try:
            with _opening:
                runtime.create_and_register_allocator(memory, limit)
                session = runtime.InferenceSession(
                    self._content,
                    options,
                    [self._provider],
                    disabled_optimizers=_UNBOUNDED,
                )
            # It falls back to the CPU, and only prints so.
            if self._device is not None and kind not in session.get_providers():
                raise RuntimeError('its CUDA libraries cannot be loaded')
            return session
        except Exception as error:  # ONNX Runtime raises no more specific type.
            if kind != _PROVIDERS['cpu']:
                raise UnavailableError(
                    f'{self.name}: ONNX Runtime cannot run it on the device '
                    f'{self._device or "cuda"!r} ({_first_line(error)}); choose cpu.'
                ) from None
            raise UserError(
                f'{self.name}: cannot be read as an ONNX file ({_first_line(error)}); '
                'it may be cut short or be another kind of file; copy it or export the '
                'model again.'
            ) from None


def _provider(offered: Sequence[str], device: str | None) -> tuple[str, dict[str, str]]:
    """Return the name and settings of the execution provider for a device."""
    if device is None:
        device = 'cuda' if _PROVIDERS['cuda'] in offered else 'cpu'
    kind, colon, number = device.partition(':')
    is_name = not colon or (kind == 'cuda' and number.isdecimal())
    if not is_name or _PROVIDERS.get(kind) not in offered:
        known = [key for key, value in _PROVIDERS.items() if value in offered]
        raise UnavailableError(
            f'This ONNX Runtime cannot use the device {device!r}; choose '
            f'{" or ".join(known)}'
            + (', or install onnxruntime-gpu.' if kind == 'cuda' else '.')
        )
    return _PROVIDERS[kind], {'device_id': number} if number else {}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0].rstrip('. ')[:160]
