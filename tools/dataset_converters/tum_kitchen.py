"""Convert TUM-Kitchen, as `mmskelseg convert tum_kitchen` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('tum_kitchen')()
