"""The paper's tables beside what was run."""

import json
import re

import pytest

from tests.small_data import ROOT

TOOL = 'projects/hyder2024/paper_tables.py'
ROWS = {'I': 3, 'II': 3, 'III': 3, 'IV': 8, 'V': 5, 'VI': 5}


def read_tables(text):
    """Return {table: [cells of a row]} of Markdown, without the heads."""
    tables = {}
    for part in text.split('## Table ')[1:]:
        number, _, rest = part.partition(':')
        lines = [line for line in rest.splitlines() if line.startswith('| ')][1:]
        tables[number] = [[cell.strip() for cell in x[1:-1].split('|')] for x in lines]
    return tables


@pytest.fixture
def lay(call_tool, tmp_path):
    """Lay the tables beside results, given as {path: content}."""

    def run(results):
        (tmp_path / 'work_dirs').mkdir(exist_ok=True)
        for path, content in results.items():
            file = tmp_path / 'work_dirs' / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content))
        done = call_tool(TOOL, '--out', 'out/tables.md')
        text = (tmp_path / 'out' / 'tables.md').read_text()
        return read_tables(text), text, done.stderr

    return run


def metrics(config, acc):
    names = ('acc', 'edit', 'f1@10', 'f1@25', 'f1@50')
    return {
        **{f'seg/{name}': acc for name in names},
        **{f'seg/{name}_std': 1.5 for name in names},
        'seg/mAP': 60.0,
        'per_video': {'a': {}, 'b': {}},
        'config': config,
        'seed': 7,
    }


def test_paper_tables_have_every_row_and_blanks_where_nothing_was_run(lay):
    """Some figures of each table were typed by hand; our columns are empty."""
    tables, text, _ = lay({})
    assert {key: len(rows) for key, rows in tables.items()} == ROWS
    assert tables['IV'][1][0] == '‡ST-PGN [9] △'
    for rows in tables.values():
        assert all(row[5:] == [''] * 5 for row in rows)
    assert tables['I'][0][1:3] == ['89.87 ± 5.95', '89.77 ± 4.86']
    assert tables['II'][1][3:5] == ['88.01 ± 4.19', '84.53 ± 4.07']
    assert tables['III'][0][4] == '80.25 ± 5.68'
    assert tables['III'][2][1:5] == [
        '93.82 ± 2.90',
        '93.48 ± 2.95',
        '93.43 ± 2.75',
        '91.28 ± 2.65',
    ]
    assert tables['IV'][1][1:5] == ['87.95 ± 1.54', '97.86 ± 2.15', '87.03 ± 2.85', '-']
    assert tables['IV'][7][1] == '94.54 ± 2.75'
    assert tables['V'][1][3:5] == ['46.24 ± 17.42', '59.77 ± 15.76']
    assert tables['VI'][4][4] == '89.40 ± 2.62'
    for note in ('87.24', '92.33', '97.86', 'misprint', 'copied'):
        assert note in text.partition('‡ The paper')[2]


def test_paper_figures_are_those_of_the_paper(lay, shared):
    """Every row of figures in the paper's text is in the tables, in that order."""
    paper = (shared / 'paper.txt').read_text()
    printed = re.findall(
        r'^\S.*?(?: \d\d\.\d\d ± \d\d\.\d\d){3,4}(?: -)?$', paper, re.M
    )
    assert len(printed) == sum(ROWS.values())
    tables, _, _ = lay({})
    rows = [row[:5] for rows in tables.values() for row in rows]
    for row, line in zip(rows, printed, strict=True):
        figures = ' '.join(row[1:])
        label = row[0].replace('‡', '†')
        assert f'{label} {figures}' == re.sub(r'± 0(\d)', r'± \1', line)


def test_each_row_names_a_config_that_is_there(tool):
    """But for ST-PGN, which has no public code."""
    for row, config in (r for table in tool.TABLES.values() for r in table.rows):
        assert (config is None) == ('ST-PGN' in row)
        assert config is None or (ROOT / 'configs' / f'{config}.py').is_file(), config


def test_paper_tables_put_a_run_beside_the_row_of_its_config(lay):
    """Also a second run, and in each table that has the config."""
    tables, _, errors = lay(
        {
            'uwiom_joint_limb/metrics.json': metrics('uwiom_joint_limb.py', 81.0),
            'second/metrics.json': metrics('uwiom_joint_limb.py', 82.0),
            'toy/metrics.json': metrics('toy_joint_limb.py', 99.0),
        }
    )
    first, second = tables['I'][2:]
    assert first[:2] == ['Joint+Limb', '93.82 ± 2.90']
    assert first[5:9] == ['82.00 ± 1.50', '82.00 ± 1.50', '60.00', '82.00 ± 1.50']
    assert first[9] == '`work_dirs/second/metrics.json`: seed 7; ± over 2 videos'
    assert second[:5] == [''] * 5
    assert second[5] == '81.00 ± 1.50'
    assert tables['II'][2][5] == tables['IV'][6][5] == '82.00 ± 1.50'
    assert tables['III'][2][5:9] == ['82.00 ± 1.50', '', '', '']
    assert (
        errors
        == 'warning: in no table: work_dirs/toy/metrics.json (toy_joint_limb.py)\n'
    )


