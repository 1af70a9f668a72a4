"""Convert a checkpoint of MS-GCN, as `mmskelseg convert-model ms_gcn` does."""

from mmskelseg.commands.convert_model import converter

if __name__ == '__main__':
    converter('ms_gcn')()
