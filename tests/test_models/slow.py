"""Layers of networks frame by frame, to compare with; a video is a list of frames."""

import math

import torch


def linear(conv, frame):
    """Return what a 1x1 convolution makes of the channels of one frame."""
    return conv.weight[:, :, 0] @ frame + conv.bias


def convolved(conv, frames):
    """Return the output of a convolution for each frame, with zeros beyond the ends."""
    (taps,), (dilation,) = conv.kernel_size, conv.dilation
    output = []
    for t in range(len(frames)):
        total = conv.bias
        for tap in range(taps):
            other = t + (tap - taps // 2) * dilation
            if 0 <= other < len(frames):
                total = total + conv.weight[:, :, tap] @ frames[other]
        output.append(total)
    return output


def normed(frames):
    """Return frames of which each channel has mean 0 and variance 1."""
    mean = sum(frames) / len(frames)
    variance = sum((frame - mean) ** 2 for frame in frames) / len(frames)
    return [(frame - mean) / (variance + 1e-5) ** 0.5 for frame in frames]


def attended(part, frames, source, read):
    """Return what each frame gets by attention to the frames read(t).

    Values come from the frames of a source, if it is not None.
    """
    keys = [linear(part.key, frame) for frame in frames]
    values = [linear(part.value, frame) for frame in source or frames]
    output = []
    for t, frame in enumerate(frames):
        query = linear(part.query, frame)
        places = [s for s in read(t) if 0 <= s < len(frames)]
        weights = [math.exp(query @ keys[s] / len(query) ** 0.5) for s in places]
        pairs = zip(weights, places, strict=True)
        output.append(sum(weight / sum(weights) * values[s] for weight, s in pairs))
    return output


def stage_logits(model, video, run_layer):
    """Return the logits of all stages (S, K, T) of a video (C, T).

    ``run_layer`` takes a layer, its input, and the features of the stage before.
    """
    branch, source, logits = model.branches['pose'], None, []
    x, heads = list(video.T), branch['head'].classifiers
    for stage, head in zip(branch['backbone'].stages, heads, strict=True):
        if source is not None and getattr(stage, 'reduce', None) is not None:
            source = [linear(stage.reduce, frame) for frame in source]
        x = [linear(stage.conv_in, frame) for frame in x]
        for layer in stage.layers:
            x = run_layer(layer, x, source)
        logits.append(torch.stack([linear(head, frame) for frame in x], dim=1))
        source, x = x, list(logits[-1].softmax(dim=0).T)
    return torch.stack(logits)
