"""An afternoon with two mice: joints of DeepLabCut become labels that two agree on.

The colour that one chooses of a class is that of everything that is made of them.
"""

import numpy as np
from matplotlib.image import imread

from mmskelseg_io.files.video import read_frames
from mmskelseg_studio.loading import load_project
from tests.browser import drawn, marks
from tests.serving import served
from tests.tables import read_table
from tests.test_drawing.pixels import near
from tests.test_page import (
    LABELS,
    PATIENCE,
    eventually,
    go_to,
    is_open,
    is_saved,
    studio,
)
from tests.test_poses.trackers import deeplabcut

pytestmark = marks('starlette', 'av')
PARTS = ('nose', 'neck', 'left_hip', 'right_hip', 'tail_base')
BODY = np.array([[30, 0], [10, 0], [-12, -8], [-12, 8], [-30, 0]])
FPS, FRAMES, BOUT = 30, 240, 60
COLOR = '#c00040'


def film(folder, name, seed):
    """Write the joints of a mouse that rests and stretches in turn, two seconds each.

    They have no rate, as those of DeepLabCut.
    """
    rng = np.random.default_rng(seed)
    stretch = np.where(np.arange(FRAMES) // BOUT % 2, 1.4, 0.8)[:, None, None]
    points = BODY * stretch + [300, 200] + rng.normal(0, 0.5, (FRAMES, 5, 2))
    values = np.concatenate([points, np.full((FRAMES, 5, 1), 0.97)], axis=-1)
    path = folder / f'{name}DLC_resnet50_arenaMay1shuffle1_100000.csv'
    deeplabcut(path, values.reshape(FRAMES, -1).round(2), parts=PARTS)


def add_classes(page, *names):
    for name in names:
        page.locator('#timeline').focus()
        page.keyboard.press('a')
        page.keyboard.type(name)
        page.keyboard.press('Enter')
        page.get_by_role('button', name=f'Edit {name}').wait_for()


def paint(page, name):
    page.get_by_role('button', name=f'Edit {name}').click()
    form = page.get_by_role('form', name=f'Class {name}')
    form.get_by_label('Color').fill(COLOR)
    form.get_by_role('button', name='Save').click()
    is_saved(page)


def label_all(page, bouts, late=0):
    """Label rest and stretching in turn by keys 1 and 2, some frames late."""
    page.locator('#timeline').focus()
    for i in range(bouts):
        go_to(page, i * BOUT + late * (i > 0))
        page.keyboard.press(str(i % 2 + 1))
    page.keyboard.press('End')
    page.keyboard.press(str((bouts - 1) % 2 + 1))
    is_saved(page)


def labels_of(folder, name, file='studio.json'):
    return load_project(folder / file).recordings[name].labels[0]


def hovered_joints(page):
    """Return the names that the mouse finds on its way over the picture."""
    box, found = page.locator('.picture').bounding_box(), set()
    for x in np.linspace(0, box['width'], 60):
        page.mouse.move(box['x'] + x, box['y'] + box['height'] / 2)
        found.add(page.locator('.picture').get_attribute('title') or '')
    return found


def name_under_mouse(page, part):
    """Return the name of the label at a part of the timeline's width."""
    box = page.locator('#timeline').bounding_box()
    page.mouse.move(box['x'] + part * box['width'], box['y'] + LABELS)
    return page.locator('#timeline canvas').get_attribute('title')


def test_afternoon_in_the_studio(tmp_path, run_tool):
    mice = tmp_path / 'mice'
    mice.mkdir()
    for seed, name in enumerate(('m1', 'm2', 'm3')):
        film(mice, name, seed)

    # The page asks what the files do not say, and the rest follows by keys.
    first = served(mice, '--kpt-thr', '0.6', few_steps=True)
    with first as (_, address), studio_asking(address) as page:
        page.get_by_label('Frames per second').fill(str(FPS))
        page.get_by_role('button', name='Open').click()
        page.wait_for_selector('#timeline')
        add_classes(page, 'rest', 'stretch')
        paint(page, 'stretch')
        assert {'nose', 'tail_base'} & hovered_joints(page)
        truth = [(i * BOUT, (i + 1) * BOUT, i % 2) for i in range(4)]
        for name in ('m1', 'm2'):
            is_open(page, name)
            label_all(page, 4)
            assert labels_of(mice, name) == truth
            assert name_under_mouse(page, 0.4) == 'stretch'
            page.keyboard.press('n')
        is_open(page, 'm3')
        page.get_by_label('Minutes').fill('0.1')
        page.get_by_role('button', name='Train', exact=True).click()
        page.get_by_text('The model learnt from').wait_for(timeout=1000 * PATIENCE)

        # What it has learnt from is hatched, and other recordings are not.
        learnt = page.get_by_text('seen in training')
        assert learnt.count() == 0
        page.locator('#timeline').focus()
        page.keyboard.press('p')
        learnt.wait_for()
        page.keyboard.press('n')
        is_open(page, 'm3')

        # A prediction is accepted, and its end corrected.
        page.keyboard.press('Home')
        page.keyboard.press('Enter')
        is_saved(page)
        ((start, end, _),) = labels_of(mice, 'm3')
        go_to(page, end)
        page.keyboard.press('[')
        is_saved(page)
        ((_, corrected, _),) = labels_of(mice, 'm3')
        assert (start, corrected) == (0, end - 1)
        page.locator('summary', has_text='Export').click()
        page.get_by_label('Table of segments (CSV)').check()
        page.reload()
        assert page.get_by_label('Table of segments (CSV)').is_checked()
    made = labels_of(mice, 'm1')

    # The next day, without a flag: all is as it was left.
    with served(mice) as (_, address), studio(address) as page:
        is_open(page, 'm1')
        page.get_by_role('img', name='Skeleton of m1').wait_for()
        page.get_by_text('The model learnt from').wait_for()
        page.locator('summary', has_text='Export').click()
        page.get_by_label('Table of segments (CSV)').check()
        page.get_by_role('button', name='Export').click()
        page.get_by_role('link', name='.csv').first.wait_for()
        assert page.get_by_role('alert').count() == 0
        assert page.faults == []
    assert labels_of(mice, 'm1') == made
    assert load_project(mice / 'studio.json').options == {'fps': FPS, 'kpt_thr': 0.6}

    # A second observer begins with the same classes, sees no labels, and is late.
    with served(mice, '--observer', 'bob') as (_, address), studio(address) as page:
        is_open(page, 'm1')
        assert eventually(page, lambda: page.get_by_text('stretch').count())
        label_all(page, 4, late=2)
        drawn(page)
    ends = [end for _, end, _ in labels_of(mice, 'm1', 'studio.bob.json')]
    assert ends == [62, 122, 182, FRAMES]
    projects = 'mice/studio.json', 'mice/studio.bob.json'
    run_tool('mmskelseg', 'agree', *projects, '--out', 'agreement')
    (row,) = read_table(tmp_path / 'agreement' / 'overall.csv')
    # Six of 240 frames differ, and both halves are as long.
    assert abs(float(row['kappa']) - (1 - 6 / 120)) < 0.01

    # The model segments elsewhere, and the colour is that of every picture and page.
    (model,) = (mice / 'studio' / 'models').iterdir()
    recording = next(mice.glob('m3*.csv'))
    formats = 'json', 'timeline', 'overlay'
    run_tool(
        *('mmskelseg', 'segment', recording, model, '--fps', FPS, '--out', 'out'),
        *('--formats', *formats),
    )
    run_tool('mmskelseg', 'bouts', 'out/segments.json', '--out', 'bouts')
    for page in ('agreement/agreement.html', 'bouts/bouts.html', model / 'report.html'):
        assert COLOR in (tmp_path / page).read_text('utf-8')
    assert near(255 * imread(tmp_path / 'out/timeline.png')[..., :3], COLOR).any()
    frames = read_frames(tmp_path / 'out/overlay.mp4')
    assert any(near(frame[..., ::-1], COLOR, 30).any() for frame in frames)


def studio_asking(address):
    """Return the page of an address, which asks before there is a timeline."""
    return studio(address, '[name=fps]')
