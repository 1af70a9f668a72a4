"""Convert from and to the common layout, as `mmskelseg convert common_layout` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('common_layout')()
