"""A model as one HTML file, which labels poses in a browser as `segment` does."""

import csv
import json

import numpy as np
import pytest

from mmskelseg.commands.share import main as share
from mmskelseg.export.export import export_onnx
from mmskelseg_io.labels.boris import read_boris_events
from mmskelseg_io.poses.deeplabcut import read_deeplabcut
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime import OnnxSegmenter
from mmskelseg_runtime.decoding import decode
from mmskelseg_runtime.page import FOLDER
from tests.browser import drawn, launched, marks, opened
from tests.errors import raises_naming
from tests.small_data import save_poses, small_annotations
from tests.test_pages import FAULTS, FOLD
from tests.test_segmenting.conftest import META, SMALL, make_config

JOINTS = Skeleton.get('coco17').joints
ORDER = {
    'type': 'ActionOrder', 'frames': 5, 'background': 3, 'cost': 0.5,
    'follows': [[0, 9, 0, 1], [0, 0, 9, 1], [9, 0, 0, 1], [1, 1, 1, 0]],
}  # fmt: skip
STEPS = [{'type': 'MinDuration', 'frames': 3}, ORDER]


@pytest.fixture(scope='module')
def model(save, tmp_path_factory):
    """An exported model of COCO's joints, of random weights, with post-processing."""
    branches = {'pose2d': {**SMALL, 'in_channels': 4 * len(JOINTS)}}
    cfg = make_config('recipes/uwiom_pose2d.py', branches, postprocess=STEPS[:1])
    rows = walk(200)
    video = {
        **small_annotations([200])['annotations'][0],
        'keypoint': rows[..., :2],
        'keypoint_score': rows[..., 2],
    }
    meta = {**META, 'skeleton': 'coco17', 'kpt_thr': 0.3}
    file = tmp_path_factory.mktemp('exported') / 'model.onnx'
    export_onnx(cfg, save(cfg, meta=meta, video=video, seed=8), file)
    return file


