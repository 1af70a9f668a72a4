"""Publish a checkpoint, as `mmskelseg convert-model publish_model` does."""

from mmskelseg.commands.convert_model import converter

if __name__ == '__main__':
    converter('publish_model')()
