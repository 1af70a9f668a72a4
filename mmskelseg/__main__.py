"""Entry point of ``python -m mmskelseg COMMAND``."""

import sys

from mmskelseg.commands import main

if __name__ == '__main__':
    sys.exit(main())
