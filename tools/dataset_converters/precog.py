"""Convert PRECOG-16, as `mmskelseg convert precog` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('precog')()
