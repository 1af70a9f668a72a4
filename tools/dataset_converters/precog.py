"""Convert PRECOG-16, as `mmskelseg convert precog` does."""

from mmskelseg.converters.precog import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/precog.py')
