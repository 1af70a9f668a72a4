"""Labels of a stream's frames are those of the whole video."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmskelseg_runtime.decoding import causal_min_duration
from mmskelseg_runtime.streaming.labels import RunningLabels

LABELS = st.lists(st.integers(0, 2), max_size=40)
FRAMES = st.integers(1, 9)


def obvious(labels, frames):
    """Return the labels by their definition, frame by frame."""
    found = list(labels[:1])
    for t, label in enumerate(labels[1:], 1):
        holds = list(labels[t : t + frames]) == [label] * frames
        found.append(label if holds else found[-1])
    return found


@given(labels=LABELS, frames=FRAMES)
def test_label_changes_to_one_that_holds_for_the_minimum_duration(labels, frames):
    found = causal_min_duration(np.array(labels, np.int64), frames)
    assert found.tolist() == obvious(labels, frames)


@given(labels=LABELS, frames=FRAMES, sizes=st.lists(st.integers(0, 12), max_size=9))
def test_chunks_of_any_size_get_the_labels_of_the_whole(labels, frames, sizes):
    """As soon as they are final, with their own probabilities, from a stored state.

    In a second tier of two classes, every third frame is another one.
    """
    rng = np.random.default_rng(0)
    second = [int(k == 2) for k in labels[::-1]]
    columns = np.concatenate([np.eye(3)[labels], np.eye(2)[second]], axis=1)
    score = (columns + rng.random(columns.shape) / 2).astype(np.float32)
    options = [3, 2], [frames, 3]
    running, given = RunningLabels(*options), []
    found = [np.zeros((2, 0), np.int64)]
    cuts = np.cumsum(sizes, dtype=int)
    for part in np.split(score, cuts[cuts < len(score)]):
        other = RunningLabels(*options)
        other.load_state_dict(running.state_dict())
        own, rows = (running := other).push(part)
        found.append(own)
        given += rows.tolist()
    before = np.concatenate(found, axis=1)
    assert before.shape[1] == max(len(labels) - running.lookahead, 0)
    own, rows = running.push(score[:0], ends=True)
    whole = np.concatenate([before, own], axis=1)
    assert whole[0].tolist() == obvious(labels, frames)
    assert whole[1].tolist() == obvious(second, 3)
    np.testing.assert_array_equal(np.reshape(given + rows.tolist(), (-1, 5)), score)
