"""Convert Desktop Assembly, as `mmskelseg convert desktop_assembly` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('desktop_assembly')()
