"""Renaming of weights, for converters of checkpoints of reference code."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from mmskelseg.converters.options import Converter
from mmskelseg.runtime.messages.errors import UserError, reading
from mmskelseg.runtime.messages.options import Option

Value = TypeVar('Value')


def converter(
    modality: str, renames: Mapping[str, str], needed: set[str], model: str
) -> Converter:
    """Return the converter of checkpoints of a network.

    Args:
        modality: The default of --modality, the branch of the weights.
        renames: Our names within a branch, by patterns of the reference's names.
            Numbers in angle brackets count refinement stages from 0.
        needed: Some names that every complete checkpoint has.
        model: The network and the names of its weights, for messages.
    """

    def run(
        src: Annotated[Path, Option('checkpoint of the reference code', '')],
        dst: Annotated[Path, Option('checkpoint to write', '')],
        *,
        modality: Annotated[
            str,
            Option('branch of the model that gets the weights (default: %(default)s)'),
        ] = modality,
    ) -> None:
        # Imported here, since --help should not wait for it.
        from mmskelseg.checkpoints.reading import load_state_dict, save_weights

        with reading(src):
            branch = convert(load_state_dict(src), renames, needed, src, model)
            channels, in_channels = branch['backbone.stages.0.conv_in.weight'].shape[:2]
            classes = len(branch['head.classifiers.0.bias'])
        prefix = f'branches.{modality}'
        converted = {f'{prefix}.{key}': value for key, value in branch.items()}
        save_weights(dst, converted, {'converted_from': src.name})
        print(
            f'{dst}: {len(converted)} tensors; model.num_classes={classes}, '
            f'model.{prefix}.in_channels={in_channels}, channels={channels}.'
        )

    return Converter(run)


def convert(
    state: Mapping[str, Value],
    renames: Mapping[str, str],
    needed: set[str],
    source: Path,
    model: str,
) -> dict[str, Value]:
    """Return a state dict of the reference with our names within a branch."""
    converted = {}
    for key, value in state.items():
        pattern = next((theirs for theirs in renames if re.match(theirs, key)), None)
        if pattern is None:
            raise UserError(
                f'{source}: {key!r} is not a name of {model}; convert a state dict '
                'that the reference code saved.'
            )
        renamed = re.sub(f'^{pattern}', renames[pattern], key)
        # We count refinement stages from 1, after the first stage.
        ours = re.sub(r'<(\d+)>', lambda match: str(int(match[1]) + 1), renamed)
        converted[ours] = value
    missing = needed - state.keys()
    if missing:
        raise UserError(
            f'{source}: {min(missing)!r} is missing; copy or download the file again.'
        )
    return converted
