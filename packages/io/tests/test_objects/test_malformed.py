"""Malformed files of objects: each ends in one sentence with file, place and value."""

import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects import read_objects
from tests.errors import raises_naming
from tests.oracle import check_sentence
from tests.test_objects import tools

# A format, a text in its first file, another in its place, and what the message names.
FAULTS = (
    ('coco', '"image_id": 1', '"image_id": 99', 'annotations[0] | image_id | 99'),
    ('coco', '[10.0, 20.0', '[null, 20.0', 'frame 0 | cup | nan'),
    ('coco', '[10.0, 20.0, 30.0, 40.0]', '[10.0]', 'annotations[0]: bbox | 1'),
    ('coco', '"frame_000000.PNG"', '"a.PNG"', "images[0] | file_name | 'a.PNG'"),
    ('coco', '"categories": [', '"categories": [3, ', 'categories[0] is 3'),
    ('coco', '"id": 1', '"frame_id": -5, "id": 1', 'images[0] | frame_id | -5'),
    ('mot', '1,7,11', '1e300,7,11', "line 1 | frame is '1e300'"),
    ('mot', '1,7,11', '0,7,11', 'line 1 | frame is 0'),
    ('mot', '1,7,11', 'abc,7,11', "line 1 | frame is 'abc', expected a whole number"),
    ('mot', '1,7,11,21', '1,7,eleven,21', "line 1 | left is 'eleven'"),
    ('mot', '1,7,11,21,30,40,1,2,0.5', '1,7,11', "line 1 | '7', '11' | width"),
    ('mot', '2,7,15', '1,7,15', 'cup 7 | frame 0'),
    ('yolo', '1 0.0625', '1.5 0.0625', 'take1_1.txt: line 1 | class is 1.5'),
    ('yolo', '0.0625 ', '', 'take1_1.txt: line 1 | 4 numbers'),
    ('yolo', '0.0625', 'x', "take1_1.txt: line 1 | number 2 is 'x'"),
    ('yolo', '0.0625', '25', 'take1_1.txt: line 1 | 25 | --object-format'),
    ('yolo', '0.2\n', '0.2\n' + '0 0.5 0.5 0.1 0.1\n' * 501,
     'take1_1.txt | 501 | box | frame 0'),
    ('mmdet', '[[10, 20, 40, 60]]', '[[10, 20, 40, 4e9]]',
     '000000.json | cup | frame 0 | 4000000000'),
    ('mmdet', '[1]', '[1, 1]', '000000.json | 2 labels | 1 scores'),
    ('mmdet', '[1.0]', '["high"]', "000000.json | scores[0] is 'high'"),
    ('mmdet', '[[10, 20, 40, 60]]', '[[10, 20, 40]]', '000000.json | bboxes'),
    ('cvat', 'xtl="10"', 'xtl="left"', "track 0, frame 0 | xtl is 'left'"),
    ('cvat', 'xtl="10"', '', 'track 0, frame 0 | box | xtl'),
    ('cvat', ' frame="1"', ' frame="0"', 'cup 0 | frame 0'),
    ('via', '[2, 10, 20, 30, 40]', '[7, 10, 20, 30]', "metadata '1_0' | [10, 20, 30]"),
    ('via', '[2, 10, 20, 30, 40]', '[2, 10]', "metadata '1_0' | rect"),
    ('via', '"fid_list": ["1"]', '"fid_list": ["2"]', "metadata '1_0' | view '1'"),
)  # fmt: skip


@pytest.mark.parametrize(('name', 'old', 'new', 'named'), FAULTS)
def test_malformed_objects_are_named(name, old, new, named, tmp_path):
    path = tools.write(name, tmp_path)
    file = sorted(path.glob('*'))[0] if path.is_dir() else path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with raises_naming(UserError, path.name, named) as raised:
        for video in read_objects(path):
            video.tracked(tools.FRAMES, tools.FPS, tools.SIZE)
    check_sentence(str(raised.value), (file.name, path.name))


def test_a_file_of_deeplabcut_without_unique_parts_names_its_animals(tmp_path):
    path, _ = tools.deeplabcut(tmp_path)
    path.write_text(path.read_text().replace('single', 'cat'))
    with raises_naming(UserError, path.name, 'ann, bob, cat', '(single)'):
        read_objects(path)


def test_a_frame_after_the_end_is_named_by_its_file(tmp_path):
    folder = tools.yolo(tmp_path)
    (folder / 'take1_4.txt').rename(folder / 'take1_900.txt')
    (objects,) = read_objects(folder)
    with raises_naming(UserError, 'take1_900.txt', 'frame 899 | 4 frames'):
        objects.tracked(tools.FRAMES, tools.FPS, tools.SIZE)


def test_a_track_twice_in_a_frame_is_named_by_its_file(tmp_path):
    folder = tools.yolo(tmp_path, lambda kind: ' 7')
    with (folder / 'take1_3.txt').open('a') as file:
        file.write('0 0.5 0.5 0.1 0.1 7\n')
    (objects,) = read_objects(folder)
    with raises_naming(UserError, 'take1_3.txt', 'box 7 | frame 2'):
        objects.tracked(tools.FRAMES, tools.FPS, tools.SIZE)


@pytest.mark.parametrize(
    ('name', 'named'), [(r'"a\x1b[2J"', r"'a\x1b[2J'"), ('[box]', "['box']")]
)
def test_names_of_classes_that_are_no_names_are_named(name, named, tmp_path):
    folder = tools.yolo(tmp_path)
    folder.with_name('data.yaml').write_text(f'names: [{name}, cup]')
    with raises_naming(UserError, 'data.yaml', named):
        read_objects(folder)


def test_a_file_that_is_no_folder_of_frames_is_named(tmp_path):
    path = tmp_path / 'm1.txt'
    path.write_text('1,7,11,21,30,40')
    with raises_naming(UserError, path, 'folder | such as m1_1.txt.'):
        read_objects(path, 'yolo')


def test_unknown_files_are_named(tmp_path):
    path = tmp_path / 'take1.json'
    path.write_text('{"people": []}')
    with raises_naming(UserError, 'take1.json', 'coco', '--object-format'):
        read_objects(path)
