"""The server of the page: what it answers, and whom it refuses."""

import asyncio
import json
import os
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
from starlette.testclient import TestClient

from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.labels import read_segments
from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_studio.commands.studio import OpenStudio
from mmskelseg_studio.folder import open_folder
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.predicting import open_model
from mmskelseg_studio.server import _listen, build_app, serve
from mmskelseg_studio.studio import Studio
from tests.clips import write_video
from tests.conftest import add_class, full_disk, studio_of, trained, wait_for
from tests.errors import assert_names, raises_naming
from tests.small_data import small_annotations
from tests.small_jobs import Say

HOST, TOKEN = '127.0.0.1:7870', 'secret'


def client_of(studio):
    app = build_app(studio, TOKEN, (HOST,))
    return TestClient(app, base_url=f'http://{HOST}/{TOKEN}/')


@pytest.fixture
def client(studio):
    return client_of(studio)


def paint(client, number, start, end, kind, revision):
    body = {'tier': 0, 'start': start, 'end': end, 'segments': [[start, end, kind]]}
    url = f'api/recordings/{number}/labels'
    return client.post(url, json={**body, 'revision': revision})


def test_page_and_its_parts_are_served(client):
    page = client.get('')
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers['Content-Security-Policy']
    assert page.headers['Referrer-Policy'] == 'no-referrer'


def test_project_lists_recordings_classes_and_formats(client):
    project = client.get('api/project').json()
    assert [one['name'] for one in project['recordings']] == [
        f'video_{i}' for i in range(3)
    ]
    assert [one['labelled'] for one in project['recordings']] == [6.0, 4.5, 0.0]
    (tier,) = project['tiers']
    assert [one['name'] for one in tier['classes']] == ['class_0', 'class_1', 'class_2']
    assert project['can_train'] is None
    assert project['job']['state'] == 'idle'


def test_minutes_of_a_training_are_picked_by_what_is_labelled(client, studio):
    for one in studio.folder.project.recordings.values():
        one.frames, one.labels = 40_000, [[(0, 9, 1), (9, 1500, 2)]]
    assert client.get('api/job').json()['minutes'] == 5
    assert paint(client, 0, 0, 39_000, 1, 0).json()['minutes'] == 10


def test_project_says_why_no_model_can_be_trained_yet(client, studio):
    """None is labelled, one class, classes at two rates, a single recording."""
    project = studio.folder.project
    recordings = project.recordings.values()

    def label(*rows):
        for one, row in zip(recordings, rows, strict=True):
            one.labels = [row]
        return client.get('api/job').json()

    assert 'two classes' in label([], [], [])['can_train']
    assert_names(label([(0, 9, 1)], [(5, 9, 1)], [])['can_train'], 'class_1', ' F,')
    first = next(iter(recordings))
    first.fps = 25.0
    found = label([(0, 9, 1)], [(5, 9, 2)], [])['can_train']
    assert_names(found, 'video_0', '25', 'video_1', '10')
    first.fps = 10.0
    found = label([(0, 9, 1), (9, 12, 2)], [], [])
    assert (found['can_train'], 'second' in found['advice']) == (None, True)
    found = label([(0, 9, 1)], [(5, 9, 2)], [])
    assert (found['can_train'], found['advice']) == (None, None)


def test_labels_are_changed_undone_and_saved(client, folder):
    answer = paint(client, 2, 10, 20, 1, 0).json()
    assert answer['totals'] == [{'1': [1, 1.0]}]
    assert (answer['revision'], answer['labels'], answer['labelled']) == (
        1,
        [[10, 20, 1]],
        1,
    )
    assert client.get('api/recordings/2').json()['labels'] == [[[10, 20, 1]]]
    assert load_project(folder / 'studio.json').recordings['video_2'].labels == [
        [(10, 20, 1)]
    ]
    answer = client.post('api/undo', json={'revision': 1}).json()
    assert (answer['labels'], answer['can_undo'], answer['can_redo']) == (
        [],
        False,
        True,
    )
    answer = client.post('api/redo', json={'revision': 2}).json()
    assert answer['labels'] == [[10, 20, 1]]


