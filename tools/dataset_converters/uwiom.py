"""Convert the public UW-IOM release, as `mmskelseg convert uwiom` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('uwiom')()
