"""Candidates for a default, side by side, and rules of decoding."""

import json

import numpy as np
import pytest

from benchmarks import decodings
from benchmarks.candidates import Candidates, table
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from tests.errors import raises_naming
from tests.small_data import small_annotations


def runs(*values, seeds=(0, 1)):
    """The same value of all scores for two folds of each seed."""
    keys = [(fold, seed) for seed in seeds for fold in ('fold1', 'fold2')]
    return {
        key: np.full(5, float(value)) for key, value in zip(keys, values, strict=True)
    }


def cells(text):
    """The rows of Markdown tables as lists of cells, without rules."""
    lines = [line for line in text.splitlines() if line.startswith('|')]
    rows = [[cell.strip() for cell in line[1:-1].split('|')] for line in lines]
    return [row for row in rows if not row[0].startswith('-')]


def test_scores_are_over_seeds_of_means_over_folds():
    # Means over folds of 60 and 62 by seed: 61, with a deviation of sqrt(2).
    default = runs(50, 70, 52, 72)
    # Of the fold and the seed that both have, 50 became 53.
    new = {('fold1', 0): np.full(5, 53.0)}
    finished = {('mice', 'new'): new, ('mice', 'default'): default}
    head, first, second, *_ = cells(table(finished, 'default'))
    assert head[-5:] == ['F1@10', 'F1@50', 'Edit', 'mAP', 'Acc']
    assert first == ['mice', 'default', '2', '2', *['61.00 ± 1.41'] * 5]
    assert second == ['mice', 'new', '1', '1', *['53.00 (+3.00)'] * 5]


def test_changes_are_means_over_sets_beside_the_spread_and_the_worst():
    worse = runs(59, 61, 59, 61)
    for scores in worse.values():
        scores[3] = 58
    finished = {
        ('mice', 'default'): runs(60, 60, 62, 62),
        ('mice', 'new'): runs(63, 63, 65, 65),
        ('orders', 'default'): runs(60, 60, 62, 62),
        ('orders', 'new'): worse,
        # Without a run of the default, a set doesn't count.
        ('precog', 'new'): runs(0, 0, 0, 0),
    }
    row = cells(table(finished, 'default'))[-1]
    # +3 and -1; the default's mean over sets is 60 with one seed, 62 with the other.
    changes = ['+1.00'] * 4
    assert row == ['new', '2', *changes, '1.41', '-3.00 (mAP, orders)']


@pytest.fixture
def words(tmp_path, quick_runs):
    """What names three videos, of which two folds test the last and the second."""
    data = small_annotations()
    names = [video['frame_dir'] for video in data['annotations']]
    for fold in (1, 2):
        test = names[-fold]
        train = [name for name in names if name != test]
        data['split'] |= {f'fold{fold}/train': train, f'fold{fold}/test': [test]}
    save_annotations(data, tmp_path / 'gestures' / 'annotations.pkl')
    return [str(tmp_path), str(tmp_path / 'work'), '--sets', 'gestures']


@pytest.mark.slow
def test_candidates_are_run_once_and_decoded(words, tmp_path, capsys):
    """The second one is compared with the first; nothing is trained again."""
    # The second fold comes with the second call.
    Candidates.main([*words, '--folds', '1', '--candidate', 'default=--epochs 1'])
    capsys.readouterr()
    options = 'wide=--epochs 1 --cfg-options model.auxiliary=[]'
    both = ['--candidate', 'default=--epochs 1', '--candidate', options]
    Candidates.main([*words, *both])
    shown = capsys.readouterr().out
    assert 'gestures/wide, fold1, seed 0: Acc ' in shown
    folder = tmp_path / 'work' / 'gestures'
    found = [
        json.loads((folder / 'wide' / fold / 'seed_0' / 'metrics.json').read_text())
        for fold in ('fold1', 'fold2')
    ]
    mean = np.mean([each['seg/mAP'] for each in found])
    rows = cells(shown)
    assert rows[2][:4] == ['gestures', 'wide', '2', '1']
    assert rows[2][-2].startswith(f'{mean:.2f} (')
    # Labels of all steps and the likeliest classes are those of the tests.
    decodings.Decodings.main([str(tmp_path / 'work'), '--candidate', 'wide'])
    rules = {row[1]: row[4:] for row in cells(capsys.readouterr().out)[1:]}
    for rule, prefix in ('script', ''), ('none', 'raw_'):
        mean = np.mean([each[f'seg/{prefix}f1@10'] for each in found])
        assert rules[rule][0].startswith(f'{mean:.2f}')
    assert {'merging', 'order_6', 'order', 'script_0'} <= set(rules)


@pytest.mark.slow
def test_few_recordings_are_spread_over_the_training_split(words, tmp_path, capsys):
    few = ['--recordings', '1', '--folds', '1', '--candidate', 'default=--epochs 1']
    Candidates.main([*words, *few])
    assert 'gestures' in capsys.readouterr().out
    folder = tmp_path / 'work' / 'gestures' / 'default'
    split = load_annotations(folder / 'annotations.pkl')['split']
    assert split['fold1/train'] == ['video_0']
    assert split['fold1/test'] == ['video_2']
    assert (folder / 'fold1' / 'seed_0' / 'metrics.json').is_file()


def test_data_that_is_missing_is_named(tmp_path):
    words = [str(tmp_path), str(tmp_path / 'work'), '--sets', 'mice']
    with raises_naming(SystemExit, 'subtle', 'annotations.pkl', '--sets'):
        Candidates.main([*words, '--candidate', 'default='])
