"""Where in recordings clips were cut."""

import numpy as np
import pytest

from mmskelseg_io.structures.clips import places_in_recordings


def clips(classes, **keys):
    """Return clips of some names and classes."""
    label = {name: np.full(9, action) for name, action in classes.items()}
    return [{'frame_dir': name, 'label': label[name], **keys} for name in label]


def test_names_may_end_in_the_first_and_last_frame():
    classes = {
        'tea_E_0100_0180': 2, 'tea_E_0020_0090': 1, 'milk_E_0200_0260': 2,
        'milk_E_0010_0190': 0,
    }  # fmt: skip
    assert places_in_recordings(clips(classes)) == {
        'tea_E_0100_0180': ('tea_E', (100, 180)),
        'tea_E_0020_0090': ('tea_E', (20, 90)),
        'milk_E_0200_0260': ('milk_E', (200, 260)),
        'milk_E_0010_0190': ('milk_E', (10, 190)),
    }


def test_a_file_may_tell_the_recording_and_the_first_frame():
    known = clips({'x': 0, 'y': 1}, part_of=('tea', 80))
    assert places_in_recordings(known)['x'] == ('tea', (80,))


@pytest.mark.parametrize(
    'classes',
    [
        # The number is that of the class.
        {'S1A001': 0, 'S1A002': 1, 'S2A001': 0, 'S2A002': 1},
        # Sorted by class.
        {'train1': 0, 'train2': 0, 'train3': 1, 'test4': 1, 'test5': 2, 'test6': 2},
        # Nothing but a number, and takes of an action.
        {'1': 0, '2': 1, '3': 0, '4': 1},
        {'walk_1': 0, 'walk_2': 0, 'run_1': 1, 'run_2': 1},
        {'walk': 0, 'run_2': 1},
        # A number that Python refuses to read.
        {'a_' + '9' * 5000: 0, 'a_2': 1, 'b_1': 0, 'b_2': 1},
    ],
)
def test_names_of_others_tell_no_order(classes):
    assert places_in_recordings(clips(classes)) == {}
