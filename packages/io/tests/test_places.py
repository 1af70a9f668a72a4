"""Files of places: what each program writes, round trips, and clear errors."""

import json

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.places import PLACE_FORMATS, places_for, read_places
from mmskelseg_io.places.geojson import write_geojson
from mmskelseg_io.places.table import write_table
from mmskelseg_io.structures.places import Place
from tests.drawn_places import (
    DRAWN,
    NEST,
    VIA_2,
    label_studio,
    napari,
    region,
    shapes,
    simba,
    via_2,
    via_3,
)
from tests.errors import raises_naming


def shown(found):
    """Places as plain values."""
    return {
        video: [(p.name, p.shape, p.points.tolist(), p.radius) for p in own]
        for video, own in found.items()
    }


@pytest.fixture
def places():
    """Places of two videos, and of all others."""
    nest = Place('nest', 'polygon', np.array(NEST))
    bowl = Place('bowl', 'circle', np.array([[150.0, 60.5]]), 20.25)
    gate = Place('gate', 'line', np.array([[0.0, 1], [2, 3], [4, 5]]))
    lamp = Place('lamp', 'point', np.array([[7.0, 8]]))
    door = Place('door', 'point', np.array([[1.0, 2]]), space='floor')
    return {'': [nest, bowl], 'm1': [gate, lamp], 'm2': [door]}


@pytest.mark.parametrize(
    ('name', 'write'), [('a.geojson', write_geojson), ('a.csv', write_table)]
)
def test_places_come_back_as_they_were_written(name, write, places, tmp_path):
    write(tmp_path / name, places)
    found = read_places(tmp_path / name)
    assert shown(found) == shown(places)
    assert found['m2'][0].space == 'floor'


def test_geojson_of_another_program_needs_no_names(tmp_path):
    """A feature alone, whose ring is closed."""
    path = tmp_path / 'arena.json'
    polygon = {'type': 'Polygon', 'coordinates': [[*NEST, NEST[0]]]}
    path.write_text(json.dumps({'type': 'Feature', 'geometry': polygon}))
    assert shown(read_places(path)) == {'': [('place 1', 'polygon', NEST, 0)]}


@pytest.mark.filterwarnings('ignore::Warning')
def test_rois_of_simba_are_those_of_each_video(tmp_path):
    found = read_places(simba(tmp_path / 'ROI_definitions.h5'))
    assert shown(found) == {
        'm1': [('nest', 'polygon', NEST, 0)],
        'm2': [('bowl', 'circle', [[150, 60]], 20), ('arm', 'polygon', NEST, 0)],
    }


@pytest.mark.filterwarnings('ignore::Warning')
def test_fault_in_rois_of_simba_is_named(tmp_path):
    path = simba(tmp_path / 'ROI_definitions.h5', radius=-3)
    with raises_naming(UserError, f'{path}: row 0 of circleDf', 'radius', '-3'):
        read_places(path)


def test_shapes_of_napari_have_rows_before_columns(tmp_path):
    """An ellipse is given by the box around it; a round one is a circle."""
    path = tmp_path / 'shapes.csv'
    path.write_text(shapes())
    assert shown(read_places(path)) == {
        '': [
            ('rectangle 0', 'polygon', NEST, 0),
            ('ellipse 1', 'circle', [[50, 60]], 40),
            ('line 2', 'line', [[0, 1], [2, 3]], 0),
        ]
    }


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (via_2(VIA_2), DRAWN),
        (via_2(VIA_2)['_via_img_metadata'], DRAWN),
        (via_3(), DRAWN),
        (label_studio(), [*DRAWN[:2], DRAWN[3]]),
    ],
)
def test_json_of_annotation_tools_is_read(content, expected, tmp_path):
    path = tmp_path / 'places.json'
    path.write_text(json.dumps(content))
    assert shown(read_places(path)) == {'m1': expected}


