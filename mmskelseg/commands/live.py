"""The command of the runtime, for trained models too."""

from mmskelseg.commands.arguments import open_stream
from mmskelseg.runtime.cli.live import live_command

main = live_command(open_stream)
