"""Convert from and to DeST's layout of skeletons, as `mmskelseg convert dest` does."""

from mmskelseg.converters.dest import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/dest.py')