@pytest.fixture(scope='module')
def page_file(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp('page')
    rows = walk(90)
    sample = save_deeplabcut(folder / 'sample.csv', rows)
    share([str(model), '--page', str(folder / 'm.html'), '--sample', str(sample)])
    return folder / 'm.html'


def walk(frames, people=1, seed=0):
    """Return x, y and score (M, T, 17, 3) of people who move, with missing joints."""
    rng = np.random.default_rng(seed)
    body = rng.normal([320, 240], 60, (people, 1, 17, 2))
    body = body + 900 * np.arange(people)[:, None, None, None]
    moved = body + rng.normal(0, 9, (people, frames, 17, 2)).cumsum(1)
    score = rng.uniform(0.1, 1, (people, frames, 17, 1))
    return np.concatenate([moved, score], -1).round(3)


def save_deeplabcut(path, rows, joints=JOINTS, who=('animal',)):
    """Write joints (M, T, V, 3) as DeepLabCut does; return the path."""
    heads = [(w, j, c) for w in who for j in joints for c in ('x', 'y', 'likelihood')]
    owners, parts, axes = zip(*heads, strict=True)
    own = {'individuals': owners} if len(who) > 1 else {}
    table = {'scorer': ['DLC'] * len(heads), **own, 'bodyparts': parts, 'coords': axes}
    cells = rows.swapaxes(0, 1).reshape(rows.shape[1], -1)
    with path.open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerows([key, *values] for key, values in table.items())
        writer.writerows([t, *row] for t, row in enumerate(cells))
    return path


def save_wide(path, rows):
    """Write joints as SLEAP's CSV; a track is absent while none of it is seen."""
    header = ['track', 'frame_idx', 'instance.score']
    header += [f'{joint}.{key}' for joint in JOINTS for key in ('x', 'y', 'score')]
    lines = [
        [f'track_{m}', t, 1, *rows[m, t].ravel()]
        for t in range(rows.shape[1])
        for m in range(len(rows))
    ]
    with path.open('w', newline='') as file:
        csv.writer(file).writerows([header, *lines])
    return path


def save_mediapipe(path, rows):
    names = [*range(33)]
    places = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
    frames = []
    for frame in rows[0]:
        points = [{'x': 0.5, 'y': 0.5, 'visibility': 1} for _ in names]
        for at, (x, y, score) in zip(places, frame.tolist(), strict=True):
            points[at] = {'x': x / 640, 'y': y / 480, 'visibility': score}
        frames.append({'pose_landmarks': points})
    path.write_text(json.dumps({'width': 640, 'height': 480, 'frames': frames}))
    return path


def save_openpose(folder, rows):
    """Write joints as a file for each frame, people in any order, without ids."""
    layout = Skeleton.get('openpose_coco18').joints
    columns = [layout.index(joint) for joint in JOINTS]
    folder.mkdir()
    for t in range(rows.shape[1]):
        people = np.ones((len(rows), 18, 3)) * [300, 200, 1]
        people[:, columns] = rows[:, t]
        order = [*range(len(rows))][:: 1 - 2 * (t % 3 == 0)]
        people = [{'pose_keypoints_2d': people[m].ravel().tolist()} for m in order]
        file = folder / f'take_{t:012d}_keypoints.json'
        file.write_text(json.dumps({'people': people}))
    return folder


def label(page, files, fps=None):
    """Give files to the page; return rows of the CSV that it saves."""
    page.set_input_files('input[type=file]', files)
    drawn(page)
    page.wait_for_selector('.ask input, .saving, [role=alert]')
    if fps and page.query_selector('.ask'):
        page.fill('.ask input', str(fps))
        page.click('.ask button')
    page.wait_for_selector('.saving, [role=alert]')
    assert page.query_selector('[role=alert]') is None
    with page.expect_download() as saved:
        page.click('text=Save as CSV')
    with saved.value.path().open(newline='') as file:
        return [(r['start'], r['end'], r['label']) for r in csv.DictReader(file)]


def expected(model, source, fps):
    (found,) = OnnxSegmenter(model, show_progress=False)(str(source), fps=fps)[
        'predictions'
    ]
    return [
        (f'{s["start"]:.6f}', f'{s["end"]:.6f}', s['label']) for s in found['segments']
    ]


SAVED = {
    'deeplabcut': lambda path: save_deeplabcut(path / 'a.csv', walk(150)),
    'animals': lambda path: save_deeplabcut(
        path / 'a.csv', walk(90, 2), who=('one', 'two')
    ),
    'sleap': lambda path: save_wide(path / 'a.csv', walk(90, 2)),
    'mediapipe': lambda path: save_mediapipe(path / 'a.json', walk(90)),
    'openpose': lambda path: save_openpose(path / 'take', walk(90, 2)),
}


@pytest.fixture(scope='module')
def page(page_file):
    """The page, opened from its folder."""
    with launched(), opened(page_file.as_uri(), 'h1') as opening:
        yield opening


class TestPage:
    pytestmark = marks()

    @pytest.mark.parametrize('kind', SAVED)
    def test_page_labels_files_of_trackers_as_segment_does(
        self, model, page, page_file, kind, tmp_path
    ):
        """At the rate of the training and another; nothing is asked of a network."""
        path = SAVED[kind](tmp_path)
        files = sorted(path.iterdir()) if path.is_dir() else path
        for fps in (10, 25):
            found = label(page, files, fps)
            assert found == expected(model, path, fps)
            assert len(found) > 1
        own = page_file.as_uri()
        assert all(url == own or url.startswith('blob:') for url in page.asked)
        assert page.faults == []

    def test_arrays_state_their_rate_and_any_individual_can_be_labelled(
        self, model, page, tmp_path
    ):
        rows = walk(120, 2)
        rows[1, :20] = 0
        video = {
            'keypoint': np.asfortranarray(rows[..., :2]),
            'keypoint_score': rows[..., 2],
        }
        path = save_poses(tmp_path / 'a.npz', {**video, 'fps': 10, 'img_shape': (9, 9)})
        segment = OnnxSegmenter(model, show_progress=False)
        assert label(page, path) == expected(model, path, 10)
        page.select_option('text=Individual', '1')
        page.wait_for_selector('text=nobody is seen in 20 of 120 frames')
        page.wait_for_selector('.saving')
        with page.expect_download() as saved:
            page.click('text=Save for BORIS')
        assert saved.value.suggested_filename == 'a_1_boris_events.csv'
        copy = tmp_path / 'events.csv'
        saved.value.save_as(copy)
        (read,) = read_boris_events(copy)
        (found,) = segment(str(path), person='1')['predictions']
        assert [(one.start, one.end, one.label) for one in read.segments] == [
            (round(s['start'], 3), round(s['end'], 3), s['label'])
            for s in found['segments']
        ]

    def test_file_that_comes_while_another_is_labelled_is_labelled_next(
        self, model, page, tmp_path
    ):
        first = save_deeplabcut(tmp_path / 'first.csv', walk(4000))
        second = save_deeplabcut(tmp_path / 'second.csv', walk(60, seed=3))
        page.set_input_files('input[type=file]', first)
        page.wait_for_selector('.ask input')
        page.fill('.ask input', '10')
        page.click('.ask button')
        page.wait_for_selector('.progress')
        assert label(page, second, 10) == expected(model, second, 10)

    def test_sample_is_one_click_away(self, model, page, page_file):
        page.click('text=Try sample.csv')
        page.fill('.ask input', '10')
        page.click('.ask button')
        page.wait_for_selector('.saving')
        count = len(expected(model, page_file.parent / 'sample.csv', 10))
        assert f'{count} segments' in page.inner_text('.saving')

    @pytest.mark.parametrize(
        ('name', 'text', 'words'),
        [
            ('a.h5', 'x', ['a.h5', 'export CSV']),
            ('a.csv', 'scorer,a\nbodyparts,b\ncoords,x\n0,1\n', ['a.csv', 'no y of']),
            ('a.csv', 'frame,ear_x,ear_y\n0,10,20\n', ['a', 'nose', 'ear']),
            ('a.csv', 'frame,nose_x,nose_y\n0,1,lots\n', ['a.csv', 'row 2', 'lots']),
            ('a.csv', 'frame,nose_x,nose_y\n-1,1,2\n', ['a.csv', 'row 2', '-1']),
            ('a.json', '{"frames": [[{"x": 1}]]}', ['a.json', 'entry 0', '33']),
            ('a.json', '{', ['a.json', 'JSON']),
            ('a.npz', 'PK', ['a.npz', 'npz']),
        ],
    )
    def test_fault_in_a_file_is_named(self, page, name, text, words, tmp_path):
        (tmp_path / name).write_text(text)
        page.set_input_files('input[type=file]', tmp_path / name)
        drawn(page)
        page.wait_for_selector('.ask, [role=alert]')
        if page.query_selector('.ask'):
            page.fill('.ask input', '10')
            page.click('.ask button')
        said = page.inner_text('[role=alert]')
        assert all(word in said for word in words), said

    def test_steps_give_the_labels_of_python(self, page):
        """On random probabilities that change from one frame to the next, or seldom."""
        rng = np.random.default_rng(0)
        kinds = [
            STEPS, [ORDER], [{**ORDER, 'background': None}],
            [{'type': 'CausalMinDuration', 'frames': 5}],
            [{'type': 'BoundaryRefinement', 'threshold': 0.6}],
            [{'type': 'MinDuration', 'frames': 30}],
        ]  # fmt: skip
        run = """async ([score, steps, boundary]) => {
          const { decode } = await import('page/decoding.js')
          const rows = score.map((row) => Float32Array.from(row))
          return [...decode(rows, steps, boundary)]
        }"""
        for trial in range(30):
            steps, frames = kinds[trial % len(kinds)], int(rng.integers(1, 120))
            held = np.repeat(rng.random((4, frames)), 1 + trial % 4, axis=1)
            score = (held + 0.2 * rng.random(held.shape)).astype(np.float32)
            score /= score.sum(0)
            boundary = rng.random(score.shape[1]).astype(np.float32)
            given = {'pred_score': score, 'pred_boundary': boundary}
            labels = decode(given, None, [steps])['pred_label'].tolist()
            found = page.evaluate(run, [score.tolist(), steps, boundary.tolist()])
            assert found == labels, (steps, trial)

    def test_page_fits_and_is_legible(self, page):
        """Empty, while it asks for the frame rate, and with segments."""
        begin = "() => document.querySelector('.drop button').click()"
        for width in (360, 400, 800, 1280, 1600):
            page.set_viewport_size({'width': width, 'height': 800})
            for theme in ('light', 'dark'):
                page.emulate_media(color_scheme=theme)
                page.evaluate(begin)
                drawn(page)
                page.wait_for_selector('.ask')
                page.evaluate(FOLD, True)
                assert page.evaluate(FAULTS) == []
                page.fill('.ask input', '10')
                page.click('.ask button')
                page.wait_for_selector('.saving')
                assert page.evaluate(FAULTS) == []


def test_page_needs_a_model_that_reads_keypoints_in_2d(export, recipe, tmp_path):
    config = make_config('recipes/uwiom_pose3d.py', {'pose3d': SMALL})
    _, in_3d = export(config)
    _, features = export(
        make_config('recipes/uwiom_pose2d.py', {'pose2d': SMALL}), inputs='features'
    )
    page = tmp_path / 'a.html'
    for model, word in ((in_3d, '3D'), (features, 'features')):
        with raises_naming(SystemExit, 'model', word):
            share([str(model), '--page', str(page)])
    with raises_naming(SystemExit, 'take1.h5', '.csv'):
        share([str(recipe[1]), '--page', str(page), '--sample', 'take1.h5'])
    assert not page.exists()


def test_page_holds_what_its_parts_are(page_file):
    """Each module is there, and nothing in it lies elsewhere."""
    text = page_file.read_text('utf-8')
    for file in FOLDER.glob('*.js'):
        if file.name not in ('worker.js', 'played.js'):
            assert f'page/{file.name}' in text
    assert read_deeplabcut(page_file.parent / 'sample.csv').keypoint.shape[1] == 90
    assert 'http-equiv="Content-Security-Policy"' in text
