"""The converter of SUBTLE, on small made-up files and, where they are, real mice."""

import io
import zipfile

import numpy as np
import pytest

from mmskelseg.converters import subtle
from mmskelseg_io.files.annotations import load_annotations
from tests.small_data import ROOT
from tests.test_converters import releases
from tests.test_converters.faults import check_refused, remove, replace, text

TOOL = 'tools/dataset_converters/subtle.py'
REAL = ROOT.parent / 'shared' / 'data' / 'subtle'


@pytest.fixture
def release(tmp_path):
    return releases.subtle(tmp_path)


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


def test_download_unpacks_the_mice_alone(release, server, tmp_path, call_tool):
    """They lie in a folder of the repository, whatever its branch is called."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for path in sorted(release.rglob('*.csv')):
            archive.write(path, f'subtle-x/dataset/y5a5/{path.relative_to(release)}')
        archive.writestr('subtle-x/dataset/other/coords/young_9.csv', '1\n')
        archive.writestr('subtle-x/dataset/y5a5/coords/../../../up.csv', '1\n')
    server.content = buffer.getvalue()
    place = tmp_path / 'new' / 'raw'
    call_tool(TOOL, place, tmp_path / 'out', '--download', '--url', server.url)
    names = {path.relative_to(release) for path in release.rglob('*.csv')}
    found = (path for path in (tmp_path / 'new').rglob('*') if path.is_file())
    assert {path.relative_to(place) for path in found} == names
    assert (tmp_path / 'out/annotations.pkl').is_file()


LABEL = 'annots/adult_2.csv'
FAULTS = [
    (
        text('coords/adult_2.csv', '1,2,3\n'),
        '/coords/adult_2.csv | line 1 | 3 numbers | 27',
    ),
    (replace(LABEL, 'walking', 'flying'), f"/{LABEL} | line 7 | 'flying' | rearing"),
    (text(LABEL, ',0\n0,na\n'), f'/{LABEL} | 1 labels | 20 frames'),
    (remove(LABEL), f'/{LABEL} | missing'),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_release_names_file_and_place(change, named, release, tmp_path):
    check_refused(subtle.ConvertSUBTLE, release, tmp_path / 'out', change, named)


@pytest.mark.skipif(not REAL.is_dir(), reason='the mice are not here')
def test_real_mice_are_converted(tmp_path, call_tool):
    call_tool(TOOL, REAL, tmp_path / 'out')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    frames = [video['total_frames'] for video in data['annotations']]
    assert frames == [12010, 12010, 12011, 12011, 11996]
