"""Entry point of ``python -m mmskelseg COMMAND``."""

from mmskelseg_io.jobs import main

if __name__ == '__main__':
    main()
