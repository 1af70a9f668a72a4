"""The converter of TUM-Kitchen, on made-up poses and, where they are, real labels."""

import numpy as np
import pytest

from mmskelseg.converters.tum_kitchen import ConvertTUMKitchen
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import ROOT
from tests.test_converters import releases
from tests.test_converters.faults import check_refused, rename, text
from tests.test_converters.releases import FRAMES

TOOL = 'tools/dataset_converters/tum_kitchen.py'
REAL = ROOT.parent / 'shared' / 'data' / 'tum_kitchen_labels'


@pytest.fixture
def release(tmp_path):
    return releases.tum_kitchen(tmp_path)


def test_conversion_counts_old_ids_from_zero(release, tmp_path, run_tool):
    """Id 1 of the labels is class 0; poses are kept and projected."""
    done = run_tool(TOOL, release, tmp_path / 'out', '--test', '2')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['split'] == {'train': ['01', '03'], 'test': ['02']}
    assert data['metainfo']['classes'][0] == 'class_01'
    assert len(data['metainfo']['classes']) == 21
    assert data['metainfo']['skeleton'] == 'lcr15'
    video = data['annotations'][2]
    np.testing.assert_array_equal(video['label'], np.arange(FRAMES))
    pose = np.load(release / 'Poses/03_pose3d.npy')
    np.testing.assert_array_equal(video['keypoint_3d'][0], pose)
    x = 320 - 500 * pose[5, 7, 1] / pose[5, 7, 0]
    np.testing.assert_allclose(video['keypoint'][0, 5, 7, 0], x, rtol=1e-5)
    assert 'risk' not in video
    assert done.stdout.splitlines() == [
        '3 videos, 36 frames at 25 fps (assumed), 21 classes, 36 segments',
        'train: 2 videos (01, 03)',
        'test: 1 video (02)',
        f'written to {tmp_path}/out/annotations.pkl',
    ]


def test_conversion_says_that_the_split_is_its_own(release, tmp_path, call_tool):
    """Without --test the split is a choice, which the file tells."""
    call_tool(TOOL, release, tmp_path / 'out')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['split']['test'] == ['03']
    assert 'every fifth' in data['metainfo']['assumed']['split']


@pytest.mark.parametrize('lines', [['reach', 'walk,hold'], ['2', '1']])
def test_conversion_takes_names_or_ids_with_a_file_of_names(
    lines, release, tmp_path, call_tool
):
    """The relabelling may hold either; poses without the suffix and risk are read."""
    labels, names = tmp_path / 'relabelled', tmp_path / 'names.txt'
    labels.mkdir()
    names.write_text('1 walk,hold\n2 reach\n')
    (release / 'RebaScoreFrameWise').mkdir()
    for video in ('01', '02', '03'):
        pose = release / f'Poses/{video}_pose3d.npy'
        pose.rename(pose.with_name(f'{video}.npy'))
        (labels / f'{video}.txt').write_text('\n'.join(lines * (FRAMES // 2)))
        np.savetxt(release / f'RebaScoreFrameWise/{video}.txt', np.arange(FRAMES))
    call_tool(
        TOOL, release, tmp_path / 'out', '--labels', labels, '--classes', names,
        '--fps', '12.5',
    )  # fmt: skip
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['metainfo']['classes'] == ['walk,hold', 'reach']
    video = data['annotations'][1]
    np.testing.assert_array_equal(video['label'], [1, 0] * (FRAMES // 2))
    np.testing.assert_array_equal(video['risk'], np.arange(FRAMES))
    assert video['fps'] == 12.5


@pytest.mark.skipif(not REAL.is_dir(), reason='the real labels are not here')
def test_real_labels_convert(tmp_path, call_tool):
    """19 videos, 29,988 frames, all 21 classes."""
    (tmp_path / 'labels').mkdir()
    for path in REAL.glob('*.txt'):
        (tmp_path / 'labels' / path.name).write_bytes(path.read_bytes())
        pose = tmp_path / f'raw/Poses/{path.stem}_pose3d.npy'
        pose.parent.mkdir(parents=True, exist_ok=True)
        np.save(pose, releases.lcr_pose(len(path.read_text().split())))
    done = call_tool(
        TOOL, tmp_path / 'raw', tmp_path / 'out', '--labels', tmp_path / 'labels'
    )
    assert done.stdout.startswith('19 videos, 29,988 frames at 25 fps')
    assert 'test: 3 videos (05, 10, 15)' in done.stdout
    videos = load_annotations(tmp_path / 'out/annotations.pkl')['annotations']
    assert set(np.concatenate([v['label'] for v in videos])) == set(range(21))


FAULTS = [
    (rename('Poses', 'poses3d'), '/Poses | NN_pose3d.npy'),
    (rename('Labels_TUM', 'old'), '/Labels_TUM'),
    (text('Labels_TUM/04.txt', '1\n'), '/Poses/04_pose3d.npy | missing | video 04'),
    (
        text('Labels_TUM/02.txt', '1\n22\n0\n'),
        "/Labels_TUM/02.txt | line 2 | '22' | first of 2 | 1 to 21",
    ),
    (
        text('Labels_TUM/02.txt', '1\n1\n'),
        "/Labels_TUM/02.txt | video '02' | (2,) | 12 frames",
    ),
    (
        lambda root: (root / 'Labels_TUM/02.txt').write_bytes(b'1\n\xff\n'),
        '/Labels_TUM/02.txt | byte 2',
    ),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_release_names_file_and_place(change, named, release, tmp_path):
    check_refused(ConvertTUMKitchen, release, tmp_path / 'out', change, named)


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ('1 walk\nreach\n', "line 2 | 'reach'"),
        ('1 walk\n3 reach\n', '1, 3 | 1 to 2'),
    ],
)
def test_fault_in_the_names_is_told(content, named, release, tmp_path):
    names = tmp_path / 'names.txt'
    names.write_text(content)
    with raises_naming(UserError, names, named):
        job = ConvertTUMKitchen(source=release, out=tmp_path / 'out', classes=names)
        job.run(PrintedEvents())
