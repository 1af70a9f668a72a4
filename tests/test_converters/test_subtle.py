"""The converter of SUBTLE, on small made-up files and, where they are, real mice."""

import numpy as np
import pytest

from mmskelseg.converters.subtle import CLASSES
from mmskelseg.runtime.files.annotations import load_annotations
from tests.small_data import ROOT

TOOL = 'tools/dataset_converters/subtle.py'
REAL = ROOT.parent / 'shared' / 'data' / 'subtle'
NAMES = ('adult_1', 'adult_2', 'young_3')


@pytest.fixture
def release(tmp_path, rng):
    """Three mice of 20 frames; the last frame of the first has no label."""
    root = tmp_path / 'y5a5'
    for folder in ('coords', 'annots'):
        (root / folder).mkdir(parents=True)
    for name in NAMES:
        joints = rng.normal(0, 3, (20, 27))
        np.savetxt(root / f'coords/{name}.csv', joints, '%.4f', ',')
        rows = [f'{i / 20},{CLASSES[i // 5]}' for i in range(19 + (name != NAMES[0]))]
        (root / f'annots/{name}.csv').write_text('\n'.join([',0', *rows]) + '\n')
    return root


def test_mice_are_seen_from_above_and_have_a_fold_each(release, tmp_path, run_tool):
    run_tool(TOOL, release, tmp_path / 'out', '--test', 'young_3')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    meta = data['metainfo']
    assert (meta['up'], meta['view'], meta['background']) == ('z', 'top', 'na')
    assert data['split']['test'] == data['split']['fold3/test'] == ['young_3']
    first, second, _ = data['annotations']
    assert (first['total_frames'], second['total_frames'], first['fps']) == (19, 20, 20)
    assert second['label'].tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    joints = np.loadtxt(release / 'coords/adult_2.csv', delimiter=',')
    found = second['keypoint_3d'][0].reshape(20, 27)
    np.testing.assert_allclose(found, joints, rtol=1e-5)
    # What is further along y is higher up in the image, whose y points downwards.
    order = joints[0].reshape(9, 3)[:, 1].argsort()
    assert (np.diff(second['keypoint'][0, 0, order, 1]) < 0).all()


def break_number(root):
    (root / 'coords/adult_2.csv').write_text('1,2,3\n')
    return 'adult_2.csv: line 1', '27 numbers'


def break_class(root):
    path = root / 'annots/adult_2.csv'
    path.write_text(path.read_text().replace('walking', 'flying', 1))
    return 'adult_2.csv: line 7', "'flying'", 'rearing'


def break_length(root):
    path = root / 'annots/adult_2.csv'
    path.write_text('\n'.join(path.read_text().splitlines()[:9]))
    return 'adult_2.csv: 8 labels', '20 frames'


def lose_labels(root):
    (root / 'annots/adult_2.csv').unlink()
    return ('adult_2.csv: missing',)


@pytest.mark.parametrize(
    'change', [break_number, break_class, break_length, lose_labels]
)
def test_fault_is_one_sentence(change, release, tmp_path, call_tool):
    named = change(release)
    done = call_tool(TOOL, release, tmp_path / 'out', code=1)
    assert all(words in done.stderr for words in named)
    assert not (tmp_path / 'out').exists()


@pytest.mark.skipif(not REAL.is_dir(), reason='the mice are not here')
def test_real_mice_are_converted(tmp_path, call_tool):
    call_tool(TOOL, REAL, tmp_path / 'out')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    frames = [video['total_frames'] for video in data['annotations']]
    assert frames == [12010, 12010, 12011, 12011, 11996]