def test_turned_rectangle_of_label_studio_turns_about_its_corner(tmp_path):
    """By 90 degrees clockwise, its width points down and its height to the left."""
    turned = region(
        'rectanglelabels', x=50, y=0, width=10, height=40, rotation=90,
        rectanglelabels=['nest'],
    )  # fmt: skip
    task = {'data': {}, 'annotations': [{'result': [turned]}]}
    path = tmp_path / 'places.json'
    path.write_text(json.dumps([task]))
    (nest,) = read_places(path)['']
    expected = [[100, 0], [100, 20], [60, 20], [60, 0]]
    np.testing.assert_allclose(nest.points, expected, atol=1e-9)


BAD_CIRCLE = {'name': 'circle', 'cx': 1, 'cy': 2, 'r': -1}
HOLE = {'type': 'Polygon', 'coordinates': [NEST, NEST]}


@pytest.mark.parametrize(
    ('name', 'text', 'named'),
    [
        ('a.geojson', '{"type": "Topology"}', ["'Topology'"]),
        ('a.geojson', '{"type": "Feature"}', ['features[0] lacks geometry']),
        ('a.csv', 'name,shape,x\na,point,1\n', ['without y']),
        ('a.csv', 'name,shape,x,y\na,point,1,two\n', ['line 2', 'y', "'two'"]),
        ('a.csv', 'name,shape,x,y\na,blob,1,2\n', ['line 2', "'blob'"]),
        ('a.csv', 'name,shape,x,y\na,polygon,1,2\n', ['line 2', '3 or more']),
        ('a.csv', 'name,shape,x,y\na,point,1,2\nb,point,1,2\na,point,1,2\n', ["'a'"]),
        ('a.csv', napari(['0,blob,0,1,2']), ['line 2', "'blob'"]),
        ('a.csv', napari(['0,ellipse,0,1,2']), ['line 2', '[[2.0, 1.0]]']),
        ('a.json', json.dumps(via_2({'a': BAD_CIRCLE})), ["'m1.png'", '-1']),
        ('a.json', json.dumps([{'annotations': []}]), ['[0] lacks data']),
        (
            'a.json',
            json.dumps({'type': 'Feature', 'geometry': HOLE}),
            ['feature 0', 'rings is 2'],
        ),
    ],
)
def test_fault_is_named_with_its_file(name, text, named, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with raises_naming(UserError, f'{path}: ', *named):
        read_places(path)


def test_places_belong_to_the_video_of_their_name_or_to_all(places, tmp_path):
    assert places_for(places, 'm1', 'a.csv')[0].name == 'gate'
    assert places_for(places, 'm2_day3', 'a.csv')[0].name == 'door'
    assert places_for(places, 'm3', 'a.csv')[0].name == 'nest'
    del places['']
    with raises_naming(UserError, 'a.csv: ', "'m3'", 'm1, m2'):
        places_for(places, 'm3', 'a.csv')


def test_every_format_has_a_reader_in_a_module_of_its_own():
    names = {'geojson', 'csv', 'napari', 'via', 'label_studio', 'simba'}
    assert PLACE_FORMATS.readers.keys() == names


def test_values_that_no_place_has_are_named_in_short(tmp_path):
    """A radius of 1e300, and labels of Label Studio that fill a screen."""
    path = tmp_path / 'a.geojson'
    geometry = {'type': 'Point', 'coordinates': [1, 2]}
    feature = {'type': 'Feature', 'geometry': geometry, 'properties': {'radius': 1e300}}
    path.write_text(json.dumps(feature))
    with raises_naming(UserError, path, 'radius 1e+300'):
        read_places(path)
    path = tmp_path / 'a.json'
    region = {'type': 'rectanglelabels', 'value': {'rectanglelabels': ['bowl'] * 5000}}
    path.write_text(json.dumps([{'data': {}, 'annotations': [{'result': [region]}]}]))
    with raises_naming(UserError, path, "'bowl'") as raised:
        read_places(path)
    assert len(str(raised.value)) < len(str(path)) + 300
