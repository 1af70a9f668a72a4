"""Renaming of weights, and the command line of all converters of checkpoints."""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.messages.errors import UserError

Value = TypeVar('Value')


def converter(
    description: str | None,
    modality: str,
    renames: Mapping[str, str],
    needed: set[str],
    model: str,
) -> Callable[..., int | None]:
    """Return the ``main(argv=None, prog=None)`` of a converter.

    Args:
        description: Shown by ``--help``.
        modality: The default of --modality, the branch of the weights.
        renames: Our names within a branch, by patterns of the reference's names.
            Numbers in angle brackets count refinement stages from 0.
        needed: Some names that every complete checkpoint has.
        model: The network and the names of its weights, for messages.
    """

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument('src', type=Path, help='checkpoint of the reference code')
        parser.add_argument('dst', type=Path, help='checkpoint to write')
        parser.add_argument(
            '--modality',
            default=modality,
            help=f'branch of the model that gets the weights (default: {modality})',
        )

    def run(args: argparse.Namespace) -> None:
        # Imported here, since --help should not wait for it.
        from mmskelseg.fileio.checkpoints import load_state_dict, save_weights

        state = load_state_dict(args.src)
        branch = convert(state, renames, needed, args.src, model)
        prefix = f'branches.{args.modality}'
        converted = {f'{prefix}.{key}': value for key, value in branch.items()}
        save_weights(args.dst, converted, {'converted_from': args.src.name})
        channels, in_channels = branch['backbone.stages.0.conv_in.weight'].shape[:2]
        print(
            f'{args.dst}: {len(converted)} tensors; '
            f'model.num_classes={len(branch["head.classifiers.0.bias"])}, '
            f'model.{prefix}.in_channels={in_channels}, channels={channels}.'
        )

    return command(description, add_arguments, run)


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
