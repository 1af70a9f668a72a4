"""The runtime's command, extended to models in PyTorch."""

from mmskelseg.commands.arguments import device, open_segmenter
from mmskelseg.runtime.cli.segment import segment_command

main = segment_command(open_segmenter, device)
