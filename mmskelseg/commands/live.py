"""Labels the people in front of a camera live."""

from mmskelseg.commands._arguments import open_stream
from mmskelseg.runtime.cli.live import live_command

main = live_command(open_stream)
