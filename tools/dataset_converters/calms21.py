"""Convert the mice of CalMS21, as `mmskelseg convert calms21` does."""

from mmskelseg.converters.calms21 import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/calms21.py')
