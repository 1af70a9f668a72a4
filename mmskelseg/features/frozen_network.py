"""A network with weights that no training changes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.device import get_device
from mmengine.logging import print_log
from torch import nn

from mmskelseg.features.architectures import find_architecture
from mmskelseg.features.weights import FrameEncoderWeights


class FrozenNetwork:
    """A network that gives one feature an input, loaded when it is first asked for.

    So features which are there already cost nothing.

    Args:
        arch: See :func:`mmskelseg.features.architectures.find_architecture`.
        weights: See :class:`FrameEncoderWeights`.

    Raises:
        ValueError: If there is no such network.
        FileNotFoundError: If there is no such file.
    """

    def __init__(self, arch: str | Mapping[str, Any], weights: str) -> None:
        self.arch = arch if isinstance(arch, str) else ConfigDict(arch).to_dict()
        self.weights = weights
        self._architecture = find_architecture(arch)
        self._source = FrameEncoderWeights(self._architecture, weights)

    def settings(self) -> dict[str, Any]:
        """Return all that decides its features, as plain values.

        Weights are named by what they hold, so that neither a file that was replaced
        nor one that was moved is mistaken for another.
        """
        return {'arch': self.arch, 'weights': self._source.identity()}

    @cached_property
    def module(self) -> nn.Module:
        """The network, in evaluation, on the device that MMEngine picks.

        Raises:
            ValueError: If a file holds the weights of another network.
            RuntimeError: If weights cannot be downloaded.
        """
        with torch.random.fork_rng(devices=[]):
            # So that random weights are the same ones in every run.
            torch.manual_seed(0)
            network = self._architecture.build()
        if self.weights == 'none':
            name = self.arch if isinstance(self.arch, str) else self.arch['type']
            print_log(
                f'{name} gets random weights (weights=none), so that its features '
                'say little; name a file, or weights of its library to download.',
                logger='current',
                level=30,
            )
        else:
            network.load_state_dict(self._source.load(network.state_dict()))
        # In turn, since those of MMAction2 do not return themselves.
        network.eval()
        network.requires_grad_(False)
        return network.to(get_device())
