"""Labels whose actions come in the orders of the training videos."""

from collections.abc import Sequence

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, CountOrZero, Factor, checked
from mmskelseg_io.structures.segments import segment_table


@checked
def action_order(
    labels: np.ndarray,
    score: np.ndarray,
    follows: Sequence[Sequence[CountOrZero]],
    frames: Count,
    background: CountOrZero | None = None,
    cost: Factor = 0.0,
) -> np.ndarray:
    """Return labels (T,) with the classes of segments that are likeliest together.

    The likelihood is the product of the probabilities of all frames, and of how often
    an action follows the one before, relative to the geometric mean over all pairs, to
    the power of ``frames``. So an action out of order stays where the model is sure of
    it for longer than that, and orders as likely as in training cost nothing. Segments
    keep their boundaries, or merge with others of their class, which spares their cost.
    Background stays, so that an action that was left out is not found in a rest.

    Args:
        labels: Classes, shape (T,).
        score: Their probabilities, (K, T).
        follows: How often each action was followed by each, (K, K); 1 / K is added.
        frames: How many frames an order counts as much as.
        background: The class that is no action, and may be between any two, or None.
        cost: What a segment after another one costs, in nats.

    Raises:
        UserError: If ``follows`` has another shape, or there is no such class.

    Source: Richard et al., "Weakly Supervised Action Learning with RNN Based
    Fine-to-Coarse Modeling" (CVPR 2017), for the idea of a grammar of actions.

    >>> score = np.array([[0.9, 0.1, 0.0], [0.1, 0.4, 0.9], [0.0, 0.5, 0.1]])
    >>> script = [[0, 9, 0], [0, 0, 9], [9, 0, 0]]
    >>> score.argmax(axis=0), action_order(score.argmax(axis=0), score, script, 2)
    (array([0, 2, 1]), array([0, 1, 1]))
    """
    classes, counts = len(score), np.array(follows, float)
    if counts.shape != (classes, classes) or (background or 0) >= classes:
        raise UserError(
            f'ActionOrder: follows has the shape {counts.shape}, and background is '
            f'{background}, but there are {classes} classes.'
        )
    table = segment_table(labels)
    if not len(table):
        return labels.copy()
    likely = np.add.reduceat(np.log(np.maximum(score, 1e-6)), table[:, 0], axis=1).T
    moves = _moves(counts, frames, background) - cost
    # A segment may go on.
    np.fill_diagonal(moves, 0)
    if background is None:
        rests = np.full_like(likely, -np.inf)
    else:
        rests = np.repeat(likely[:, [background]], classes, axis=1)
        is_rest, is_action = table[:, 2] == background, np.arange(classes) != background
        likely[np.ix_(is_rest, is_action)] = -np.inf
    states = _likeliest(np.concatenate([likely, rests], axis=1), moves)
    found = [state if state < classes else background for state in states]
    return np.repeat(np.array(found, labels.dtype), table[:, 1] - table[:, 0])


def _likeliest(gains: np.ndarray, moves: np.ndarray) -> list[int]:
    """Return the states (N,) of the highest sum, of which the first is an action.

    Args:
        gains: The logarithm of the likelihood of each state, (N, 2 K).
        moves: That of each state after each, (2 K, 2 K).
    """
    best = gains[0].copy()
    best[len(moves) // 2 :] = -np.inf
    before = np.zeros(gains.shape, np.int64)
    for i, gain in enumerate(gains[1:], start=1):
        totals = best[:, None] + moves
        before[i] = totals.argmax(axis=0)
        best = totals.max(axis=0) + gain
    states = [int(best.argmax())]
    for row in before[:0:-1]:
        states.append(int(row[states[-1]]))
    return states[::-1]


def _moves(counts: np.ndarray, frames: int, background: int | None) -> np.ndarray:
    """Return the logarithm of the likelihood of each state after each, (2 K, 2 K).

    The state of a segment is its action a, or K + a for background after a. That of
    background before any action is the class of background.
    """
    classes = len(counts)
    logs, mean = order_logs(counts)
    orders = frames * (logs - mean)
    moves = np.full((2 * classes, 2 * classes), -np.inf)
    moves[:, :classes] = np.tile(orders, (2, 1))
    if background is not None:
        np.fill_diagonal(moves[:classes, classes:], 0)
        moves[:, [background, classes + background]] = -np.inf
        moves[background, :classes] = 0
    return moves


def order_logs(follows: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the logarithm of how likely each class follows each, and their mean.

    Args:
        follows: How often each class was followed by each, (K, K); 1 / K is added.

    Returns:
        Logarithms, (K, K), and their mean over all pairs that were counted.
    """
    counts = follows + 1 / len(follows)
    logs = np.log(counts / counts.sum(axis=1, keepdims=True))
    return logs, float(np.average(logs, weights=counts))


def segment_evidence(labels: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return by how much each segment is likelier than none in its place, in nats.

    Without it, its frames are of the class before and, from the best frame on, of the
    one after. Between two segments of one class, there are two segments fewer then, and
    each has half of the evidence. Segments without a neighbour are left out.

    Args:
        labels: True classes, shape (T,), -1 for none.
        score: Probabilities, (K, T).

    >>> score = np.array([[0.8, 0.1, 0.8], [0.2, 0.9, 0.2]])
    >>> segment_evidence(np.array([0, 1, 0]), score).round(2).tolist()
    [1.39, 1.1, 1.39]
    """
    logs = np.log(np.maximum(score, 1e-6))
    sums = np.pad(np.cumsum(logs, axis=1), ((0, 0), (1, 0)))
    table = segment_table(labels).tolist()
    found = []
    for i, (start, end, label) in enumerate(table):
        near = [row[2] for row in table[max(i - 1, 0) : i] if row[1] == start]
        near += [row[2] for row in table[i + 1 : i + 2] if row[0] == end]
        if near:
            before, after = sums[near[0]], sums[near[-1]]
            cuts = (before - after)[start : end + 1]
            without = cuts.max() - before[start] + after[end]
            own = sums[label, end] - sums[label, start]
            found.append((own - without) / (1 + (near[1:] == near[:1])))
    return np.array(found)
