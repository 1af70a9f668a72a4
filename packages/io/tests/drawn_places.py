"""Places as programs that draw them write them."""

import numpy as np
import pytest

NEST = [[10.0, 20], [90, 20], [90, 100], [10, 100]]


def simba(path, **more):
    """Write what SimBA does: three tables of pandas, one of them empty."""
    pd = pytest.importorskip('pandas', reason='pandas is not installed')
    rectangle = {
        'Video': 'm1', 'Shape_type': 'Rectangle', 'Name': 'nest', 'Color BGR': (0, 0),
        'topLeftX': 10, 'topLeftY': 20, 'width': 80, 'height': 80,
        'Tags': {'Center tag': (50, 60)},
    }  # fmt: skip
    circle = {'Video': 'm2', 'Name': 'bowl', 'centerX': 150, 'centerY': 60}
    circle |= {'radius': 20, **more}
    polygon = {'Video': 'm2', 'Name': 'arm', 'vertices': np.array(NEST, int)}
    rectangles = pd.DataFrame([rectangle])
    tables = {
        # As if rows were added to an empty table, all columns hold objects.
        'rectangles': rectangles.astype(object),
        'circleDf': pd.DataFrame([circle]),
        'polygons': pd.DataFrame([polygon]) if not more else rectangles[:0],
    }
    with pd.HDFStore(path, mode='w') as store:
        for name, table in tables.items():
            store[name] = table
    return path


def napari(rows):
    head = 'index,shape-type,vertex-index,axis-0,axis-1'
    return '\n'.join([head, *rows]) + '\n'


def shapes():
    """A rectangle, a round ellipse and a line of napari."""
    corners = [f'0,rectangle,{i},{y},{x}' for i, (x, y) in enumerate(NEST)]
    around = [f'1,ellipse,{i},{y},{x}' for i, (x, y) in enumerate(NEST)]
    return napari([*corners, *around, '2,line,0,1,0', '2,line,1,3,2'])


def via_2(shapes):
    regions = [
        {'shape_attributes': shape, 'region_attributes': {'name': name}}
        for name, shape in shapes.items()
    ]
    image = {'filename': 'm1.png', 'size': 1, 'regions': regions}
    return {'_via_img_metadata': {'m1.png1': image}, '_via_settings': {}}


VIA_2 = {
    'nest': {'name': 'rect', 'x': 10, 'y': 20, 'width': 80, 'height': 80},
    'bowl': {'name': 'circle', 'cx': 150, 'cy': 60, 'r': 20},
    'gate': {'name': 'polyline', 'all_points_x': [0, 2], 'all_points_y': [1, 3]},
    'lamp': {'name': 'point', 'cx': 7, 'cy': 8},
}
DRAWN = [
    ('nest', 'polygon', NEST, 0),
    ('bowl', 'circle', [[150, 60]], 20),
    ('gate', 'line', [[0, 1], [2, 3]], 0),
    ('lamp', 'point', [[7, 8]], 0),
]


def via_3():
    shapes = [[2, 10, 20, 80, 80], [3, 150, 60, 20], [5, 0, 1, 2, 3], [1, 7, 8]]
    names = dict(enumerate(('nest', 'bowl', 'gate', 'lamp')))
    entry = {'vid': '1', 'flg': 0, 'z': []}
    return {
        'attribute': {
            '1': {'aname': 'place', 'options': {str(k): v for k, v in names.items()}}
        },
        'file': {'1': {'fname': 'm1.mp4'}},
        'view': {'1': {'fid_list': ['1']}},
        'metadata': {
            f'1_{k}': {**entry, 'xy': xy, 'av': {'1': str(k)}}
            for k, xy in enumerate(shapes)
        },
    }


def region(kind, **value):
    size = {'original_width': 200, 'original_height': 100}
    return {'type': kind, 'value': value, **size}


def label_studio():
    """On an image of 200 x 100 pixels, in percent."""
    corner, side = {'x': 5, 'y': 20}, {'width': 40, 'height': 80}
    result = [
        region('rectanglelabels', **corner, **side, rectanglelabels=['nest']),
        region(
            'ellipselabels', x=75, y=60, radiusX=10, radiusY=20, ellipselabels=['bowl']
        ),
        region('keypointlabels', x=3.5, y=8, width=1, keypointlabels=['lamp']),
        region('choices', choices=['dark']),
    ]
    data = {'image': '/data/upload/1/1a2b3c4d-m1.png'}
    return [{'id': 3, 'data': data, 'annotations': [{'result': result}]}]
