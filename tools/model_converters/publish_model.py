"""Publish a checkpoint, as `mmskelseg convert-model publish_model` does."""

from mmskelseg.models.converters.publish_model import main

if __name__ == '__main__':
    main()
