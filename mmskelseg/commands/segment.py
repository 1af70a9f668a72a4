"""Segments videos or skeletons."""

from functools import partial

from mmskelseg.commands._arguments import device, load_inferencer
from mmskelseg.runtime.cli.segment import segment_command

main = segment_command(
    lambda args: partial(load_inferencer(args).stream, batch_size=args.batch_size),
    device,
)
