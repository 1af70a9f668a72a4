"""Cross-validations side by side, from their summaries."""

import json

import pytest

from mmskelseg_behaviour.functional.report import summarize_runs
from tests.small_data import ROOT

TOOL = 'tools/analysis/compare.py'
# The videos of PRECOG-16 are named by sequence and person.
BY_PERSON = ['--group-by', r'\d+$']
BY_SEQUENCE = ['--group-by', r'^Seq\d+']
NAMES = ('acc', 'edit', 'f1@10', 'f1@25', 'f1@50')


@pytest.fixture
def save(tmp_path):
    """Write the summary of a cross-validation; return its folder."""

    def write(
        name, base, *, seeds=(0, 1), videos='abc', folds='xy', config=None, **content
    ):
        runs = {}
        for k, fold in enumerate(folds):
            for seed in seeds:
                values = {v: base + 10 * i + seed + k for i, v in enumerate(videos)}
                mean = sum(values.values()) / len(values)
                runs[fold, seed] = {
                    'metrics': {**dict.fromkeys(NAMES, mean), 'mAP': mean - 1},
                    'per_video': {
                        v: dict.fromkeys(NAMES, score) for v, score in values.items()
                    },
                }
        content = {
            'config': f'some/{config or name}.py',
            **content,
            **summarize_runs(runs),
            'runs': [{'fold': f, 'seed': s, **r} for (f, s), r in runs.items()],
        }
        folder = tmp_path / name
        folder.mkdir()
        (folder / 'cross_validation.json').write_text(json.dumps(content))
        return folder

    return write


def edit(folder, change):
    path = folder / 'cross_validation.json'
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def lowered(*videos):
    def change(content):
        for run in content['runs']:
            for video in videos:
                run['per_video'][video]['f1@10'] -= 2

    return change


