"""Publish a checkpoint, as `mmskelseg convert-model publish_model` does."""

from mmskelseg.converters.checkpoints.publish_model import main

if __name__ == '__main__':
    main(prog='python tools/model_converters/publish_model.py')
