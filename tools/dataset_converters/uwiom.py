"""Convert the public UW-IOM release, as `mmskelseg convert uwiom` does."""

from mmskelseg.converters.uwiom import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/uwiom.py')
