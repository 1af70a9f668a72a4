"""The runtime's command, extended to models in PyTorch."""

from mmskelseg.commands.arguments import open_stream
from mmskelseg.runtime.cli.live import live_command

main = live_command(open_stream)
