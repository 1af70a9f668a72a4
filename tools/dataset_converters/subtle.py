"""Convert the mice of SUBTLE, as `mmskelseg convert subtle` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('subtle')()
