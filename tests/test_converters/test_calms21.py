"""The converter of CalMS21, on a small made-up release."""

import pytest

from mmskelseg.converters.calms21 import ConvertCalMS21
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.test_converters import releases


@pytest.fixture
def release(tmp_path):
    return releases.calms21(tmp_path)


def convert(release, out):
    return ConvertCalMS21(source=release, out=out).run(PrintedEvents())


def test_task_has_its_mice_classes_and_split(release, tmp_path):
    data = load_annotations(convert(release, tmp_path / 'out'))
    meta = data['metainfo']
    assert meta['classes'] == ['attack', 'sniff', 'other']
    assert (meta['view'], meta['background']) == ('top', 'other')
    assert data['split'] == {'train': ['a', 'b'], 'test': ['c']}
    first = data['annotations'][0]
    assert (first['fps'], first['img_shape']) == (30, (570, 1024))
    assert first['keypoint'].shape == (2, 12, 7, 2)
    assert first['keypoint'][1, 4, 3].tolist() == [234, 53]
    assert first['label'].tolist() == [2] * 10 + [0] * 2


@pytest.mark.parametrize(('old', 'new', 'named'), [
    ('"annotations": [2, ', '"annotations": [7, ', 'annotations | frame 0 is 7.0'),
    ('"annotations": [2, ', '"annotations": [', '(11,) | 12 frames'),
    ('"task1/train/b"', '"task1/train/a"', "two keys | 'task1/train/a'"),
    ('"scores": [[[', '"scores": [[[1], [', 'scores'),
])  # fmt: skip
def test_fault_of_a_release_is_named(release, old, new, named, tmp_path):
    path = release / 'calms21_task1_train.json'
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    with raises_naming(UserError, path, named):
        convert(release, tmp_path / 'out')


def test_other_folders_are_refused(tmp_path):
    with raises_naming(UserError, tmp_path, 'train.json'):
        convert(tmp_path, tmp_path / 'out')
