"""Cards of shared models."""

import json
import re
import shutil
from contextlib import contextmanager

import numpy as np
import onnx
import pytest

from mmskelseg.commands.share import main as share
from mmskelseg.export.cards import card, facts_of
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.model_files import KEY
from mmskelseg_runtime.segmenting.model_zoo import zoo_file
from tests.errors import raises_naming

REPORT = {
    'data': {
        'persons': 4, 'persons_known': True, 'name': '/home/ann/secret',
        'train': {'videos': 4, 'minutes': 40.0}, 'test': {'videos': 1, 'minutes': 9.5},
    },
    'scores': {'test': {'f1@10': 71.234}, 'all': {'f1@10': 80.0}},
    'classes': [
        {'name': 'rear', 'counting': 'good', 'timing': 'fair', 'bouts': [1, 2]},
        {'name': 'groom', 'counting': 'too few', 'timing': 'poor'},
    ],
    'calibration': {'temperature': 1.25, 'after': {'ece': 0.031}},
    'videos': [{'video': 'ann_home', 'person': 'ann'}],
}  # fmt: skip
STATED = {'license': 'mit', 'about': 'For mice.'}


@pytest.fixture
def fit(tmp_path):
    """A folder with an exported model and a report."""
    shutil.copy(zoo_file('precog'), tmp_path / 'model.onnx')
    (tmp_path / 'report.json').write_text(json.dumps(REPORT))
    return tmp_path


@contextmanager
def changed(folder):
    """Write model.onnx, of which the metadata may be changed."""
    graph = onnx.load(zoo_file('precog'))
    (entry,) = (one for one in graph.metadata_props if one.key == KEY)
    content = json.loads(entry.value)
    yield content
    entry.value = json.dumps(content)
    onnx.save(graph, folder / 'model.onnx')


def test_card_has_what_a_fit_reports(fit):
    text = card(facts_of(fit / 'model.onnx', fit) | STATED, 'ann/mice')
    for line in (
        'mmskelseg segment INPUT --model hf:ann/mice',
        '- 30 frames per second; other rates are converted.',
        '- train: 4 recordings, 40.0 labelled minutes',
        '- 4 individuals in the training data',
        '| Recordings | F1@10 |',
        '| test | 71.2 |',
        'Calibrated by the temperature 1.25: probabilities are off by 3.1 points on '
        'average (ECE).',
        '- Bouts that can be counted (good): `rear`.',
        '- Bouts not to be counted (untested: too few bouts): `groom`.',
        '- Bouts not to be timed (poor): `groom`.',
    ):
        assert line in text.splitlines()
    for secret in ('ann_home', 'secret'):
        assert secret not in text


def test_page_of_a_fit_has_its_card(fit):
    page = fit / 'page.html'
    share([str(fit), '--page', str(page), '--about', 'For <b>mice</b>.'])
    (facts,) = re.findall(r'id="facts">(.*?)</script>', page.read_text())
    shown = json.loads(facts)['card']
    for part in ('<td>71.2</td>', '(untested: too few bouts): <code>groom</code>'):
        assert part in shown
    assert 'For &lt;b&gt;mice&lt;/b&gt;.' in shown


def test_front_matter_has_scores_as_a_hub_lists_them(fit):
    text = card(facts_of(fit / 'model.onnx', fit) | STATED, 'ann/mice')
    lines = dict(line.split(': ', 1) for line in text.split('---\n')[1].splitlines())
    assert json.loads(lines['license']) == 'mit'
    ((index,),) = [json.loads(lines['model-index'])]
    assert index['name'] == 'ann/mice'
    (result,) = index['results']
    assert result['metrics'] == [{'type': 'f1@10', 'name': 'F1@10', 'value': 71.23}]


def test_other_report_is_refused(fit):
    (fit / 'report.json').write_text('{"data": {}}')
    with raises_naming(UserError, fit / 'report.json', 'persons'):
        facts_of(fit / 'model.onnx', fit)


def test_scores_of_a_test_are_taken(tmp_path):
    (tmp_path / 'metrics.json').write_text('{"seg/edit": 90.0, "per_video": {}}')
    facts = facts_of(zoo_file('precog'), tmp_path)
    assert facts['scores'] == {'test': {'edit': 90.0}}
    assert '| test | 90.0 |' in card(facts | STATED, 'mice')


def test_class_that_is_never_predicted_is_named(tmp_path):
    """Of three frames of the first class, one is found, and none of the second."""
    classes = facts_of(zoo_file('precog'), tmp_path)['classes']
    frames = [[0] * len(classes) for _ in classes]
    frames[0][:3], frames[1][0] = [1, 0, 2], 4
    content = {'seg/acc': 82.3, 'per_video': {'ann_home': {}}, 'confusion': frames}
    (tmp_path / 'metrics.json').write_text(json.dumps(content))
    text = card(facts_of(zoo_file('precog'), tmp_path) | STATED, 'mice')
    for line in (
        '- train: how many recordings is not stated',
        '- how many individuals is not stated',
        '- test: 1 recording',
        f'| `{classes[0]}` | 3 | 33.3 |',
        f'| `{classes[1]}` | 4 | 0.0 |',
        f'| `{classes[3]}` | 0 | - |',
    ):
        assert line in text.splitlines()
    (never,) = (line for line in text.splitlines() if 'Never predicted' in line)
    assert f'`{classes[1]}`' in never
    assert f'`{classes[0]}`' not in never
    assert 'ann_home' not in text


def test_names_stay_as_they_are_in_text_and_tables(tmp_path):
    with changed(tmp_path) as content:
        classes = content['classes']
        classes[1:4] = 'lift|place', '*rear*', 'a`b'
    frames = np.eye(len(classes), dtype=int).tolist()
    scores = {'per_video': {}, 'confusion': frames}
    (tmp_path / 'metrics.json').write_text(json.dumps(scores))
    text = card(facts_of(tmp_path / 'model.onnx', tmp_path) | STATED, 'mice')
    for line in (
        r'| `lift\|place` | 1 | 100.0 |', '| `*rear*` | 1 | 100.0 |',
        '| `` a`b `` | 1 | 100.0 |',
    ):  # fmt: skip
        assert line in text.splitlines()
    assert 'It labels frames as: `nothing`, `lift|place`, `*rear*`, `` a`b ``, ' in text


def test_model_says_on_how_many_recordings_it_was_trained(tmp_path):
    with changed(tmp_path) as content:
        content['data']['videos'] = 12
    text = card(facts_of(tmp_path / 'model.onnx', tmp_path) | STATED, 'mice')
    lines = ['- train: 12 recordings', '- how many individuals is not stated']
    assert '\n'.join(lines) in text


FLAT = 'joints in 2D, as pose estimators find them in videos'


@pytest.mark.parametrize(
    ('settings', 'distances', 'reads'),
    [
        ({'scale': None}, 'unit', [FLAT]),
        ({'scale': 'body'}, 'scale-free', [FLAT]),
        (
            {'dims': 3},
            'scale-free',
            ['joints in 3D, `keypoint_3d` of an annotation file'],
        ),
    ],
)
def test_card_says_what_it_reads_in_which_unit(settings, distances, reads, tmp_path):
    with changed(tmp_path) as content:
        (branch,) = content['branches'].values()
        branch['render'] |= settings
    facts = facts_of(tmp_path / 'model.onnx', tmp_path)
    assert distances in facts['distances']
    assert facts['reads'] == reads
    assert f'- It needs {reads[0]}.' in card(facts | STATED, 'mice').splitlines()
