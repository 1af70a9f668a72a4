"""What other tools are given, and the tables of their labels."""

import json

import numpy as np

from benchmarks.peers.__main__ import prepare, score, table
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from tests.small_data import small_annotations


def test_tools_are_given_joints_and_the_labels_of_training_alone(tmp_path):
    data = small_annotations()
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] = {'fold1/train': names[:2], 'fold1/test': names[2:]}
    data['annotations'][0]['keypoint_score'][0, 3, 9] = 0
    save_annotations(data, tmp_path / 'annotations.pkl')
    facts = prepare(tmp_path / 'annotations.pkl', 'fold1', tmp_path / 'given')
    assert json.loads((tmp_path / 'given' / 'set.json').read_text()) == facts
    assert (facts['train'], facts['test']) == (names[:2], names[2:])
    with np.load(tmp_path / 'given' / f'{names[0]}.npz') as recording:
        missing = np.argwhere(np.isnan(recording['keypoint']).all(axis=-1))
        assert missing.tolist() == [[0, 3, 9]]
        assert recording['label'].tolist() == data['annotations'][0]['label'].tolist()
    with np.load(tmp_path / 'given' / f'{names[2]}.npz') as recording:
        assert {*recording} == {'keypoint', 'score', 'fps'}
    # The true labels have all points. Class 0 has 14 of 50 frames.
    label = load_annotations(tmp_path / 'annotations.pkl')['annotations'][2]['label']
    np.savez(tmp_path / 'found.npz', **{names[2]: label})
    assert score(tmp_path / 'found.npz', facts) == [100] * 4
    np.savez(tmp_path / 'found.npz', **{names[2]: np.zeros_like(label)})
    assert score(tmp_path / 'found.npz', facts)[-1] == 28


def test_the_best_of_each_score_is_bold_and_costs_have_a_range():
    scores = {
        'mmskelseg': {'gestures': [50.04, 30, 70, 60], 'rats': [1, 1, 1, 1]},
        'jabs': {'gestures': [50, 31, 60, 50], 'rats': [0, 0, 0, 0]},
    }
    costs = {
        'mmskelseg': {'gestures': [61.7, 0.83, 2.1], 'rats': [300, 0.84, 2.1]},
        'jabs': {'gestures': [9, 0.5, 2.9], 'rats': [9, 2.6, 2.9]},
    }
    lines = [line.split('|') for line in table(scores, costs).splitlines()]
    rows = [[cell.strip() for cell in line[2:-1]] for line in lines]
    ours = '**50.0**/30.0/**70.0**/**60.0**'
    assert rows[2] == [ours, '/'.join(['**1.0**'] * 4), '62 to 300', '0.8', '2.1']
    assert rows[3][0] == '**50.0**/**31.0**/60.0/50.0'
    assert rows[3][2:] == ['9', '0.5 to 2.6', '2.9']
