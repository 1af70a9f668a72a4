"""Files that appear in a folder after it was opened, or that have changed."""

import json

import pytest
from starlette.testclient import TestClient

from mmskelseg_studio.loading import load_project
from mmskelseg_studio.server import build_app
from tests.clips import write_video
from tests.conftest import save_labels, studio_of
from tests.errors import assert_names
from tests.small_data import save_poses, small_annotations

HOST = '127.0.0.1:7870'


def save_walk(path):
    save_poses(path, small_annotations((60,))['annotations'][0])


@pytest.fixture
def mine(tmp_path):
    """A folder with two recordings, of which one has labels in a file."""
    for name in ('take1', 'take2'):
        save_walk(tmp_path / f'{name}.npz')
    save_labels(tmp_path / 'take1.csv', 'take1', (0, 2, 'walk'), (2, 5, 'lift'))
    return tmp_path


def offered(studio):
    """Return file, recording and whether there is a conflict of each offer."""
    labels = studio.look()['labels']
    return [(one['file'], one['recording'], one['is_conflict']) for one in labels]


def decide(studio, wanted):
    ids = [one.id for one in studio.arrivals.offers()]
    change = studio.take_offers if wanted else studio.dismiss_offers
    return change(ids, studio.folder.project.revision)


def labels(studio, name):
    return studio.folder.project.visible(name)


def test_labels_that_appear_are_offered_and_taken_over(mine):
    """A class that they bring is added; undoing takes both steps back."""
    studio = studio_of(mine)
    assert offered(studio) == []
    save_labels(mine / 'more.csv', 'take2', (0, 1, 'walk'), (3, 6, 'sit'))
    assert offered(studio) == [('more.csv', 'take2', False)]
    assert labels(studio, 'take2') == [[]]
    reply = decide(studio, True)
    assert reply['news'] == {'recordings': [], 'labels': []}
    assert labels(studio, 'take2') == [[(0, 10, 1), (30, 60, 2)]]
    assert [*studio.folder.project.tiers[0].ids] == ['lift', 'walk', 'sit']
    assert load_project(mine / 'studio.json').recordings == (
        studio.folder.project.recordings
    )
    for _ in range(2):
        studio.folder.project.undo(studio.folder.project.revision)
    assert labels(studio, 'take2') == [[]]
    assert [*studio.folder.project.tiers[0].ids] == ['lift', 'walk']
    # What was taken over once is not offered anew.
    assert offered(studio) == offered(studio_of(mine)) == []


def test_conflict_shows_both_and_asks(mine):
    """Labels corrected elsewhere, while others were labelled here."""
    studio = studio_of(mine)
    project = studio.folder.project
    project.replace('take1', 0, 0, 5, [], 0)
    # That the file has other labels now is no news: they were corrected here.
    assert offered(studio) == offered(studio_of(mine)) == []
    save_labels(mine / 'take1.csv', 'take1', (0, 3, 'walk'), (3, 5, 'lift'))
    studio = studio_of(mine)
    assert offered(studio) == [('take1.csv', 'take1', True)]
    (offer,) = studio.recording(0)['offers']
    assert offer['labels'] == [[[0, 30, 1, None, 'walk'], [30, 50, 0, None, 'lift']]]
    assert studio.recording(0)['labels'] == [[(5, 20, 1), (20, 50, 0)]]
    assert studio.recording(1)['offers'] == []
    decide(studio, False)
    assert labels(studio, 'take1') == [[(5, 20, 1), (20, 50, 0)]]
    assert offered(studio) == offered(studio_of(mine)) == []
    # It is corrected once more.
    save_labels(mine / 'take1.csv', 'take1', (0, 4, 'walk'))
    studio = studio_of(mine)
    assert offered(studio) == [('take1.csv', 'take1', True)]
    decide(studio, True)
    assert labels(studio, 'take1') == [[(0, 40, 1)]]


def test_labels_that_only_add_to_those_of_the_project_are_no_conflict(mine):
    studio = studio_of(mine)
    rows = [(0, 1, 'lift'), (1, 2, 'lift'), (2, 3, 'walk')]
    save_labels(mine / 'more.csv', 'take2', *rows)
    studio.folder.project.replace('take2', 0, 5, 15, [(5, 15, 0)], 0)
    assert offered(studio) == [('more.csv', 'take2', False)]
    studio.folder.project.replace('take2', 0, 5, 15, [(5, 15, 1)], 1)
    assert offered(studio) == [('more.csv', 'take2', True)]
    # The same labels from elsewhere need no decision.
    studio.folder.project.replace('take2', 0, 0, 60, [(0, 20, 0), (20, 30, 1)], 2)
    assert offered(studio) == []


def test_second_file_for_a_recording_is_offered(mine):
    """The first one is taken over when the folder is opened."""
    save_labels(mine / 'take1_b.csv', 'take1', (0, 5, 'walk'))
    studio = studio_of(mine)
    assert labels(studio, 'take1') == [[(0, 20, 1), (20, 50, 0)]]
    assert offered(studio) == [('take1_b.csv', 'take1', True)]


def test_recordings_and_poses_that_appear_are_added_when_asked_for(mine):
    write_video(mine / 'film.mp4', [0] * 60)
    studio = studio_of(mine)
    studio.close()
    write_video(mine / 'take2.mp4', [0] * 60, img_shape=(480, 640))
    save_walk(mine / 'take3.npz')
    save_labels(mine / 'take3.csv', 'take3', (0, 2, 'walk'))
    poses = small_annotations((60,))['annotations'][0]
    save_poses(mine / 'film.npz', {**poses, 'img_shape': (48, 64)})
    assert studio.look()['recordings'] == ['film', 'take2', 'take3']
    names = [one['name'] for one in studio.project()['recordings']]
    assert names == ['film', 'take1', 'take2']
    assert studio.add_recordings() == {'recordings': [], 'labels': []}
    studio.close()
    found = {one['name']: one for one in studio.project()['recordings']}
    assert [*found] == ['film', 'take1', 'take2', 'take3']
    assert found['film']['poses']
    assert labels(studio, 'take3') == [[(0, 20, 1)]]


@pytest.mark.parametrize('content', ['[]', '{"seen": 3}', '{"seen": [3]}', '\x00'])
def test_damaged_list_of_decisions_is_named(mine, content):
    studio_of(mine)
    (mine / 'studio' / 'seen.json').write_text(content)
    assert_names(' '.join(studio_of(mine).project()['notes']), 'seen.json')


def test_page_looks_and_decides(mine):
    client = TestClient(
        build_app(studio_of(mine), 'secret', (HOST,)), f'http://{HOST}/secret/'
    )
    save_labels(mine / 'more.csv', 'take2', (0, 1, 'walk'))
    (offer,) = client.get('api/news').json()['labels']
    asked = {'ids': [offer['id']], 'revision': 7}
    assert client.post('api/offers/take', json=asked).status_code == 409
    answer = client.post('api/offers/take', json={**asked, 'revision': 0}).json()
    assert answer['news']['labels'] == []
    assert client.get('api/recordings/1').json()['labels'] == [[[0, 10, 1]]]
    save_walk(mine / 'take3.npz')
    assert client.get('api/news').json()['recordings'] == ['take3']
    assert client.post('api/recordings', json={}).json()['recordings'] == []
    json.dumps(client.get('api/project').json())
