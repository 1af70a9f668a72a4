"""Convert TUM-Kitchen, as `mmskelseg convert tum_kitchen` does."""

from mmskelseg.converters.tum_kitchen import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/tum_kitchen.py')
