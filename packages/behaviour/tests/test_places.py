"""Numbers by place: by hand, and as shapely and pandas have them."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mmskelseg_behaviour.places import stays_of
from mmskelseg_behaviour.tracks import PlaceTrack, occupancy
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.places import Place, Plane
from mmskelseg_io.structures.segments import segment_table

BOX = Place('box', 'polygon', np.array([[10.0, 0], [20, 0], [20, 10], [10, 10]]))
GATE = Place('gate', 'line', np.array([[12.0, -9], [12, 9]]))
X = [0, 5, 10, 15, 20, 25, 15, np.nan, 15, 30]


def track(x, plane=None):
    """A track along a line, at 2 frames a second."""
    xy = np.stack([np.asarray(x, float), np.where(np.isnan(x), np.nan, 5)], 1)
    return PlaceTrack(xy, 2.0, (20, 40), [BOX], plane)


def labelled(label, fps=2.0):
    start, end, ids = segment_table(np.asarray(label)).T
    return Bouts(start / fps, end / fps, ids, len(label) / fps)


WALK = labelled([0, 0, 0, 0, 1, 1, 0, 0, 0, 0])


def test_numbers_of_a_place_by_hand():
    """Two stays, of frames 2 to 4 and 6 to 8; the unseen frame belongs to the second.

    The path inside is from 10 over 15 to 20, and from and to unseen frames it is not
    known.
    """
    stays = stays_of(track(X), BOX, WALK, 2)
    assert stays.measures() == pytest.approx(
        {
            'entries': 2,
            'latency_s': 1.0,
            'time_s': 2.5,
            'share_percent': 100 * 5 / 9,
            'distance': 10.0,
            'mean_speed': 10.0,
            'mean_distance_to': (10 + 5 + 5 + 10) / 9,
        }
    )
    assert stays.inside.tolist() == [2.0, 0.5]
    # Of three bouts, the first begins outside.
    assert stays.bouts.tolist() == [1, 1]


def test_lengths_are_in_centimetres_if_the_plane_is_known():
    stays = stays_of(track(X, Plane.scaled(2, 2)), BOX, WALK, 2).measures()
    assert stays['distance'] == 20
    assert stays['mean_speed'] == 20
    assert stays['time_s'] == 2.5


def test_short_absences_and_stays_do_not_count_if_stated():
    """An absence of half a second; then a second stay of one and a half."""
    assert stays_of(track(X), BOX, WALK, 2, least=1).entries == 1
    assert stays_of(track(X), BOX, WALK, 2, least=0.5).entries == 2
    assert stays_of(track([0, 15, 0, 0, 0]), BOX, WALK, 2, least=1).entries == 0


def test_crossings_of_a_line_are_its_entries():
    """To the right at frame 3, also from and to frames around an unseen one."""
    stays = stays_of(track([0, 5, 10, 15, np.nan, 5]), GATE, WALK, 2)
    assert stays.entries == 2
    assert stays.latencies == (1.5,)
    assert np.isnan(stays.seconds)


def test_recordings_of_an_individual_add_up():
    one, other = (stays_of(track(x), BOX, WALK, 2) for x in (X, [15, 15, 0]))
    both = (one + other).measures()
    assert both['entries'] == 3
    assert both['latency_s'] == 0.5
    assert both['time_s'] == 3.5


def test_nobody_who_is_never_seen_is_anywhere():
    stays = stays_of(track([np.nan] * 4), BOX, WALK, 2).measures()
    assert stays['entries'] == stays['time_s'] == 0
    assert np.isnan(stays['share_percent'])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_time_entries_and_behaviours_equal_those_of_shapely(seed):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 8))
    around = np.stack([np.cos(angles), np.sin(angles)], 1)
    corners = 50 + rng.uniform(5, 45, (8, 1)) * around
    xy = 50 + np.cumsum(rng.normal(0, 6, (400, 2)), axis=0)
    label = np.repeat(rng.integers(0, 3, 40), 10)
    place = Place('zone', 'polygon', corners)
    found = stays_of(
        PlaceTrack(xy, 25.0, None, [place], None), place, labelled(label, 25.0), 3
    )
    polygon = shapely.Polygon(corners)
    inside = shapely.covers(polygon, shapely.points(xy))
    assert found.entries == np.count_nonzero(np.diff(inside, prepend=False) & inside)
    assert found.seconds == pytest.approx(inside.sum() / 25)
    away = shapely.distance(polygon, shapely.points(xy))
    assert found.away == pytest.approx(away.sum() / 25)
    expected = [np.count_nonzero(inside & (label == k)) / 25 for k in range(3)]
    np.testing.assert_allclose(found.inside, expected)
    begins = np.flatnonzero(np.diff(label, prepend=-1))
    expected = np.bincount(label[begins[inside[begins]]], minlength=3)
    np.testing.assert_array_equal(found.bouts, expected)


def test_map_has_the_seconds_of_each_cell():
    """40 x 20 pixels in 4 x 2 cells of 10; positions outside are on no map."""
    seconds, extent = occupancy([track(X), track([35, 45])], 4)
    assert extent == (0, 40, 20, 0)
    assert seconds.tolist() == [[1, 2, 1, 1], [0, 0, 0, 0]]
