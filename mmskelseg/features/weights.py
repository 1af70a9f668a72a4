"""Weights of frozen networks: a file, a download of torchvision's, or none."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from torch import Tensor
from torchvision.models import WeightsEnum

from mmskelseg.checkpoint import load_state_dict

# Parts of a classification network that turn the feature into classes.
_CLASSIFIERS = ('fc.', 'classifier.', 'head.')


class FrameEncoderWeights:
    """Where the weights of a torchvision network come from.

    Args:
        network: Name of the network in torchvision.
        source: ``none``, ``torchvision``, the name of weights that torchvision has for
            this network, or the path of a file.

    Raises:
        FileNotFoundError: If it is none of these.
    """

    def __init__(self, network: str, source: str) -> None:
        self.network = network
        self.source = source
        offered = torchvision.models.get_model_weights(network).__members__
        self.download: WeightsEnum | None = offered.get(
            'IMAGENET1K_V1' if source == 'torchvision' else source
        )
        self.path = Path(source).expanduser().absolute()
        if source != 'none' and self.download is None and not self.path.is_file():
            raise FileNotFoundError(
                f'{source!r}: there is no such file of weights for {network}; name a '
                f'file (SKELSEG_WEIGHTS=FILE), torchvision ({", ".join(offered)}) '
                'to download ImageNet weights, or none for random ones.'
            )

    def identity(self) -> str:
        """Return a name for what the weights hold, wherever they lie."""
        if self.source == 'none':
            return 'none'
        if self.download is not None:
            # The name of the file carries the start of its SHA-256.
            return self.download.url.rpartition('/')[2]
        digest = hashlib.sha256()
        with self.path.open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return f'sha256:{digest.hexdigest()}'

    def load(self, expected: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights for a network that is not ``none``.

        Args:
            expected: The state dict that they are for, without classifier.

        Raises:
            ValueError: If a file holds the weights of another network.
            RuntimeError: If they cannot be downloaded.
        """
        state = self._read()
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
            return dict(
                self.download.get_state_dict(
                    progress=True,
                    check_hash=True,
                    map_location='cpu',
                    weights_only=True,
                )
            )
        except (URLError, OSError, RuntimeError) as error:
            raise RuntimeError(
                f'{self.download} could not be downloaded ({error}). Fetch '
                f'{self.download.url} elsewhere and name the file: '
                f'SKELSEG_WEIGHTS={self.identity()}; or put it into '
                f'{torch.hub.get_dir()}/checkpoints.'
            ) from error
