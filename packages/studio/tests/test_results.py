"""What a training has left, as somebody may have changed it."""

import json
import math
from dataclasses import replace

import pytest

from mmskelseg_studio.results import Predictions
from tests.conftest import ethogram, of, studio_of, trained
from tests.errors import assert_names


def without(*keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def rows(*segments):
    return of('recordings', video_2=[[*segments]])


DOUBT = ('doubts', 0)
PREDICTIONS = [
    (without('recordings'), 'recordings'),
    (without('doubts'), 'doubts'),
    (of(recordings=[]), 'recordings is []'),
    (of('recordings', video_2=None), 'video_2'),
    (rows([0, 20, 1]), 'video_2 | [0, 20, 1]'),
    (rows([0, 20, 9, 0.5]), ''),
    (rows([0, 20, -1, 0.5]), 'video_2 | -1'),
    (rows([-1, 20, 1, 0.5]), 'video_2 | -1'),
    (rows([0, 2.5, 1, 0.5]), 'video_2 | 2.5'),
    (rows([0, 20, 1, 'a']), "'a'"),
    (rows([0, 20, True, 0.5]), 'True'),
    (rows([0, 20, 1, math.nan]), 'video_2 | nan'),
    (rows([0, 20, 1, 1.5]), 'video_2 | 1.5'),
    (of(doubts={}), 'doubts is {}'),
    (without(*DOUBT, 'score'), 'doubts[0] | score'),
    (of(*DOUBT, score=math.inf), 'doubts[0] | inf'),
    (of(*DOUBT, score=10**17), ''),
    (of(*DOUBT, start_frame=-1), 'doubts[0] | -1'),
    (of(*DOUBT, reason='a\ud800'), "doubts[0] | 'a\\ud800'"),
    (of(*DOUBT, reason=7), 'doubts[0].reason | 7'),
    (of(*DOUBT, video='gone'), ''),
    (of('recordings', gone=[[]]), ''),
    (of(seen={'video_2': [[[0, 9, 1]]]}), 'seen | video_2'),
    (of(seen={'video_2': [[['a', 9]]]}), "seen.video_2 | 'a'"),
    (of(seen=None), ''),
]
REPORT = [
    (without('data'), 'data'),
    (of('data', train=None), 'train'),
    (of('data', train={'minutes': math.nan}), 'minutes is nan'),
    (of('data', train={'minutes': 'a'}), "'a'"),
    (without('scores'), 'scores'),
    (of(scores={}), ''),
    (of(scores={'held_out': []}), 'held_out'),
    (of(scores={'held_out': {'f1@10': 'a'}}), 'f1@10'),
    (of(scores={'held_out': {'f1@10': None}}), ''),
    (of(scores={'held_out': {'f1@10': math.inf}}), 'f1@10 is inf'),
    (of(label_curve=None), ''),
    (of(label_curve={}), ''),
    (of(label_curve={'half': 1, 'whole': 1, 'full': 1, 'twice': math.nan}), 'nan'),
]
CASES = [
    *(('predictions.json', *case) for case in PREDICTIONS),
    *(('report.json', *case) for case in REPORT),
    *(
        (name, content, '')
        for name in ('predictions.json', 'report.json')
        for content in (b'{}', b'[]', b'', b'\xff', b'{"a": NaN', b'[' * 10**5)
    ),
    ('report.json', 'folder', 'folder'),
    ('predictions.json', 'folder', 'folder'),
]


@pytest.mark.parametrize(('name', 'change', 'named'), CASES)
def test_damaged_results_are_left_out_and_named(folder, name, change, named):
    """Labels can be made without them."""
    file = trained(folder) / name
    content = json.loads(file.read_text())
    file.unlink()
    if callable(change):
        change(content)
        file.write_text(json.dumps(content))
    elif change == 'folder':
        file.mkdir()
    elif change is not None:
        file.write_bytes(change)
    studio = studio_of(folder)
    is_good = callable(change) and not named
    assert (studio.project()['model'] is not None) == is_good
    assert (studio.recording(2)['predictions'] is not None) == is_good
    notes = studio.project()['notes']
    if is_good:
        assert notes == []
    else:
        assert_names(' '.join(notes), file, *[named] * bool(named))
    # What the page gets is JSON.
    for given in (
        studio.project(),
        *map(studio.recording, range(3)),
        studio.uncertain(),
    ):
        json.dumps(given, allow_nan=False, ensure_ascii=False).encode()


def test_predictions_have_the_ids_that_the_project_gave():
    """The classes of a model may have another order, and its tiers be among others."""
    found = Predictions({'take': [[(0, 5, 1, 0.9)], [(2, 4, 0, None)]]}, [])
    placed = found.placed({1: [2, 0], 2: [5]})
    assert placed.recordings == {'take': [[], [(0, 5, 0, 0.9)], [(2, 4, 5, None)]]}


def test_predictions_of_deleted_classes_are_not_shown(folder):
    trained(folder)
    studio = studio_of(folder)
    tiers = ethogram(studio.folder.project)
    tiers[0]['classes'] = tiers[0]['classes'][:1]
    studio.folder.project.edit(tiers, 0)
    assert studio.recording(2)['predictions'] == [[(20, 50, 0, 0.4)]]


def test_what_was_learnt_from_is_kept_with_the_predictions(folder):
    """Intervals with a class, of which adjacent ones are one."""
    model = trained(folder)
    studio = studio_of(folder)
    project = studio.folder.project
    project.recordings['video_2'].labels[0] = [
        (0, 9, 1), (9, 12, 0), (12, 20, -1), (30, 50, 1)
    ]  # fmt: skip
    seen = {'video_2': project.known_intervals('video_2')}
    replace(studio.trained.predictions, seen=seen).write(model / 'predictions.json')
    again = studio_of(folder)
    assert again.recording(2)['seen'] == [[(0, 12), (30, 50)]]
    assert again.recording(0)['seen'] == []
