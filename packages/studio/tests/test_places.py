"""Places that are drawn over the picture, and what becomes of them."""

import hashlib

import pytest

from mmskelseg_io.places import read_places
from mmskelseg_studio.folder import training_data
from tests.errors import assert_names
from tests.test_server import client_of

NEST = {'name': 'nest', 'shape': 'polygon', 'points': [[0, 0], [90, 0], [90, 90]]}
BOWL = {'name': 'bowl', 'shape': 'circle', 'points': [[5, 5]], 'radius': 3.5}


@pytest.fixture
def client(studio):
    return client_of(studio)


def seen(client):
    return client.get('api/places').json()['seen']


def draw(client, *places, after=None):
    sent = [{'video': '', **one} for one in places]
    body = {'places': sent, 'seen': after or seen(client)}
    return client.post('api/places', json=body)


def names(client):
    return [one['name'] for one in client.get('api/places').json()['places']]


def test_drawn_places_are_saved_as_geojson(client, folder):
    assert client.get('api/places').json()['places'] == []
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


def test_places_of_another_window_or_program_are_not_overwritten(client, folder):
    first = seen(client)
    assert draw(client, NEST, after=first).status_code == 200
    reply = draw(client, BOWL, after=first)
    assert (reply.status_code, names(client)) == (409, ['nest'])
    path, before = folder / 'places.geojson', seen(client)
    path.write_text(path.read_text().replace('nest', 'home'))
    for way in ('places/undo', 'places'):
        sent = {'places': [], 'seen': before}
        assert client.post(f'api/{way}', json=sent).status_code == 409
    assert names(client) == ['home']
    assert not client.get('api/places').json()['can_undo']
    # What was seen since may be changed, and that is undone alone.
    draw(client, BOWL)
    assert client.post('api/places/undo', json={'seen': seen(client)}).is_success
    assert names(client) == ['home']


def test_damaged_places_are_not_overwritten(client, folder):
    path = folder / 'places.geojson'
    path.write_text('{"type": "Feat')
    replies = [client.get('api/places'), draw_blindly(client, path)]
    for reply in replies:
        assert reply.status_code == 400
        assert_names(reply.json()['error'], path)
    assert path.read_text() == '{"type": "Feat'


def draw_blindly(client, path):
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    return draw(client, NEST, after=after)


def test_drawing_is_undone_and_redone(client, folder):
    draw(client, NEST)
    draw(client, NEST, BOWL)

    def step(way):
        reply = client.post(f'api/places/{way}', json={'seen': seen(client)})
        return reply.status_code, names(client)

    assert step('undo') == (200, ['nest'])
    assert step('undo') == (200, [])
    assert not (folder / 'places.geojson').exists()
    assert step('undo') == (400, [])
    assert step('redo') == (200, ['nest'])
    draw(client, BOWL)
    assert step('redo') == (400, ['bowl'])
    assert step('undo') == (200, ['nest'])


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
