"""Options of a folder are given once: its project keeps them."""

import json

import numpy as np
import pytest

from mmskelseg_io.converters.keypoint_videos import find_keypoints
from mmskelseg_io.labels import Segment
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_studio.commands.studio import OpenStudio
from mmskelseg_studio.folder import open_folder, training_data
from tests.conftest import save_labels, studio_of
from tests.errors import raises_naming
from tests.test_poses.trackers import NODES, deeplabcut
from tests.test_server import client_of

GIVEN = {'fps': 20.0, 'kpt_thr': 0.6}


@pytest.fixture
def tracked(tmp_path):
    """A folder with joints of DeepLabCut, whose files state no rate, and labels."""
    folder = tmp_path / 'mice'
    folder.mkdir()
    values = np.random.default_rng(0).uniform(0, 1, (80, 3 * len(NODES)))
    for name in ('m1', 'm2'):
        deeplabcut(folder / f'{name}DLC_resnet50_a.csv', values)
    save_labels(folder / 'm1_segments.csv', 'm1', (0, 1, 'walk'), (1, 2, 'rear'))
    return folder


def opened(folder, given=None, **more):
    found = open_folder(folder, given, **more)
    found.project.save()
    return found


def test_folder_opens_again_as_it_was_opened(tracked):
    first = opened(tracked, GIVEN)
    again = opened(tracked)
    assert again.project.options == GIVEN
    assert again.project.recordings == first.project.recordings
    names = [*again.recordings]
    found, expected = (training_data(one, names) for one in (again, first))
    for one, other in zip(*(d['annotations'] for d in (found, expected)), strict=True):
        np.testing.assert_array_equal(one['keypoint_score'], other['keypoint_score'])
    assert found['metainfo']['kpt_thr'] == 0.6
    opened(tracked, {'kpt_thr': 0.3})
    assert opened(tracked).project.options == {**GIVEN, 'kpt_thr': 0.3}
    # A second observer reads the same files.
    assert opened(tracked, observer='bob').project.options['fps'] == 20.0


def test_options_of_the_command_are_those_of_the_project(
    tracked, tmp_path, monkeypatch
):
    layout = {'name': 'x', 'joints': [*NODES], 'limbs': [[0, 1]]}
    (tmp_path / 'x.json').write_text(json.dumps(layout))
    words = [str(tracked), '--fps', '20', '--skeleton', str(tmp_path / 'x.json')]
    words += ['--person', 'track', '--object-kinds', 'cup', '3=hammer']
    runs = []
    monkeypatch.setattr(OpenStudio, 'run', lambda job, _: runs.append(job.given))
    OpenStudio.main(words)
    (given,) = runs
    assert given == {
        'fps': 20.0,
        'person': 'track',
        'skeleton': layout,
        'object_kinds': [['cup', 'cup'], ['3', 'hammer']],
    }
    del given['object_kinds']
    opened(tracked, given)
    again = opened(tracked)
    assert Skeleton.get(again.picture('m1').skeleton).limbs == ((0, 1),)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'fps': 'fast'}, 'options.fps'),
        ({'fps': -1}, 'fps=-1'),
        ({'skeleton': 'rm.py'}, 'rm.py'),
        ({'object_format': 'none'}, "object_format is 'none'"),
        ({'object_kinds': [['cup']]}, "['cup']"),
    ],
)
def test_options_in_a_project_are_checked(tracked, options, named):
    opened(tracked, GIVEN)
    path = tracked / 'studio.json'
    content = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps({**content, 'options': options}) + '\n')
    with raises_naming(UserError, path, named):
        open_folder(tracked)


def test_project_of_before_reads_poses_at_the_rate_of_its_labels(tracked):
    opened(tracked, {'fps': 20.0}).project.options.clear()
    path = tracked / 'studio.json'
    content = json.loads(path.read_text().splitlines()[0])
    del content['options']
    path.write_text(json.dumps(content) + '\n')
    assert open_folder(tracked).annotation('m1')[0]['fps'] == 20.0


def test_rate_that_is_missing_is_asked_on_the_page(tracked):
    studio = studio_of(tracked)
    client = client_of(studio)
    project = client.get('api/project').json()
    assert project['recordings'] == project['notes'] == []
    names = [f'{name}DLC_resnet50_a.csv' for name in ('m1', 'm2')]
    assert project['unrated'] == [str(tracked / name) for name in names]
    assert client.post('api/rate', json={'fps': 0}).status_code == 400
    assert client.post('api/rate', json={'fps': 20}).status_code == 200
    project = client.get('api/project').json()
    assert (project['unrated'], len(project['recordings'])) == ([], 2)
    # What files have of labels is taken over, as if the rate had been given first.
    assert client.get('api/recordings/0').json()['labels'] == [
        [[0, 20, 1], [20, 40, 0]]
    ]
    again = studio_of(tracked)
    assert again.folder.project.options == {'fps': 20.0}
    assert Segment(0, 1, 'walk') == again.folder.project.segments('m1').segments[0]


def test_objects_that_are_gone_do_not_keep_a_folder_closed(tracked):
    file = tracked / 'cups.csv'
    found = opened(tracked, {**GIVEN, 'objects': [str(file)]})
    assert any(str(file) in note for note in found.notes)


def test_what_the_studio_writes_is_no_recording_of_a_conversion(tracked):
    """In the folder, and where a shell lists all that is in it."""
    opened(tracked, GIVEN)
    opened(tracked, observer='bob')
    (tracked / 'm1_segments.csv').unlink()
    work = tracked / 'studio'
    work.mkdir()
    for name in ('lock', 'seen.json', 'take_000000000000_keypoints.json'):
        (work / name).write_text('{}')
    for paths in ([tracked], [*sorted(tracked.glob('*DLC*')), work]):
        assert [*find_keypoints(paths)] == ['m1', 'm2']
    everything = [path for path in tracked.iterdir() if path.suffix != '.csv']
    assert len(everything) == 3
    assert find_keypoints(everything) == {}
