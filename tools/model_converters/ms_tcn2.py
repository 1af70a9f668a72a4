"""Convert a checkpoint of MS-TCN++, as `mmskelseg convert-model ms_tcn2` does."""

from mmskelseg.converters.checkpoints.ms_tcn2 import main

if __name__ == '__main__':
    main(prog='python tools/model_converters/ms_tcn2.py')
