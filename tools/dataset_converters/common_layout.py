"""Convert from and to the common layout, as `mmskelseg convert common_layout` does."""

from mmskelseg.converters.common_layout import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/common_layout.py')
