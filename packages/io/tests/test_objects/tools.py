"""Small files of objects as programs write them, of two objects in four frames."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from tests.test_poses import trackers

FRAMES, SIZE, FPS = 4, (200, 400), 25.0
# Left, top, width and height in each frame; a cup moves, a box is seen in two frames.
CUP = [(10, 20, 30, 40), (14, 20, 30, 40), (18, 22, 30, 40), (22, 24, 30, 40)]
BOX = [None, (200, 100, 60, 50), (200, 102, 60, 50), None]
THINGS = {'cup': CUP, 'box': BOX}
NAMES = ['box', 'cup']
# The objects in order: frame, kind, x, y, width and height.
ROWS = [
    (frame, kind, *boxes[frame])
    for frame in range(FRAMES)
    for kind, boxes in THINGS.items()
    if boxes[frame]
]


def corners(x, y, width, height):
    """Return the four corners, clockwise from the top left."""
    right, bottom = x + width, y + height
    return [(x, y), (right, y), (right, bottom), (x, bottom)]


def truth(kind, frames=FRAMES):
    """Return points (T, 4, 2) and scores (T, 4) of a thing, zeros if not seen."""
    boxes = THINGS[kind]
    zeros = [(0, 0)] * 4
    points = [corners(*box) if box else zeros for box in boxes[:frames]]
    return np.array(points, float), np.array([[bool(box)] * 4 for box in boxes], float)


def _json(path, content):
    path.write_text(json.dumps(content))
    return path


def coco_annotations(**more):
    """Return boxes as annotations of images 1 to 4, of categories 1 and 2."""
    return [
        {'id': i, 'image_id': frame + 1, 'category_id': NAMES.index(kind) + 1,
         'bbox': [float(value) for value in box], 'area': box[2] * box[3], 'iscrowd': 0,
         **more}
        for i, (frame, kind, *box) in enumerate(ROWS, 1)
    ]  # fmt: skip


def coco(folder):
    """Write a data set in COCO format, with tracks as CVAT has them."""
    annotations = coco_annotations()
    for one in annotations:
        one['attributes'] = {'track_id': 7 if one['category_id'] == 2 else 8}
    images = [
        {'id': i + 1, 'file_name': f'frame_{i:06d}.PNG', 'height': 200, 'width': 400}
        for i in range(FRAMES)
    ]
    categories = [{'id': i, 'name': name} for i, name in enumerate(NAMES, 1)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    return _json(folder / 'take1.json', content)


def coco_results(folder):
    """Write results, which have no names of categories and no tracks."""
    keys = ('image_id', 'category_id', 'bbox')
    rows = [{key: one[key] for key in keys} for one in coco_annotations()]
    return _json(folder / 'take1.json', [{**row, 'score': 1.0} for row in rows])


def mot(folder, *, names=True):
    """Write the truth of a sequence, as CVAT exports it."""
    folder = folder / 'take1' / 'gt'
    folder.mkdir(parents=True)
    if names:
        (folder / 'labels.txt').write_text('\n'.join(NAMES))
    lines = [
        f'{frame + 1},{7 if kind == "cup" else 8},{x + 1},{y + 1},{w},{h},1,'
        f'{NAMES.index(kind) + 1},0.5'
        for frame, kind, x, y, w, h in ROWS
    ]
    (folder / 'gt.txt').write_text('\n'.join(lines) + '\n')
    return folder / 'gt.txt'


def yolo(folder, more=lambda kind: ''):
    """Write labels as ``save_txt`` does, with ``more`` after each box."""
    (folder / 'take1').mkdir()
    folder = folder / 'take1' / 'labels'
    folder.mkdir()
    folder.with_name('data.yaml').write_text(f'nc: 2\nnames: {NAMES}\n')
    for frame, kind, x, y, w, h in ROWS:
        values = ((x + w / 2) / 400, (y + h / 2) / 200, w / 400, h / 200)
        line = [NAMES.index(kind), *values]
        with (folder / f'take1_{frame + 1}.txt').open('a') as file:
            file.write(' '.join(f'{value:g}' for value in line) + more(kind) + '\n')
    return folder


def mmdet_frames():
    """Return the predictions of each frame."""
    frames = [{'labels': [], 'scores': [], 'bboxes': []} for _ in range(FRAMES)]
    for frame, kind, x, y, w, h in ROWS:
        frames[frame]['labels'].append(NAMES.index(kind))
        frames[frame]['scores'].append(1.0)
        frames[frame]['bboxes'].append([x, y, x + w, y + h])
    return frames


def mmdet(folder):
    """Write a folder of predictions as DetInferencer does."""
    folder = folder / 'take1' / 'preds'
    folder.mkdir(parents=True)
    folder.with_name('classes.txt').write_text('\n'.join(NAMES))
    for i, frame in enumerate(mmdet_frames()):
        _json(folder / f'{i:06d}.json', frame)
    return folder


def _node(parent, tag, text=None, **attributes):
    node = ElementTree.SubElement(
        parent, tag, {k: str(v) for k, v in attributes.items()}
    )
    node.text = text
    return node


def cvat(folder, *, shapes=None):
    """Write tracks of CVAT for video; those in between are left to interpolation."""
    root = ElementTree.Element('annotations')
    _node(root, 'version', '1.1')
    meta = _node(root, 'meta')
    task = _node(meta, 'task')
    for tag, text in (('name', 'task'), ('stop_frame', '3'), ('source', 'take1.mp4')):
        _node(task, tag, text)
    for i, (kind, boxes) in enumerate(THINGS.items()):
        track = _node(root, 'track', id=i, label=kind, source='manual')
        seen = [frame for frame, box in enumerate(boxes) if box]
        for frame in seen:
            x, y, w, h = boxes[frame]
            _node(track, 'box', frame=frame, keyframe=1, outside=0, occluded=0,
                  xtl=x, ytl=y, xbr=x + w, ybr=y + h, z_order=0)  # fmt: skip
        if seen[-1] + 1 < FRAMES:
            _node(track, 'box', frame=seen[-1] + 1, keyframe=1, outside=1, occluded=0,
                  xtl=x, ytl=y, xbr=x + w, ybr=y + h, z_order=0)  # fmt: skip
    for label, nodes in (shapes or {}).items():
        track = _node(root, 'track', id=9, label=label)
        for tag, attributes in nodes:
            _node(track, tag, **attributes)
    path = folder / 'annotations.xml'
    ElementTree.ElementTree(root).write(path)
    return path


def via(folder):
    """Write a project of VIA 3 with regions at times of a video."""
    options = dict(enumerate(NAMES))
    attributes = {
        '1': {'aname': 'thing', 'type': 4, 'options': options},
        '2': {'aname': 'track', 'type': 1, 'options': {}},
    }
    metadata = {
        f'1_{i}': {
            'vid': '1', 'flg': 0, 'z': [round(frame / FPS, 3)], 'xy': [2, *box],
            'av': {'1': str(NAMES.index(kind)), '2': 'a' if kind == 'cup' else 'b'},
        }
        for i, (frame, kind, *box) in enumerate(ROWS)
    }  # fmt: skip
    # A deleted region, and a segment of time.
    metadata['1_x'] = {'vid': '1', 'flg': 1, 'z': [0], 'xy': [2, 0, 0, 9, 9], 'av': {}}
    metadata['1_y'] = {'vid': '1', 'flg': 0, 'z': [0, 1], 'xy': [], 'av': {}}
    content = {
        'project': {'pname': 'cups'},
        'attribute': attributes,
        'file': {'1': {'fid': '1', 'fname': 'take1.mp4', 'type': 4}},
        'metadata': metadata,
        'view': {'1': {'fid_list': ['1']}},
    }
    return _json(folder / 'via.json', content)


def via2(folder):
    """Write a project of VIA 2 with regions in the images of frames."""
    images = {
        f'take1_{i:03d}.jpg{i}': {
            'filename': f'take1_{i:03d}.jpg', 'size': 1, 'file_attributes': {},
            'regions': [
                {'shape_attributes': {'name': 'rect', 'x': x, 'y': y, 'width': w,
                                      'height': h},
                 'region_attributes': {'thing': kind, 'id': kind[0]}}
                for frame, kind, x, y, w, h in ROWS if frame == i
            ],
        }
        for i in range(FRAMES)
    }  # fmt: skip
    return _json(folder / 'via.json', {'_via_img_metadata': images})


def deeplabcut(folder, kind='csv', **options):
    """Write joints of two animals, and a corner that belongs to none."""
    values = np.random.default_rng(0).uniform(1, 99, (FRAMES, 21)).round(2)
    values[:, 2::3] = 0.9
    values[2, -1] = 0
    suffix = {'csv': '.csv'}.get(kind, '.h5')
    path = folder / f'take1DLC_resnet50{suffix}'
    people = options.pop('people', ['ann', 'bob'])
    return trackers.deeplabcut(path, values, kind, people=people, **options), values


ALL = {
    'coco': coco, 'mot': mot, 'yolo': yolo, 'mmdet': mmdet, 'cvat': cvat, 'via': via,
}  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """Write the things in a format."""
    return ALL[name](folder)
