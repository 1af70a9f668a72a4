"""Entry point of ``python -m mmskelseg.doctor``, like ``mmskelseg doctor``."""

import sys

from mmskelseg.commands.doctor import main

if __name__ == '__main__':
    sys.exit(main(prog='python -m mmskelseg.doctor'))
