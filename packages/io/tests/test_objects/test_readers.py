"""Every format of objects, written by its own library or as its tool documents it."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.objects import find_objects, read_objects
from mmskelseg_io.objects.mmdet import write_mmdet
from tests.test_objects import tools
from tests.test_objects.tools import FPS, FRAMES, NAMES, SIZE, THINGS


def tracked(path, **options):
    """Return the instances of the only video of a file, by name."""
    (video,) = read_objects(path, **options)
    assert video.name == 'take1'
    return {one['name']: one for one in video.tracked(FRAMES, FPS, SIZE)}


def assert_things(found, names):
    """Check that instances of these names are the cup and the box."""
    assert list(found) == names
    for kind, name in zip(THINGS, names, strict=True):
        points, score = tools.truth(kind)
        np.testing.assert_allclose(found[name]['points'], points, atol=1e-3)
        np.testing.assert_allclose(found[name]['score'], score)


@pytest.mark.parametrize(
    ('name', 'instances'),
    [
        ('coco', ['cup 7', 'box 8']),
        ('mot', ['cup 7', 'box 8']),
        ('yolo', ['cup 1', 'box 1']),
        ('mmdet', ['cup 1', 'box 1']),
        ('cvat', ['cup 0', 'box 1']),
        ('via', ['cup a', 'box b']),
    ],
)
def test_boxes_are_read_as_they_were_written(name, instances, tmp_path):
    assert_things(tracked(tools.write(name, tmp_path)), instances)


def test_coco_is_what_pycocotools_reads(tmp_path):
    coco = pytest.importorskip('pycocotools.coco', reason='pycocotools is missing')
    results = tools.coco_results(tmp_path).rename(tmp_path / 'results.json')
    path = tools.coco(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        data = coco.COCO(str(path))
        theirs = data.loadRes(str(results))
    (video,) = read_objects(results)
    ours = [(one.frame + 1, one.kind, *one.points[0]) for one in video.found]
    assert ours == [
        (one['image_id'], str(one['category_id']), *one['bbox'][:2])
        for one in theirs.loadAnns(theirs.getAnnIds())
    ]
    (video,) = read_objects(path)
    found = [data.cats[one['category_id']]['name'] for one in data.anns.values()]
    assert [one.kind for one in video.found] == found


@pytest.mark.parametrize('name', ['', 'TUD-Campus/test.txt', 'TUD-Stadtmitte/gt.txt'])
@pytest.mark.filterwarnings('ignore')
def test_mot_is_what_motmetrics_reads(name, tmp_path):
    """Also the truth and the tracks of a sequence, which come with the package."""
    motmetrics = pytest.importorskip('motmetrics', reason='motmetrics is missing')
    path = tools.mot(tmp_path)
    if name:
        path = Path(motmetrics.__file__).parent / 'data' / name
    table = motmetrics.io.loadtxt(path, fmt='mot15-2D')
    (video,) = read_objects(path)
    theirs = [
        (frame - 1, str(track), row.X, row.Y, row.X + row.Width, row.Y + row.Height)
        for (frame, track), row in table.iterrows()
    ]
    assert sorted(theirs) == sorted(
        (one.frame, one.track, *one.points[0], *one.points[2]) for one in video.found
    )


def test_results_of_coco_call_categories_by_number(tmp_path):
    found = tracked(tools.coco_results(tmp_path))
    assert_things(found, ['2 1', '1 1'])


def test_frames_of_coco_are_those_of_each_video(tmp_path):
    images = [
        {'id': 10 * v + f, 'video_id': v, 'frame_id': f} for v in (1, 2) for f in (0, 1)
    ]
    data = {
        'videos': [{'id': 1, 'name': 'a'}, {'id': 2, 'name': 'b'}],
        'images': images,
        'annotations': [{'image_id': 21, 'category_id': 5, 'bbox': [1, 2, 3, 4]}],
        'categories': [{'id': 5, 'name': 'cup'}],
    }
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(data))
    first, second = read_objects(path)
    assert (first.name, list(first.found)) == ('a', [])
    assert (second.name, second.found[0].frame) == ('b', 1)


def test_keypoints_of_coco_have_the_names_of_their_category(tmp_path):
    data = {
        'images': [{'id': 1, 'file_name': 'take1_1.jpg'}],
        'annotations': [
            {'image_id': 1, 'category_id': 1, 'keypoints': [5, 6, 2, 0, 0, 0]}
        ],
        'categories': [{'id': 1, 'name': 'hammer', 'keypoints': ['head', 'handle']}],
    }
    path = tmp_path / 'take1.json'
    path.write_text(json.dumps(data))
    (video,) = read_objects(path)
    assert video.kinds == {'hammer': ['head', 'handle']}
    (hammer,) = video.tracked(1, FPS, SIZE)
    assert hammer['points'].tolist() == [[[5, 6], [0, 0]]]
    assert hammer['score'].tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ('text', 'score', 'name'),
    [
        ('1,-1,5,6,10,10,0.25,-1,-1,-1', 0.25, 'object 1'),
        ('1 3 5 6 10 10', 1, 'object 3'),
        ('1,3,5,6,10,10,-1,-1,-1,-1', 1, 'object 3'),
        ('1,3,5,6,10,10,80,4,1', 1, '4 3'),
        ('1,3,5,6,10,10,1,4.48,6.2,0', 1, 'object 3'),
    ],
)
def test_rows_of_mot_may_lack_values(text, score, name, tmp_path):
    path = tmp_path / 'take1.txt'
    path.write_text(text)
    (one,) = tracked(path).values()
    assert one['name'] == name
    assert one['score'][0].tolist() == [score] * 4
    assert one['points'][0, 0].tolist() == [4, 5]


def test_classes_of_mot_have_the_names_beside_the_table_alone(tmp_path):
    path = tools.mot(tmp_path, names=False)
    (path.parent / 'classes.txt').write_text('box\ncup\n')
    assert_things(tracked(path), ['2 7', '1 8'])


def test_rows_of_mot_without_confidence_are_ignored(tmp_path):
    path = tmp_path / 'take1.txt'
    path.write_text('1,3,5,6,10,10,0,4,1\n')
    assert tracked(path) == {}


@pytest.mark.parametrize(
    ('more', 'score', 'names'),
    [
        (lambda kind: ' 0.5', 0.5, ['cup 1', 'box 1']),
        (lambda kind: f' {len(kind) + (kind == "cup")}', 1, ['cup 4', 'box 3']),
        (lambda kind: f' 0.5 {kind == "cup":d}', 0.5, ['cup 1', 'box 0']),
    ],
)
def test_lines_of_yolo_may_have_confidence_and_track(more, score, names, tmp_path):
    found = tracked(tools.yolo(tmp_path, more))
    assert list(found) == names
    assert found[names[0]]['score'].tolist() == [[score] * 4] * FRAMES


def test_corners_of_yolo_may_be_turned(tmp_path):
    folder = tmp_path / 'take1'
    folder.mkdir()
    (folder / '0.txt').write_text('3 0.1 0.1 0.2 0.2 0.1 0.3 0 0.2\n')
    (one,) = tracked(folder).values()
    expected = [[40, 20], [80, 40], [40, 60], [0, 40]]
    np.testing.assert_allclose(one['points'][0], expected, atol=1e-3)


def test_folders_of_yolo_may_have_several_videos(tmp_path):
    for name in ('a_1.txt', 'a_2.txt', 'b_1.txt'):
        (tmp_path / name).write_text('0 0.5 0.5 0.1 0.1\n')
    a, b = read_objects(tmp_path)
    assert [(v.name, len(v.found)) for v in (a, b)] == [('a', 2), ('b', 1)]


@pytest.mark.parametrize(
    'text',
    ['names:\n  0: box\n  1: cup\n', "names: ['box', 'cup']", 'names: [box, cup]'],
)
def test_names_of_classes_may_be_a_list_or_numbered(text, tmp_path):
    folder = tools.yolo(tmp_path)
    folder.with_name('data.yaml').write_text(text)
    assert list(tracked(folder)) == ['cup 1', 'box 1']


def test_mmdet_may_be_one_file_with_classes(tmp_path):
    write_mmdet(tmp_path / 'take1.json', tools.mmdet_frames(), NAMES)
    assert_things(tracked(tmp_path / 'take1.json'), ['cup 1', 'box 1'])


def test_a_folder_may_have_a_file_of_each_video(tmp_path):
    """Though their names end in numbers, as those of frames do."""
    for name in ('take1', 'take2'):
        (tmp_path / f'{name}.txt').write_text('1,-1,5,6,10,10,1\n')
        write_mmdet(tmp_path / f'{name}b.json', tools.mmdet_frames(), NAMES)
        write_mmdet(tmp_path / f'{name}.json', tools.mmdet_frames(), NAMES)
    names = [one.name for one in find_objects([tmp_path])]
    assert names == ['take1', 'take1', 'take1b', 'take2', 'take2', 'take2b']


@pytest.mark.parametrize('shape', ['project', 'export', 'numbered'])
def test_via_2_has_regions_in_images(shape, tmp_path):
    path = tools.via2(tmp_path)
    content = json.loads(path.read_text())
    if shape != 'project':
        content = content['_via_img_metadata']
    if shape == 'numbered':
        for image in content.values():
            image['regions'] = {str(i): one for i, one in enumerate(image['regions'])}
    path.write_text(json.dumps(content))
    assert_things(tracked(path), ['cup c', 'box b'])


def test_cvat_moves_points_between_shapes(tmp_path):
    shapes = {
        'pen': [
            ('points', {'frame': 0, 'points': '0,0;10,0', 'occluded': 1}),
            ('points', {'frame': 2, 'points': '4,2;10,8'}),
        ]
    }
    pen = tracked(tools.cvat(tmp_path, shapes=shapes))['pen 9']
    expected = [[[0, 0], [10, 0]], [[2, 1], [10, 4]], *[[[4, 2], [10, 8]]] * 2]
    assert pen['points'].tolist() == expected
    assert pen['score'][:, 0].tolist() == [0.5, 0.5, 1, 1]


@pytest.mark.parametrize(
    ('tag', 'attributes', 'expected'),
    [
        ('box', {'xtl': 0, 'ytl': 0, 'xbr': 4, 'ybr': 2, 'rotation': 90},
         [[3, -1], [3, 3], [1, 3], [1, -1]]),
        ('polygon', {'points': '1,5;3,1;2,9'}, tools.corners(1, 1, 2, 8)),
        ('ellipse', {'cx': 5, 'cy': 5, 'rx': 2, 'ry': 1}, tools.corners(3, 4, 4, 2)),
        ('mask', {'left': 1, 'top': 2, 'width': 3, 'height': 4, 'rle': '1'},
         tools.corners(1, 2, 3, 4)),
    ],
)  # fmt: skip
def test_shapes_of_cvat_become_corners(tag, attributes, expected, tmp_path):
    shapes = {'thing': [(tag, {'frame': 0, **attributes})]}
    thing = tracked(tools.cvat(tmp_path, shapes=shapes))['thing 9']
    np.testing.assert_allclose(thing['points'][0], expected, atol=1e-5)


def test_skeletons_and_images_of_cvat(tmp_path):
    path = tmp_path / 'annotations.xml'
    path.write_text(
        '<annotations><meta><task><source>take1.mp4</source></task></meta>'
        '<image id="1" name="frame_1"><skeleton label="hammer">'
        '<points label="head" points="3,4" outside="0"/>'
        '<points label="handle" points="9,9" outside="1"/></skeleton></image>'
        '</annotations>'
    )
    (video,) = read_objects(path)
    assert video.kinds == {'hammer': ['head', 'handle']}
    (hammer,) = video.tracked(2, FPS, SIZE)
    assert hammer['points'].tolist() == [[[0, 0]] * 2, [[3, 4], [0, 0]]]


@pytest.mark.parametrize('kind', ['csv', 'table'])
def test_unique_body_parts_of_deeplabcut_are_objects(kind, tmp_path):
    path, values = tools.deeplabcut(tmp_path, kind)
    (corner,) = tracked(path).values()
    assert (corner['name'], corner['kind']) == ('corner', 'corner')
    seen = [0, 1, 3]
    np.testing.assert_allclose(corner['points'][seen, 0], values[seen, -3:-1])
    assert corner['score'][2, 0] == 0


def test_without_animals_all_parts_of_deeplabcut_are_objects(tmp_path):
    path, _ = tools.deeplabcut(tmp_path, people=None, parts=['hammer head', 'feeder'])
    assert list(tracked(path)) == ['hammer head', 'feeder']
