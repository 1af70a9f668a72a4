"""Renaming of weights, for converters of checkpoints of reference code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError, reading
from mmskelseg_io.messages.options import argument, option

Value = TypeVar('Value')


@dataclass(frozen=True, kw_only=True)
class WeightConverter(Job[Path]):
    """Converts a checkpoint of reference code, and returns the new one."""

    writes = ('dst',)
    #: Our names within a branch, by patterns of the reference's names. Numbers in angle
    #: brackets count refinement stages from 0.
    renames: ClassVar[Mapping[str, str]]
    #: Some names that every complete checkpoint has.
    needed: ClassVar[set[str]]
    #: The network and the names of its weights, for messages.
    network: ClassVar[str]
    src: Path = argument('checkpoint of the reference code')
    dst: Path = argument('checkpoint to write')
    modality: str = option(
        'branch of the model that gets the weights (default: %(default)s)'
    )

    def run(self, events: Events) -> Path:
        """Write the checkpoint."""
        # Imported here, since --help should not wait for it.
        from mmskelseg.checkpoints.reading import load_state_dict, save_weights

        with reading(self.src):
            branch = self.renamed(load_state_dict(self.src))
            channels, in_channels = branch['backbone.stages.0.conv_in.weight'].shape[:2]
            classes = len(branch['head.classifiers.0.bias'])
        prefix = f'branches.{self.modality}'
        converted = {f'{prefix}.{key}': value for key, value in branch.items()}
        save_weights(self.dst, converted, {'converted_from': self.src.name})
        events.note(
            f'{self.dst}: {len(converted)} tensors; model.num_classes={classes}, '
            f'model.{prefix}.in_channels={in_channels}, channels={channels}.'
        )
        return self.dst

    def renamed(self, state: Mapping[str, Value]) -> dict[str, Value]:
        """Return a state dict of the reference with our names within a branch.

        Raises:
            UserError: If a name is none of the reference, or one is missing.
        """
        converted = {}
        for key, value in state.items():
            pattern = next((one for one in self.renames if re.match(one, key)), None)
            if pattern is None:
                raise UserError(
                    f'{self.src}: {key!r} is not a name of {self.network}; convert a '
                    'state dict that the reference code saved.'
                )
            renamed = re.sub(f'^{pattern}', self.renames[pattern], key)
            # We count refinement stages from 1, after the first stage.
            ours = re.sub(r'<(\d+)>', lambda match: str(int(match[1]) + 1), renamed)
            converted[ours] = value
        missing = self.needed - state.keys()
        if missing:
            raise UserError(
                f'{self.src}: {min(missing)!r} is missing; copy or download the file '
                'again.'
            )
        return converted
