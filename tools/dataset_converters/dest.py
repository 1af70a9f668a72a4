"""Convert from and to DeST's layout of skeletons, as `mmskelseg convert dest` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('dest')()
