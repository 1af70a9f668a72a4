"""Predictions of short videos, and of their tiers."""

import numpy as np

from mmskelseg_behaviour.functional.videos import Video

META = {'classes': ['rest', 'walk', 'groom'], 'background': 'rest'}
TIERS = {
    'tiers': {'walk': META['classes'], 'hand': ['still', 'wave']},
    'classes': ['walk: rest', 'walk: walk', 'walk: groom', 'hand: still', 'hand: wave'],
    'background': {'walk': 'rest', 'hand': 'still'},
}


def prediction(true, label, sure=0.9):
    true, label = (np.array(list(map(int, text))) for text in (true, label))
    score = np.full((3, label.size), (1 - sure) / 2)
    score[label, np.arange(label.size)] = sure
    return Video(label, true, score)


def of_tiers(first, second):
    """Join predictions of three and of two classes to those of a video with tiers."""
    return Video(
        np.stack([first.pred, second.pred]),
        np.stack([first.gt, second.gt]),
        np.concatenate([first.scores, second.scores[:2]]),
    )