def test_history_lists_what_was_done_and_undone(client, studio, monkeypatch):
    add_class(studio.folder.project, 'jump')
    paint(client, 2, 10, 20, 1, 1)
    paint(client, 2, 15, 18, 0, 2)
    client.post('api/undo', json={'revision': 3})
    where = {'recording': 'video_2', 'tier': 0, 'start': 10, 'end': 20}
    where['settled'] = None
    expected = [
        {'undone': False},
        {'undone': False, **where, 'before': [], 'after': [1]},
        {'undone': True, **where, 'before': [1], 'after': [1, 0]},
    ]
    assert client.get('api/history').json() == expected
    monkeypatch.setattr('mmskelseg_studio.studio._STEPS', 1)
    assert client.get('api/history').json() == expected[1:]


def test_poses_are_sent_in_pieces(client, studio):
    content = client.get(
        'api/recordings/0/poses', params={'start': 5, 'end': 15}
    ).content
    points = np.frombuffer(content, '<f4').reshape(10, 1, 17, 3)
    entry = studio.folder.recordings['video_0'].entry
    np.testing.assert_array_equal(points[:, 0, :, :2], entry['keypoint'][0, 5:15])
    score = np.asarray(entry['keypoint_score'][0, 5:15]).clip(0, 1)
    np.testing.assert_allclose(points[:, 0, :, 2], score)
    shape = client.get('api/recordings/0').json()['skeleton']
    assert (shape['people'], len(shape['joints'])) == (1, 17)


def test_files_read_back_are_the_labels(client, folder):
    paint(client, 2, 10, 20, 1, 0)
    formats = [one['name'] for one in client.get('api/project').json()['formats']]
    answer = client.post(
        'api/export', json={'formats': formats, 'what': 'labels'}
    ).json()
    names = {one['name'] for one in answer['files']}
    assert {'labels_segments.boris', 'video_2_labels.eaf', 'annotations.pkl'} <= names
    for name in ('labels_segments.boris', 'labels_segments.csv', 'video_2_labels.eaf'):
        path = folder / 'studio' / 'files' / name
        assert client.get(f'files/{name}').content == path.read_bytes()
        videos = {one.name: one for one in read_segments(path)}
        found = videos.get('video_2') or videos['video_2_labels']
        (segment,) = found.segments
        assert (segment.start, segment.end, segment.label) == (1.0, 2.0, 'class_1')


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({'Host': 'evil.example'}, 403),
        ({'Host': '127.0.0.1:80'}, 403),
        ({'Origin': 'http://evil.example'}, 403),
        ({'Origin': 'null'}, 403),
        ({'Origin': 'http://127.0.0.1:9999'}, 403),
        ({'Sec-Fetch-Site': 'cross-site'}, 403),
        ({'Sec-Fetch-Site': 'same-site'}, 403),
        ({'Origin': f'http://{HOST}', 'Sec-Fetch-Site': 'same-origin'}, 200),
        ({}, 200),
    ],
)
def test_other_pages_are_refused(client, headers, status):
    assert client.get('api/project', headers=headers).status_code == status
    answer = client.post('api/stop', json={}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    'path', ['/', '/api/project', '/secre/api/project', '//', '/secret2/']
)
def test_without_the_token_nothing_is_found(client, path):
    answer = client.get(f'http://{HOST}{path}')
    assert answer.status_code == 404
    assert 'class_0' not in answer.text


@pytest.mark.parametrize(
    'path',
    [
        'files/..%2F..%2Fstudio.json', 'files/%2e%2e/studio.json', '../studio.json',
        '%2e%2e/%2e%2e/setup.py', 'files/%2e%2e', 'files/',
        'shared/%2e%2e/model.py', 'shared/vendor/%2e%2e/%2e%2e/model.py',
        f'api/recordings/{"9" * 5000}',
        'api/recordings/9', 'api/recordings/0/video', 'report', 'files/a%00b',
    ],
)  # fmt: skip
def test_files_elsewhere_are_not_found(client, path):
    assert client.get(path).status_code in (400, 404, 405)


def test_links_out_of_the_folder_are_not_followed(client, folder):
    files = folder / 'studio' / 'files'
    files.mkdir(parents=True)
    (files / 'link').symlink_to(folder / 'studio.json')
    assert client.get('files/link').status_code == 404


