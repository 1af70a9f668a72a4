"""Weights of frozen networks: a file, a download of their library's, or none."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

from torch import Tensor

from mmskelseg.features.architectures import Architecture
from mmskelseg.fileio.checkpoints import load_state_dict

# Parts of a classification network that turn the feature into classes.
_CLASSIFIERS = ('fc.', 'classifier.', 'head.')
# What a checkpoint of the OpenMMLab family puts before a backbone's weights.
_BACKBONE = 'backbone.'


class FrameEncoderWeights:
    """Where the weights of a network come from.

    Args:
        network: The network.
        source: ``none``, the name of weights that its library offers for it, or the
            path of a file.

    Raises:
        FileNotFoundError: If it is none of these.
    """

    def __init__(self, network: Architecture, source: str) -> None:
        self.network = network.name
        self.source = source
        self.download = network.downloads.get(source)
        self.path = Path(source).expanduser().absolute()
        if source != 'none' and self.download is None and not self.path.is_file():
            offered = ', '.join(network.downloads)
            raise FileNotFoundError(
                f'{source!r}: there is no such file of weights for {self.network}; '
                'name a file (SKELSEG_WEIGHTS=FILE), '
                + (f'one of {offered} to download ImageNet weights, ' * bool(offered))
                + 'or none for random ones.'
            )

    def identity(self) -> str:
        """Return a name for what the weights hold, wherever they lie."""
        if self.source == 'none':
            return 'none'
        if self.download is not None:
            return self.download.identity
        digest = hashlib.sha256()
        with self.path.open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return f'sha256:{digest.hexdigest()}'

    def load(self, expected: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights for a network that is not ``none``.

        Of a file with a whole model of the OpenMMLab family, these are the weights
        under ``backbone.``.

        Args:
            expected: The state dict that they are for, without classifier.

        Raises:
            ValueError: If a file holds the weights of another network.
            RuntimeError: If they cannot be downloaded.
        """
        state = self._read()
        if any(key.startswith(_BACKBONE) for key in state.keys() - expected.keys()):
            state = {
                key.removeprefix(_BACKBONE): value
                for key, value in state.items()
                if key.startswith(_BACKBONE)
            }
        state = {
            key: value
            for key, value in state.items()
            if not key.startswith(_CLASSIFIERS) or key in expected
        }
        counters = {key for key in expected if key.endswith('num_batches_tracked')}
        missing = sorted(expected.keys() - state.keys() - counters)
        foreign = sorted(state.keys() - expected.keys())
        wrong = [
            f'{key} is {tuple(state[key].shape)} instead of {tuple(value.shape)}'
            for key, value in expected.items()
            if key in state and state[key].shape != value.shape
        ]
        faults = []
        if missing:
            faults.append(f'{len(missing)} tensors are missing, as {missing[0]}')
        if foreign:
            faults.append(f'{len(foreign)} tensors are not its own, as {foreign[0]}')
        faults += wrong[:1]
        if faults:
            raise ValueError(
                f'{self.source}: not the weights of {self.network}: '
                f'{"; ".join(faults)}. Name a file with weights of '
                f'{self.network}, or set `arch` to the network that they are of.'
            )
        return state

    def _read(self) -> dict[str, Tensor]:
        if self.download is None:
            return load_state_dict(self.path)
        try:
            return dict(self.download.read())
        except (URLError, OSError, RuntimeError) as error:
            raise RuntimeError(
                f'{self.download.identity} could not be downloaded ({error}). '
                f'{self.download.elsewhere}'
            ) from error
