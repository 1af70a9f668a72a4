"""Malformed text files."""

import gzip

import numpy as np
import pytest

from mmskelseg.checkpoints.weights import trained_data
from mmskelseg.converters.shared_layout import read_classes
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.labels import read_segments
from mmskelseg_io.labels.segments import make_segment
from mmskelseg_io.messages.errors import UserError, explanation, shown
from mmskelseg_io.messages.tables import text_table
from mmskelseg_io.poses import read_poses, to_coco17
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.segmenting.sources import find_sources
from tests.errors import raises_naming
from tests.oracle import judge
from tests.small_data import small_annotations
from tests.test_faults.formats import FORMATS

TABLE = 'start,end,label\n0,1,walk\n1,2,lift\n'


@pytest.fixture
def table(tmp_path):
    """Read a table of segments that has these bytes."""

    def read(content):
        path = tmp_path / 'take1.csv'
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(judge(read_segments, path))

    return read


@pytest.mark.parametrize(('content', 'message'), [
    (TABLE.encode('utf-16')[:-1], 'is not valid UTF-16'),
    (TABLE.encode('utf-16-le'), r"line 1 holds the control character '\x00'"),
    (TABLE.replace('walk', 'Ärger').encode('latin-1'), 'byte 20 is not valid UTF-8'),
    (TABLE.replace('walk', '"walk'), 'line 2 is not a valid row'),
    (TABLE.replace('walk', '"wa"lk'), 'line 2 is not a valid row'),
    (TABLE.replace('walk', 'x' * 140_000), 'line 2 is not a valid row (field larg'),
    (TABLE.replace('end', 'start'), 'start (2 times), label, without end'),
    ('start,end,label,end\n0,1,a,2\n', "line 1: two columns are called 'end'"),
    (TABLE.replace('0,1,walk', f'{"9" * 400},1,walk'), 'start in seconds is '),
    (TABLE.replace('0,1,walk', '0,1_0,walk'), "end in seconds is '1_0'"),
    (TABLE.replace('0,1,walk', '0,٣,walk'), "end in seconds is '٣', expected a number"),
    (TABLE.replace('0,1,walk', '1,0,walk'), 'starts at 1.000 s and ends at 0.000 s'),
    ('', 'the columns are none'),
])  # fmt: skip
def test_table_is_refused_with_its_line(table, content, message):
    told = table(content)
    assert message in told
    assert 'take1.csv' in told
    assert len(told) < 400


def test_table_with_other_line_ends_or_in_utf_16_is_the_same(tmp_path):
    path = tmp_path / 'take1.csv'
    path.write_text(TABLE)
    expected = read_segments(path)
    for end in ('\r\n', '\r'):
        path.write_bytes(TABLE.replace('\n', end).encode())
        assert read_segments(path) == expected
    path.write_bytes(TABLE.encode('utf-16'))
    assert read_segments(path) == expected


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[' * 100_000, 'its lists or objects are nested too deeply'),
        ('{"a":' * 50_000, 'its lists or objects are nested too deeply'),
        (f'[{"9" * 400}]', "a number of 400 digits is '9999"),
        (f'[{"9" * 5000}]', "a number of 5000 digits is '9999"),
        ('[1,]', 'line 1, column'),
        ('', 'line 1, column 1 is not valid JSON'),
        ('[]\0', "line 1 holds the control character '\\x00'"),
    ],
)
def test_json_is_refused_with_its_fault(tmp_path, content, message):
    path = tmp_path / 'take1.json'
    path.write_text(content)
    assert message in str(judge(lambda file: read_poses(file, 'mmpose'), path))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'<?xml version="1.0" encoding="klingon"?><annotations/>', 'unknown encoding'),
        (b'<?xml version="1.0" encoding="big5"?><annotations/>', 'encoding cannot be'),
        (b'<a>' * 100_000, 'is not valid XML'),
        (b'', 'line 1, column 1 is not valid XML (no element found)'),
    ],
)
def test_xml_is_refused_with_its_fault(tmp_path, content, message):
    path = tmp_path / 'annotations.xml'
    path.write_bytes(content)
    assert message in str(judge(lambda file: read_segments(file, fps=25), path))


def test_deep_xml_is_read_or_refused(tmp_path):
    path = tmp_path / 'annotations.xml'
    path.write_bytes(
        b'<annotations>' + b'<a>' * 10_000 + b'</a>' * 10_000 + b'</annotations>'
    )
    judge(lambda file: read_segments(file, fps=25), path)


def test_packed_project_is_bounded(tmp_path):
    path = tmp_path / 'project.boris.gz'
    path.write_bytes(gzip.compress(bytes(1 << 29), 1))
    told = str(judge(read_segments, path))
    assert 'project.boris.gz: larger than 256 MiB when unpacked' in told


