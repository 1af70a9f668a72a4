"""Make the toy data set, as `mmskelseg convert toy` does."""

from mmskelseg.converters.toy import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/toy.py')
