"""Places that are drawn over the picture, and what becomes of them."""

import pytest

from mmskelseg.runtime.places import read_places
from mmskelseg.studio.folder import training_data
from tests.errors import assert_names
from tests.test_studio.test_server import client_of

NEST = {'name': 'nest', 'shape': 'polygon', 'points': [[0, 0], [90, 0], [90, 90]]}
BOWL = {'name': 'bowl', 'shape': 'circle', 'points': [[5, 5]], 'radius': 3.5}


@pytest.fixture
def client(studio):
    return client_of(studio)


def draw(client, *places):
    sent = [{'video': '', **one} for one in places]
    return client.post('api/places', json={'places': sent})


def test_drawn_places_are_saved_as_geojson(client, folder):
    assert client.get('api/places').json() == {'places': []}
    draw(client, NEST, {**BOWL, 'video': 'video_1'})
    found = read_places(folder / 'places.geojson')
    assert {name: [p.name for p in own] for name, own in found.items()} == {
        '': ['nest'], 'video_1': ['bowl']
    }  # fmt: skip
    (nest, bowl) = client.get('api/places').json()['places']
    assert nest == {**NEST, 'video': ''}
    assert bowl == {**BOWL, 'video': 'video_1'}
    draw(client)
    assert not (folder / 'places.geojson').exists()


@pytest.mark.parametrize(
    ('places', 'named'),
    [
        ([{**NEST, 'points': [[0, 0]]}], "'nest' | 3 or more"),
        ([NEST, NEST], "'nest' twice"),
    ],
)
def test_a_place_that_is_none_is_refused(client, places, named):
    reply = draw(client, *places)
    assert reply.status_code == 400
    assert_names(reply.json()['error'], named)


def test_models_of_the_studio_see_places_that_all_recordings_have(client, studio):
    names = [f'video_{i}' for i in range(3)]
    draw(client, NEST, {**BOWL, 'name': 'nest', 'video': 'video_1'})
    videos = training_data(studio.folder, names)['annotations']
    assert [one['places'][0]['shape'] for one in videos] == [
        'polygon', 'circle', 'polygon'
    ]  # fmt: skip
    draw(client, NEST, {**BOWL, 'video': 'video_1'})
    videos = training_data(studio.folder, names)['annotations']
    assert not any('places' in one for one in videos)
