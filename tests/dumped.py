"""Predictions of a video of two frames, as tests of models dump them."""

import torch

# The likeliest class of the first frame is 0 and 2, on average it is 1.
ONE = torch.tensor([[0.5, 0.9], [0.45, 0.1], [0.05, 0.0]])
OTHER = torch.tensor([[0.05, 0.3], [0.45, 0.7], [0.5, 0.0]])


def prediction(score):
    """Return the predicted fields of probabilities (K, T)."""
    return {
        'pred_score': score,
        'pred_label': score.argmax(dim=0),
        'pred_logit': score.clamp_min(1e-30).log(),
    }


def sample(score, frame_dir='a', label=(1, 0)):
    """Return what is dumped of a video."""
    return {
        'frame_dir': frame_dir,
        'gt_label': torch.tensor(label),
        **prediction(score),
    }