@pytest.mark.parametrize(
    ('url', 'body', 'status', 'named'),
    [
        ('api/undo', b'{', 400, 'the request'),
        ('api/undo', b'\xff', 400, 'UTF-8'),
        ('api/undo', b'[]', 400, 'the file'),
        ('api/undo', b'{"revision": "1"}', 400, 'revision'),
        ('api/undo', b'{"revision": true}', 400, 'revision'),
        ('api/undo', b'{"revision": 5}', 409, ''),
        ('api/undo', b'[' * 100_000, 400, 'the request'),
        ('api/undo', b' ' * (2 << 20), 413, '1048576'),
        ('api/recordings/7/labels', None, 404, '7'),
        ('api/recordings/0/labels', b'{"revision": 0}', 400, 'tier'),
        ('api/train', b'{"minutes": "a"}', 400, 'minutes'),
        ('api/train', b'{"minutes": -1}', 400, 'minutes'),
        ('api/export', b'{"formats": ["x"], "what": "labels"}', 400, "'x'"),
        ('api/export', b'{"formats": ["csv"], "what": "all"}', 400, "'all'"),
        ('api/export', b'{"formats": [], "what": "predictions"}', 400, 'predictions'),
        ('api/ethogram', b'{"revision": 0, "tiers": []}', 400, '0 of 1'),
        ('api/classes', b'{"revision": 0, "name": "a.csv", "content": "\xc3\xa4"}', 400,
         'base64'),
        ('api/classes', b'{"revision": 0, "name": "a.csv", "content": ""}', 400,
         'a.csv'),
        ('api/ethogram', b'{"revision": 0, "tiers": [{"name": "", "classes": [{}]}]}',
         400, "''"),
    ],
)  # fmt: skip
def test_bad_requests_get_a_sentence_and_change_nothing(
    client, folder, url, body, status, named
):
    before = (folder / 'studio.json').read_bytes()
    if body is None:
        body = json.dumps(
            {'revision': 0, 'tier': 0, 'start': 0, 'end': 5, 'segments': []}
        )
    answer = client.post(url, content=body)
    assert answer.status_code == status
    assert named in answer.json()['error']
    assert (folder / 'studio.json').read_bytes() == before


def test_what_the_disk_does_not_take_may_be_sent_again(client):
    with full_disk():
        answer = paint(client, 2, 10, 20, 1, 0)
        assert answer.status_code == 503
        assert 'No space' in answer.json()['error']
    assert paint(client, 2, 10, 20, 1, 0).json()['labels'] == [[10, 20, 1]]


@pytest.fixture
def client_of_trained(folder, request):
    trained(folder, **getattr(request, 'param', {}))
    return client_of(studio_of(folder))


def test_predictions_become_labels_only_when_accepted(client_of_trained, folder):
    client = client_of_trained
    recording = client.get('api/recordings/2').json()
    assert recording['predictions'] == [[[0, 20, 1, 0.9], [20, 50, 0, 0.4]]]
    assert recording['labels'] == [[]]
    answer = client.post('api/export', json={'formats': ['csv'], 'what': 'predictions'})
    (video,) = read_segments(
        folder / 'studio' / 'files' / answer.json()['files'][0]['name']
    )
    assert [(s.start, s.end, s.label, s.score) for s in video.segments] == [
        (0, 2, 'class_1', 0.9), (2, 5, 'class_0', 0.4),
    ]  # fmt: skip
    assert load_project(folder / 'studio.json').recordings['video_2'].labels == [[]]


@pytest.mark.parametrize(('background', 'columns'), [
    (1, ['background', 'class_0', 'class_2']),
    (None, ['background', 'class_0', 'class_1', 'class_2']),
])  # fmt: skip
def test_background_of_a_project_is_that_of_deepethogram(folder, background, columns):
    studio = studio_of(folder)
    project = studio.folder.project
    project.tiers[0] = replace(project.tiers[0], background=background)
    file, *_ = studio.write(['deepethogram'], 'labels')
    assert file.read_text().splitlines()[0].split(',') == ['', *columns]


@pytest.mark.parametrize('kind', ['csv', 'boris', 'elan', 'label-studio', 'bouts'])
def test_predictions_of_a_single_tier_with_a_name_are_exported(folder, kind):
    """As labels are, whose only tier is not named."""
    trained(folder)
    studio = studio_of(folder)
    project = studio.folder.project
    project.tiers[0] = replace(project.tiers[0], name='posture')
    (file,) = studio.write([kind], 'predictions')
    assert 'class_1' in file.read_text()
    assert 'posture' not in file.read_text()


