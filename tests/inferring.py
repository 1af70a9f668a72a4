"""Trained models, opened as in all tests of what they predict."""

from mmskelseg.apis import SkelSegInferencer


def inferencer_of(config, checkpoint, **options):
    """Return the inferencer of a model, on the CPU and without progress bars."""
    return SkelSegInferencer(config, checkpoint, 'cpu', show_progress=False, **options)


def prediction_of(config, checkpoint, video):
    """Return what a model predicts of one video."""
    (prediction,) = inferencer_of(config, checkpoint)(video)['predictions']
    return prediction
