"""The temperature of probabilities, of NumPy's arrays and PyTorch's tensors."""

from typing import Any, TypeAlias

#: A NumPy array or a PyTorch tensor.
Array: TypeAlias = Any

# How fast the temperature of a frame rises with its uncertainty: at once, since few
# frames are as uncertain as equal probabilities.
_EXPONENT = 0.25


def divisor(scores: Array, temperature: Array, axis: int) -> Array:
    """Return what the logits of each frame are divided by.

    It is ``temperature ** (u ** 0.25)``, where u is the uncertainty of a frame: its
    Gini impurity, 1 minus the sum of squares, as a part of the largest. A frame that is
    certain keeps its logits; one of equal probabilities gets the whole temperature.

    Args:
        scores: Probabilities, whose classes lie along ``axis``.
        temperature: Above 0; a number or an array that broadcasts.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), divide
    all logits by one number, which left uncertain frames too sure (studies/fit.md).
    """
    classes = scores.shape[axis]
    impurity = 1 - (scores * scores).sum(axis=axis, keepdims=True)
    # Rounding may lead below 0.
    uncertainty = (impurity * (classes / max(classes - 1, 1))).clip(0)
    return temperature ** (uncertainty**_EXPONENT)


def tempered(scores: Array, temperature: Array, axis: int = 0) -> Array:
    """Return probabilities whose logits are divided by :func:`divisor`.

    The class of the largest probability stays the same.
    """
    powers = scores ** (1 / divisor(scores, temperature, axis))
    return powers / powers.sum(axis=axis, keepdims=True)
