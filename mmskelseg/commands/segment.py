"""The command of the runtime, for trained models too."""

from mmskelseg.commands.arguments import device, open_segmenter
from mmskelseg.runtime.cli.segment import segment_command

main = segment_command(open_segmenter, device)
