"""Make the toy data set, as `mmskelseg convert toy` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('toy')()