def rows(text):
    lines = [line for line in text.splitlines() if line.startswith('|')]
    cells = [[c.strip() for c in line.strip('|').split('|')] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def test_table_has_the_best_first_and_differences_to_it(save, run_tool, tmp_path):
    """Scores grow by 1 with the seed and by 1 with the fold."""
    worse, best = save('worse', 40), save('best', 43.5, seeds=(0,))
    out = tmp_path / 'table.md'
    done = run_tool(TOOL, worse, best / 'cross_validation.json', '--out', out)
    first, second = rows(done.stdout)
    assert first['Config'] == 'some/best'
    assert (first['F1@10'], first['mAP'], first['p']) == ('54.00', '53.00', '')
    assert second['F1@10'] == '51.00 ± 0.50'
    assert (first['Seeds'], second['Seeds']) == ('1', '2')
    # Each video is 3 lower on average over seeds.
    assert second['difference in F1@10'] == '-3.00 (-3.00 to -3.00)'
    # Three videos, each of both folds, show no more than that.
    assert second['p'] == '0.250'
    assert (
        'Differences from some/best are those of the mean over 6 test videos'
        in done.stdout
    )
    assert out.read_text().strip() == done.stdout.strip()


def test_names_score_and_reference_can_be_chosen(save, call_tool):
    done = call_tool(
        TOOL, save('one', 40), save('two', 42), '--names', 'A', 'B', '--to', 'A',
        '--score', 'acc',
    )  # fmt: skip
    first, second = rows(done.stdout)
    assert first['Config'] == 'B'
    assert first['difference in Acc'] == '+2.00 (+2.00 to +2.00)'
    assert second['difference in Acc'] == ''


def test_videos_of_one_person_are_drawn_together(save, call_tool):
    """A bootstrap over two persons draws one of them twice in half of the cases."""
    one = save('one', 40, videos=['P1_a', 'P1_b', 'P2_a', 'P2_b'], folds='x')
    two = save('two', 39, videos=['P1_a', 'P1_b', 'P2_a', 'P2_b'], folds='x')
    edit(two, lowered('P2_a', 'P2_b'))
    for pattern in (r'P\d', r'^P(\d)'):
        done = call_tool(TOOL, one, two, '--group-by', pattern)
        _, second = rows(done.stdout)
        assert second['difference in F1@10'] == '-2.00 (-3.00 to -1.00)'
        assert 'bootstrap over 2 groups of videos' in done.stdout
    assert 'videos (1, 2).' in done.stdout


def test_a_video_of_several_folds_is_drawn_once(save, call_tool):
    """Both folds test the same two videos, so the bootstrap draws two, not four."""
    one, two = save('one', 40, videos='ab'), save('two', 39, videos='ab')
    edit(two, lowered('b'))
    _, second = rows(call_tool(TOOL, one, two).stdout)
    assert second['difference in F1@10'] == '-2.00 (-3.00 to -1.00)'


def test_options_are_part_of_a_name(save, call_tool):
    """Older files lack the key."""
    one = save('one', 40)
    two = save('two', 42, config='one', options=['a.b=3', 'c=0'])
    first, second = rows(call_tool(TOOL, one, two).stdout)
    assert first['Config'] == 'some/one a.b=3 c=0'
    assert second['Config'] == 'some/one'


@pytest.mark.parametrize(
    ('other', 'args', 'message'),
    [
        ({'folds': 'x'}, [], "lacks test video 'a' of fold 'y'"),
        ({'videos': 'ab'}, [], "lacks test video 'c' of fold 'x'"),
        ({}, ['--names', 'A'], '--names has 1 for 2 results'),
        ({}, ['--names', 'A', 'A'], 'A: two results have this name'),
        ({}, ['--to', 'C'], '--to C: not among the results; choose from some/one, '),
        ({}, ['--group-by', 'a|b'], '--group-by a|b: matches nothing in the name of'),
        ({}, ['--group-by', '(b)?'], "matches nothing in the name of video 'a'"),
        ({}, ['--group-by', '^'], '--group-by ^: puts all test videos into one group'),
        ({}, ['--group-by', '(a'], "'(a' is not a regular expression: missing )"),
    ],
)
def test_what_cannot_be_compared_is_named(save, call_tool, other, args, message):
    code = 2 if args[1:] == ['(a'] else 1
    done = call_tool(TOOL, save('one', 40), save('two', 42, **other), *args, code=code)
    assert message in done.stderr


def test_one_video_has_a_difference_but_no_interval(save, call_tool):
    one, two = save('one', 40, videos='a'), save('two', 42, videos='a')
    _, second = rows(call_tool(TOOL, one, two).stdout)
    assert (second['difference in F1@10'], second['p']) == ('-2.00', '')


@pytest.mark.parametrize(
    ('title', 'data', 'args'),
    [
        ('UW-IOM', 'uwiom', []),
        ('PRECOG-16', 'precog', BY_PERSON),
        ('PRECOG-16, unseen orders', 'precog_orders', BY_SEQUENCE),
    ],
)
def test_table_of_the_study_is_that_of_the_runs(call_tool, title, data, args):
    files = sorted((ROOT / 'benchmarks/studies' / f'methods_{data}').glob('*.json'))
    text = (ROOT / 'benchmarks' / 'studies' / 'methods.md').read_text('utf-8')
    section = text.partition(f'\n### {title}\n')[2].partition('\n#')[0]
    shown = rows(section)
    assert shown == rows(call_tool(TOOL, *files, *args).stdout)
    # Each row is named by its config and options.
    for row in shown:
        assert [*ROOT.glob(f'*/{row["Config"].split()[0]}.py')]


def of_video(score):
    return lambda c: c['runs'][3]['per_video']['b'].update(edit=score)


def of_seeds(key, **scores):
    return lambda c: c['over_seeds']['scores'][key].update(scores)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (of_video(float('nan')), 'runs[3].per_video.b.edit is nan'),
        # A score that is not one of videos, found by `make fuzz`.
        (
            lambda c: c['runs'][0]['per_video']['a'].update(mAP='Ä'),
            "runs[0].per_video.a.mAP is 'Ä'",
        ),
        (of_seeds('mAP', mean=float('nan')), 'over_seeds.scores.mAP.mean is nan'),
        (of_seeds('acc', mean=float('inf')), 'over_seeds.scores.acc.mean is inf'),
        (lambda c: c.update(runs=[]), 'has no run'),
        (lambda c: c['runs'][1].update(per_video={}), "fold 'x' with seed 1 has no"),
        (lambda c: [run.update(per_video={}) for run in c['runs']], "fold 'x'"),
    ],
)
def test_impossible_result_is_named(save, call_tool, change, message):
    path = edit(save('one', 40), change)
    said = call_tool(TOOL, path, save('other', 30), code=1).stderr
    assert str(path) in said
    assert message in said


def test_names_are_printed_and_written_without_control_characters(
    save, call_tool, tmp_path
):
    """Nor with half a character, which cannot be written."""
    one = save('one', 40, folds=['x', '\ud800'], options=['a=\x1b[31m'])
    out = tmp_path / 'table.md'
    done = call_tool(TOOL, one, save('two', 30, folds=['x', '\ud800']), '--out', out)
    assert r'some/one a=\x1b[31m' in done.stdout
    assert r'Folds: x, \ud800.' in done.stdout
    assert out.read_text().strip() == done.stdout.strip()


def test_files_at_fault_are_named(save, call_tool, tmp_path):
    good = save('one', 40)
    done = call_tool(TOOL, good, tmp_path / 'none', code=1)
    assert 'none: there is no such file' in done.stderr
    whole = (good / 'cross_validation.json').read_text()
    for text, message in (
        ('{', 'line 1, column 2 is not valid JSON'),
        ('[1]', 'the file is [1]'),
        # JSON would take the second.
        (whole.replace('"b": {', '"a": {', 1), "two keys of an object are called 'a'"),
    ):
        (tmp_path / 'bad.json').write_text(text)
        done = call_tool(TOOL, good, tmp_path / 'bad.json', code=1)
        assert f'bad.json: {message}' in done.stderr
