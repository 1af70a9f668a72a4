"""Convert a checkpoint of MS-TCN++, as `mmskelseg convert-model ms_tcn2` does."""

from mmskelseg.commands.convert_model import converter

if __name__ == '__main__':
    converter('ms_tcn2')()