def test_uncertain_segments_go_when_they_are_labelled(client_of_trained):
    client = client_of_trained
    (doubt,) = client.get('api/uncertain').json()
    place = {key: doubt[key] for key in ('recording', 'start', 'end', 'reason')}
    assert place == {'recording': 2, 'start': 10, 'end': 30, 'reason': 'unsure'}
    paint(client, 2, 0, 20, 1, 0)
    assert len(client.get('api/uncertain').json()) == 1
    paint(client, 2, 20, 30, 0, 1)
    assert client.get('api/uncertain').json() == []
    client.post('api/undo', json={'revision': 2})
    assert len(client.get('api/uncertain').json()) == 1


@pytest.mark.usefixtures('client_of_trained')
def test_predictions_of_another_project_are_left_aside(folder):
    (folder / 'studio.json').unlink()
    assert studio_of(folder).recording(2)['predictions'] is None


@pytest.mark.parametrize(
    ('client_of_trained', 'named'),
    [({}, '85'), ({'twice': 80.5}, 'hardly'), ({'whole': 60, 'twice': 80}, 'too few')],
    indirect=['client_of_trained'],
)
def test_model_says_whether_more_labels_help(client_of_trained, named):
    model = client_of_trained.get('api/job').json()['model']
    assert named in model['more']
    (score,) = model['held_out']
    assert (model['minutes'], score['title'], score['text']) == (0.2, 'F1@10', '80.0')
    report = client_of_trained.get('report')
    assert report.text == '<p>good</p>'
    policy = report.headers['Content-Security-Policy'].split('; ')
    assert {"default-src 'none'", "form-action 'none'", 'sandbox'} <= {*policy}


def test_poses_are_estimated_while_labels_go_on(tmp_path, monkeypatch):
    """The job is replaced by one that does nothing, and its files are written."""
    write_video(tmp_path / 'take.mp4', [0] * 50)
    studio = studio_of(tmp_path)
    wait_for(lambda: studio.job.state != 'running')
    video = small_annotations((50,))['annotations'][0]
    keys = ('keypoint', 'keypoint_score')
    asked = []

    def estimation(**given):
        asked.append(given)
        out = given['out'] / 'poses'
        out.mkdir(parents=True)
        poses = {key: video[key] for key in keys}
        np.savez(out / 'take.npz', fps=10.0, img_shape=(48, 64), **poses)
        return Say(texts=['take'])

    monkeypatch.setattr('mmskelseg_studio.studio.EstimatePoses', estimation)
    add_class(studio.folder.project, 'walk')
    studio.estimate_poses()
    wait_for(lambda: studio.job.state != 'running')
    assert (studio.job.state, studio.job.error) == ('done', None)
    assert asked[0]['videos'] == [tmp_path / 'take.mp4']
    assert studio.recording(0)['skeleton']['people'] == 1
    assert load_project(tmp_path / 'studio.json').classes == ['walk']


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_given_model_labels_videos_and_what_is_added(tmp_path, monkeypatch):
    """Only the estimation of poses is replaced."""
    write_video(tmp_path / 'take.mp4', [0] * 50)
    points = np.random.default_rng(0).uniform(10, 40, (50, 12, 2))

    def estimation(**given):
        (given['out'] / 'poses').mkdir(parents=True)
        file = given['out'] / 'poses' / 'take.npz'
        np.savez(file, keypoint=points, fps=10.0, skeleton='body12')
        return Say(texts=['take'])

    monkeypatch.setattr('mmskelseg_studio.studio.EstimatePoses', estimation)
    classes = tiers_of(open_model('precog').metainfo)
    reopen = partial(open_folder, tmp_path, tiers=classes)
    studio = Studio(reopen(), 'mediapipe', reopen, 'precog')
    wait_for(lambda: studio.job.state != 'running', 120)
    assert (studio.job.state, studio.job.error) == ('done', None)
    (row,) = studio.recording(0)['predictions']
    assert (row[0][0], row[-1][1]) == (0, 50)

    np.savez(tmp_path / 'more.npz', keypoint=points[:30], fps=30.0, skeleton='body12')
    client = client_of(studio)
    assert client.post('api/segment', json={}).status_code == 200
    wait_for(lambda: studio.job.state != 'running', 120)
    assert client.get('api/job').json()['given'] == 'precog'
    assert [one['name'] for one in studio.project()['recordings']] == ['take', 'more']
    (row,) = studio.recording(1)['predictions']
    assert (row[0][0], row[-1][1]) == (0, 30)
    assert {*load_project(tmp_path / 'studio.json').recordings} == {'take', 'more'}