def test_paper_tables_show_no_deviation_of_a_single_video(lay):
    """± 0.00 would look like a result that can be trusted."""
    run = metrics('uwiom_joint_limb.py', 81.0)
    run['per_video'] = {'a': {}}
    tables, _, _ = lay({'a/metrics.json': run})
    assert tables['I'][2][5:7] == ['81.00', '81.00']
    assert tables['I'][2][9] == '`work_dirs/a/metrics.json`: seed 7; 1 video'


def test_paper_tables_tell_models_with_configs_of_one_name_apart(lay):
    """By the config's folder where it is known, else by the path."""
    score = {'mean': 70.0, 'std': 2.0}
    names = ('acc', 'edit', 'f1@10', 'mAP')
    cross_validation = {
        'config': 'ms_gcn/uwiom_pose3d.py',
        'folds': ['a', 'b', 'c'],
        'seeds': [0, 1],
        'over_folds': {'count': 3, 'scores': dict.fromkeys(names, score)},
    }
    run = metrics('uwiom_pose3d.py', 50.0)
    tables, _, errors = lay(
        {
            'x/cross_validation.json': cross_validation,
            # A part of the cross-validation, not a result beside it.
            'x/a/seed_0/metrics.json': run,
            'x/a/seed_0/run_settings.json': {},
            'mtl/uwiom_pose3d/metrics.json': run,
            'uwiom_pose3d/metrics.json': run,
        }
    )
    filled = {row[0]: row[5:] for row in tables['IV'] if row[9]}
    assert list(filled) == ['‡MTL [10] △', 'MS-GCN [4] △']
    assert filled['MS-GCN [4] △'] == [
        *['70.00 ± 2.00'] * 4,
        '`work_dirs/x/cross_validation.json`: 3 folds, seeds 0, 1; ± over folds',
    ]
    assert filled['‡MTL [10] △'][0] == '50.00 ± 1.50'
    path = 'work_dirs/uwiom_pose3d/metrics.json'
    assert errors == f'warning: in no table: {path} (uwiom_pose3d.py)\n'


def test_paper_tables_show_missing_keypoints(lay):
    row = {'f1@10': {'mean': 80.0, 'std_seeds': 0.1, 'std_videos': 3.0}}
    content = {
        'config': 'uwiom_joint_limb.py',
        'seeds': [0, 1],
        'videos': 3,
        'table': {'0': row, '50': row},
    }
    part = metrics('uwiom_joint_limb.py', 1.0)
    tables, _, _ = lay(
        {
            'x/missing_keypoints.json': content,
            'x/missing_keypoints/p50_seed0/metrics.json': part,
        }
    )
    assert tables['III'][2][5:] == [
        '80.00 ± 3.00',
        '',
        '80.00 ± 3.00',
        '',
        '`work_dirs/x/missing_keypoints.json`: drop seeds 0, 1; ± over 3 videos',
    ]
    assert tables['I'][2][5:] == [''] * 5


def test_paper_tables_name_a_file_that_cannot_be_read(run_tool, tmp_path):
    (tmp_path / 'metrics.json').write_text('{"seg/acc": 1')
    error = run_tool(TOOL, '--results', '.', code=1).stderr
    assert error.startswith('error: metrics.json: line 1, column 14 is not valid JSON')
    error = run_tool(TOOL, '--results', 'nowhere', code=1).stderr
    assert error == 'error: nowhere: there is no such folder of results.\n'


@pytest.mark.parametrize('name', ['metrics', 'cross_validation', 'missing_keypoints'])
@pytest.mark.parametrize(
    'text',
    [
        '[]',
        '5',
        'null',
        '{"a":' * 9000,
        '[' * 100_000,
        '{}',
        json.dumps(metrics('a.py', 'fast')),
        json.dumps(metrics(7, 80.0)),
    ],
    ids=lambda text: text[:9],
)
def test_paper_tables_name_a_file_of_something_else(call_tool, tmp_path, name, text):
    (tmp_path / f'{name}.json').write_text(text)
    error = call_tool(TOOL, '--results', '.', code=1).stderr
    assert error.startswith(f'error: {name}.json: ')
    assert len(error) < 500