def test_misspelt_part_is_told_where_none_is_needed(tmp_path):
    """Even if the poses have COCO's joints."""
    poses = read_poses(FORMATS['poses/coco'].make(tmp_path))
    with raises_naming(UserError, 'take1', ' nos;', 'nose, left_eye'):
        to_coco17(poses, {'nos': 'nose'}, 'take1')


def saved(change):
    """Return what saves annotations after a change by a name."""

    def save(name):
        data = small_annotations()
        change(data, name)
        save_annotations(data, 'a.pkl')

    return save


def rename_video(data, name):
    data['annotations'][0]['frame_dir'] = data['split']['train'][0] = name


def named_class_of_a_checkpoint(name):
    meta = {**small_annotations()['metainfo'], 'classes': ['a', name]}
    trained_data({'meta': {'dataset_meta': meta}}, 'a.pth')


USES = {
    'class': saved(lambda data, name: data['metainfo']['classes'].append(name)),
    'video': saved(rename_video),
    'file': saved(lambda data, name: data['annotations'][1].update(filename=name)),
    'data set': saved(lambda data, name: data['metainfo'].update(dataset=name)),
    'split': saved(lambda data, name: data['split'].update({name: ['video_2']})),
    'joint': lambda name: Skeleton.get({'joints': ['a', name], 'limbs': [[0, 1]]}),
    'input': lambda name: find_sources(
        {'frame_dir': name, 'keypoint': np.ones((1, 4, 17, 2))}
    ),
    'class of a checkpoint': named_class_of_a_checkpoint,
    'label': lambda name: make_segment('a.csv', 0, 1, name),
}


@pytest.mark.parametrize('mark', ['\0', '\n', '\x1b[31m', '\x9b', '\ud800', '\uffff'])
@pytest.mark.parametrize('use', USES.values(), ids=USES)
def test_names_with_control_characters_are_refused(tmp_path, monkeypatch, use, mark):
    """Terminals would obey them, and half a character cannot be written."""
    monkeypatch.chdir(tmp_path)
    with raises_naming(UserError, repr(f'a{mark}b')) as error:
        use(f'a{mark}b')
    assert mark not in str(error.value)


def test_names_in_tables_are_escaped():
    (line,) = text_table([['a\x1b[31m\ud800']])
    assert line == r'a\x1b[31m\ud800'


def test_damaged_text_of_an_array_is_refused(tmp_path):
    """Python's functions raise SystemError for invalid characters."""
    path = tmp_path / 'take1.npz'
    names = np.array(['ann'])
    names.view(np.uint32)[1] = 2**31
    np.savez(path, keypoint=np.ones((1, 4, 17, 2)), people=names)
    assert 'a string in it is damaged' in str(judge(read_poses, path))


def test_messages_stay_a_line():
    error = UserError('x' * 5000 + '\n' + 'y' * 300)
    assert len(str(error)) <= 900
    assert '\n' not in str(error)
    assert explanation(error) == str(error)
    assert shown(10**6000) == 'a number of over 6000 digits'
    assert shown(ValueError('a\nb')) == 'a b'
    assert shown('x' * 100) == "'" + 'x' * 56 + '...'


def test_number_of_a_class_has_bounds(tmp_path):
    path = tmp_path / 'mapping.txt'
    path.write_text(f'0 walk\n{"1" * 5001} lift\n')
    assert 'mapping.txt: line 2 is ' in str(judge(read_classes, path))


def test_skeleton_with_a_joint_that_is_no_number_is_named(tmp_path):
    path = tmp_path / 'take1.npz'
    np.savez(path, keypoint=np.ones((1, 4, 2, 2)), joints=['a', 'b'], limbs=[[0, 1]])
    assert read_poses(path).skeleton['limbs'] == [[0, 1]]
    for limb in (float('nan'), None, float('inf')):
        layout = {'joints': ['a', 'b'], 'limbs': [[0, limb]]}
        with raises_naming(UserError, "'joints': ['a', 'b'], ", '`joints`'):
            Skeleton.get(layout)


def test_hdf5_with_a_text_in_place_of_an_array_is_named(tmp_path):
    h5py = pytest.importorskip('h5py', reason='h5py is not installed')
    path = FORMATS['poses/deeplabcut fixed'].make(tmp_path)
    with h5py.File(path, 'a') as file:
        group = file['poses']
        del group['block0_values']
        group['block0_values'] = 'text'
    message = str(judge(read_poses, path))
    assert 'take1DLC.h5: /poses/block0_values is' in message