def test_model_is_trained_while_videos_are_converted(folder, monkeypatch):
    """The jobs are replaced by ones that take long, and that do nothing."""
    write_video(folder / 'take.avi', [0] * 50)
    slow, quick = (Say(texts=['x'], seconds=seconds) for seconds in (60, 0))
    room = 'mmskelseg_studio.studio'
    monkeypatch.setattr(f'{room}.ConvertVideo', lambda **_: slow)
    for name in ('Fit', 'Predict'):
        monkeypatch.setattr(f'{room}.{name}', lambda **_: quick)
    studio = studio_of(folder)
    client = client_of(studio)
    try:
        answer = client.post('api/train', json={'minutes': 1})
        assert answer.status_code == 200
        wait_for(lambda: studio.job.state != 'running')
        assert client.get('api/job').json()['conversion']['state'] == 'running'
        assert client.post('api/stop', json={}).status_code == 200
        assert studio.conversion.state == 'running'
    finally:
        studio.close()
    assert studio.conversion.state == 'stopped'


def test_what_was_deleted_meanwhile_is_not_found(client_of_trained, studio, folder):
    client, path = client_of_trained, folder / 'take.mp4'
    for report in folder.glob('studio/models/*/report.html'):
        report.unlink()
    assert 'report' in client.get('report').json()['error']
    recordings = studio.folder.recordings
    recordings['video_0'] = replace(recordings['video_0'], video=path)
    answer = client_of(studio).get('api/recordings/0/video')
    assert (answer.status_code, str(path) in answer.json()['error']) == (404, True)


def test_two_programs_do_not_listen_at_one_port():
    with _listen(None) as first:
        port = first.getsockname()[1]
        with raises_naming(UnavailableError, str(port)):
            _listen(port)
        with _listen(None) as other:
            assert other.getsockname()[1] != port


def test_secret_stands_in_a_file_of_the_user_alone(folder, monkeypatch):
    """The command line of a browser can be seen by other users of the computer."""
    seen = []

    def look(address):
        path = Path(url2pathname(urlsplit(address).path))
        seen.append((address, path.read_text(), stat.S_IMODE(path.stat().st_mode)))

    def run(_, sockets):
        sockets[0].close()

    printed = []
    events = PrintedEvents()
    monkeypatch.setattr(PrintedEvents, 'note', lambda _, text: printed.append(text))
    monkeypatch.setattr('mmskelseg_studio.server.webbrowser.open', look)
    monkeypatch.setattr('mmskelseg_studio.server.uvicorn.Server.run', run)
    serve(OpenStudio(folder=folder), events)
    ((address, text, mode),) = seen
    page = next(t for t in printed if 'The page is at' in t).split()[-1]
    secret = page.split('/')[-2]
    assert (secret in address, f'url={page}"' in text) == (False, True)
    assert mode == 0o600 or os.name == 'nt'
    assert not (folder / 'studio' / 'open.html').exists()


def test_request_that_breaks_off_is_no_error_of_the_server(studio):
    """A client that raises errors of the server gets an answer."""
    app = build_app(studio, TOKEN, (HOST,))
    path = f'/{TOKEN}/api/undo'
    scope = {
        'type': 'http', 'method': 'POST', 'path': path, 'query_string': b'',
        'headers': [(b'host', HOST.encode())], 'root_path': '',
    }  # fmt: skip
    sent = []

    async def receive():
        return {'type': 'http.disconnect'}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]['status'] == 400


def test_link_in_place_of_the_lock_is_not_followed(folder, tmp_path, monkeypatch):
    (tmp_path / 'other').write_text('kept')
    lock = folder / 'studio' / 'lock'
    lock.parent.mkdir()
    lock.symlink_to(tmp_path / 'other')
    monkeypatch.setattr('mmskelseg_studio.server._serve', lambda *_: None)
    with raises_naming(UserError, lock):
        serve(OpenStudio(folder=folder, no_browser=True), PrintedEvents())
    assert (tmp_path / 'other').read_text() == 'kept'


def test_change_of_a_recording_that_is_gone_is_undone(client, folder):
    paint(client, 2, 10, 20, 1, 0)
    data = load_annotations(folder / 'annotations.pkl')
    data['annotations'].pop()
    data['split'] = {'train': ['video_0', 'video_1']}
    save_annotations(data, folder / 'annotations.pkl')
    studio = studio_of(folder)
    assert any('video_2' in note for note in studio.folder.notes)
    answer = client_of(studio).post('api/undo', json={'revision': 0}).json()
    assert answer == {'revision': 1, 'can_undo': False, 'can_redo': True}
