"""Convert a checkpoint of MS-GCN, as `mmskelseg convert-model ms_gcn` does."""

from mmskelseg.converters.checkpoints.ms_gcn import main

if __name__ == '__main__':
    main(prog='python tools/model_converters/ms_gcn.py')
