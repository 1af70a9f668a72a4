"""Entry point of ``python -m mmskelseg COMMAND``."""

from importlib.util import find_spec

# The distribution mmskelseg-runtime has no others.
if find_spec('mmskelseg.commands') is None:
    from mmskelseg.runtime.jobs import main
else:
    from mmskelseg.commands import main

if __name__ == '__main__':
    main()
