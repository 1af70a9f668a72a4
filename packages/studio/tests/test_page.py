"""The page as a person uses it, in a browser without a screen."""

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import pytest

from mmskelseg_io.commands.convert import main as convert
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_ethogram,
    read_segments,
    write_boris,
)
from mmskelseg_io.places import read_places
from mmskelseg_io.structures.segments import to_segments
from mmskelseg_studio.ethogram import LabelClass
from mmskelseg_studio.loading import load_project
from tests.browser import drawn, launched, marks, opened
from tests.clips import write_video
from tests.conftest import (
    add_class,
    project_of,
    save_labels,
    save_people,
    trained,
)
from tests.errors import assert_names
from tests.serving import served
from tests.small_data import save_poses, small_annotations

pytestmark = marks('starlette', 'av')
IGNORE = '--ignore-labels'
# Where the labels of the only tier are, below the top of the timeline, in pixels.
LABELS = 105
# Where they begin, behind the names of rows.
LEFT = "import('./shared/drawing.js').then(({ layout }) => layout().gutter)"
# What finds the buttons that something else lies over, wherever the page is scrolled.
COVERED = """() => [...document.querySelectorAll('button')].filter((button) => {
  button.scrollIntoView({ block: 'end' })
  const { left, top, width, height } = button.getBoundingClientRect()
  const found = document.elementFromPoint(left + width / 2, top + height - 3)
  return button.checkVisibility() && !button.contains(found)
}).map((button) => button.textContent)"""
# What opens the form of the first class, goes to a field of it at once, and tells
# which field has the focus after a while.
OTHER_FIELD = """async () => {
  document.querySelector('button.plain[aria-expanded]').click()
  await Promise.resolve()
  document.querySelector('.editor [name=key]').focus()
  await new Promise((resolve) => setTimeout(resolve, 300))
  return document.activeElement.name
}"""
# Seconds that a training may take on a busy machine.
PATIENCE = 240


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    """Three recordings of PRECOG-16, each of another person, with their labels."""
    folder = tmp_path_factory.mktemp('precog')
    convert(['precog', str(folder / 'all')], 'mmskelseg convert')
    data = load_annotations(folder / 'all' / 'annotations.pkl')
    names = ['Seq1_01', 'Seq1_02', 'Seq1_03']
    data['annotations'] = [v for v in data['annotations'] if v['frame_dir'] in names]
    data['split'] = {'train': names}
    save_annotations(data, folder / 'three' / 'annotations.pkl')
    return folder / 'three'


@pytest.fixture(scope='module', autouse=True)
def one_browser():
    """Let all tests use the same one, each in a context of its own."""
    with launched():
        yield


def toured(address):
    """Return what a browser keeps in which the page has shown its tour."""
    kept = [{'name': 'toured', 'value': 'true'}]
    origin = {'origin': address[: address.index('/', 8)], 'localStorage': kept}
    return {'cookies': [], 'origins': [origin]}


def studio(address, selector='#timeline'):
    size = {'width': 1280, 'height': 800}
    return opened(address, selector, viewport=size, storage_state=toured(address))


@contextmanager
def labelling(folder, *flags):
    """Open the page of a folder, which should have no fault until it is closed."""
    with served(folder, *flags) as (_, address), studio(address) as page:
        yield page
        assert page.faults == []


def go_to(page, frame):
    """Move the playhead to a frame by keys alone."""
    page.keyboard.press('Home')
    for _ in range(frame // 30):
        page.keyboard.press('Shift+ArrowRight')
    for _ in range(frame % 30):
        page.keyboard.press('ArrowRight')


# What the answer to an earlier edit does, before the page is drawn again.
ANSWERED = """import('./state.js').then(({ state }) => {
  state.recording.labels = structuredClone(state.recording.labels)
})"""


def delayed(route):
    """Answer a request after a while."""
    time.sleep(0.5)
    route.continue_()


def is_saved(page):
    drawn(page)
    page.get_by_text('saved', exact=True).wait_for()


def eventually(page, holds):
    """Return whether something holds, once the page has drawn what changed."""
    for _ in range(100):
        if holds():
            return True
        page.wait_for_timeout(100)
    return False


def is_open(page, name):
    page.locator('[aria-current=true]', has_text=name).wait_for()


def labelled(folder, name):
    return load_project(folder / 'studio.json').recordings[name].labels[0]


def test_person_labels_trains_corrects_and_takes_away(recordings):
    """Recordings by keys, a training, uncertainty, a boundary, a kill, exports."""
    truth = {
        video['frame_dir']: to_segments(video['label'])
        for video in load_annotations(recordings / 'annotations.pkl')['annotations']
    }
    with (
        served(recordings, IGNORE, few_steps=True) as (process, address),
        studio(address) as page,
    ):
        page.locator('#timeline').focus()
        is_open(page, 'Seq1_01')
        # Keys that are pressed while the next recording is loaded are for that one.
        page.route('**/api/recordings/1', delayed)
        for name in ('Seq1_01', 'Seq1_02'):
            for start, _, kind in truth[name]:
                go_to(page, start)
                page.keyboard.press(str(kind + 1))
            page.keyboard.press('End')
            page.keyboard.press(str(truth[name][-1][2] + 1))
            is_open(page, name)
            is_saved(page)
            assert labelled(recordings, name) == truth[name]
            page.keyboard.press('n')
        is_open(page, 'Seq1_03')
        minutes = page.get_by_label('Minutes')
        # Those that suit what is labelled.
        assert minutes.get_attribute('placeholder') == '3'
        # Too few for any training, which is no reason to refuse one.
        minutes.fill('0.01')
        page.get_by_role('button', name='Train').click()
        page.get_by_text('Preview: predictions').wait_for(timeout=1000 * PATIENCE)
        page.get_by_text('The model learnt from').wait_for(timeout=1000 * PATIENCE)
        page.get_by_text('Preview: predictions').wait_for(state='hidden')
        page.get_by_role('link', name='Report of the model').wait_for()

        # What is accepted becomes labels, and nothing else does.
        assert labelled(recordings, 'Seq1_03') == []
        page.get_by_text('Uncertain segments:').wait_for()
        page.locator('#timeline').focus()
        page.keyboard.press('Tab')
        page.get_by_text('To check').wait_for()
        page.keyboard.press('Enter')
        is_saved(page)
        accepted = labelled(recordings, 'Seq1_03')
        assert len(accepted) == 1
        page.keyboard.press('Shift+Enter')
        is_saved(page)
        page.locator('.line', has_text=re.compile('Checked|No uncertain')).wait_for()

        # A boundary is dragged, and back again.
        drag_first_boundary(page, recordings, 'Seq1_01')
        moved = labelled(recordings, 'Seq1_01')
        assert moved[0][1] == moved[1][0] != truth['Seq1_01'][0][1]
        page.keyboard.press('Control+z')
        is_saved(page)
        assert labelled(recordings, 'Seq1_01') == truth['Seq1_01']
        page.keyboard.press('Control+y')
        is_saved(page)
        assert labelled(recordings, 'Seq1_01') == moved
        assert page.faults == []
        assert all(url.startswith(address) or url[:5] == 'data:' for url in page.asked)
        # Two programs would overwrite each other's labels.
        words = [sys.executable, '-m', 'mmskelseg', 'studio', str(recordings)]
        second = subprocess.run(
            [*words, '--no-browser'], capture_output=True, text=True
        )
        assert second.returncode == 1
        assert f'error: {recordings}: ' in second.stderr
        process.kill()
        process.join()

    with served(recordings, IGNORE) as (_, address), studio(address) as page:
        assert labelled(recordings, 'Seq1_01') == moved
        page.get_by_text('The model learnt from').wait_for()
        page.locator('summary', has_text='Export').click()
        for title in ('BORIS project', 'ELAN, a file for each recording'):
            page.get_by_label(title).check()
        page.get_by_role('button', name='Export').click()
        page.get_by_role('link', name='labels_segments.boris').wait_for()
        classes = load_annotations(recordings / 'annotations.pkl')['metainfo'][
            'classes'
        ]
        with page.expect_download() as download:
            page.get_by_role('link', name='Seq1_01_labels.eaf').click()
        project = recordings / 'studio' / 'files' / 'labels_segments.boris'
        videos = {video.name: video for video in read_segments(project)}
        (elan,) = read_segments(renamed(download.value.path(), recordings))
        for video in (videos['Seq1_01'], elan):
            found = [
                (round(s.start * 30), round(s.end * 30), classes.index(s.label))
                for s in video.segments
            ]
            assert found == moved
        # On a small screen, too, every button can be clicked.
        page.set_viewport_size({'width': 800, 'height': 800})
        assert page.evaluate(COVERED) == []
        # The name of a class is typed, and keys are those of the timeline again.
        page.locator('#timeline').focus()
        page.keyboard.press('a')
        page.keyboard.type('jump')
        page.keyboard.press('Enter')
        page.locator('#timeline:focus').wait_for()
        page.get_by_role('button', name='Edit jump').wait_for()


def lab_ethogram(folder):
    """Write an ethogram of BORIS without observations, outside of the recordings."""
    behaviors = [
        ('groom', 'm', '#00AA00', 'licks its fur'),
        ('rear', 'Space', '#cc00cc', ''),
        ('lift', 'l', '', ''),
    ]
    content = {
        'behaviors_conf': {
            str(i): {'type': 'State event', 'code': code, 'key': key, 'color': color,
                     'description': text}
            for i, (code, key, color, text) in enumerate(behaviors)
        },
        'observations': {},
    }  # fmt: skip
    path = folder / 'studio' / 'lab.boris'
    path.write_text(json.dumps(content))
    return path


def test_ethogram_is_edited_by_keys(tmp_path):
    """Classes get keys, colours and places, are deleted and come back; tiers."""
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    with labelling(tmp_path) as page:

        def project():
            is_saved(page)
            return load_project(tmp_path / 'studio.json')

        def form(name):
            page.get_by_role('button', name=f'Edit {name}').click()
            return page.get_by_role('form', name=f'Class {name}')

        # Faster than the server answers.
        page.keyboard.type('awalk\nalift\nasit\n')
        page.get_by_role('button', name='Edit sit').wait_for()
        # Faster than the page is drawn.
        assert page.evaluate(OTHER_FIELD) == 'key'
        page.keyboard.press('Escape')
        given = {'Name': 'go', 'Key': 's', 'Color': '#ff0000', 'Group': 'posture'}
        fields = form('walk')
        for label, value in {**given, 'Description': 'on foot'}.items():
            fields.get_by_label(label).fill(value)
        # Who is in the next form before the first one is closed stays there.
        held = []
        page.route('**/api/recordings/0', lambda route: held.append(route), times=1)
        page.keyboard.press('Enter')
        page.get_by_role('button', name='Edit go').wait_for()
        fields = form('lift')
        fields.get_by_label('Group').focus()
        held.pop().continue_()
        page.get_by_text('saved go').wait_for()
        assert page.locator(':focus').get_attribute('name') == 'group'
        fields.get_by_label('Move up').click()
        page.get_by_text('moved lift').wait_for()
        page.keyboard.press('Escape')
        form('lift').get_by_label('Key').fill('L')
        page.keyboard.press('Enter')
        page.get_by_text('saved lift').wait_for()
        lift, go, sit = project().tiers[0].classes
        assert go == LabelClass(0, 'go', 's', '#ff0000', 'on foot', 'posture')
        assert (lift, sit) == (LabelClass(1, 'lift', 'L'), LabelClass(2, 'sit'))
        # The key is the class's, and the deed's with Alt.
        for key, frame in (('s', 20), ('s', 5), ('Alt+s', 0)):
            page.keyboard.press(key)
            go_to(page, frame)
        project()
        assert labelled(tmp_path, 'take') == [(0, 5, 0), (5, 20, 0)]
        form('sit').get_by_label('Key').fill('p')
        page.keyboard.press('Enter')
        page.get_by_text('saved sit').wait_for()
        page.keyboard.press('?')
        page.get_by_text('N Alt P', exact=True).wait_for()
        page.keyboard.press('?')
        asked = []
        page.on('dialog', lambda box: (asked.append(box.message), box.accept()))
        form('go').get_by_role('button', name='Delete').click()
        page.get_by_text('deleted go').wait_for()
        assert '“go” has 2 labels' in asked[0]
        assert project().segments('take').segments == []
        page.keyboard.press('Control+z')
        page.get_by_text('undone: a change of the classes').wait_for()
        assert len(project().segments('take').segments) == 2
        page.get_by_text('Tiers', exact=True).click()
        page.get_by_label('Name of a new tier').fill('gaze')
        page.keyboard.press('Enter')
        page.get_by_text('added the tier gaze').wait_for()
        assert [*project().classes] == ['actions', 'gaze']
        # A third of the first tier, and nothing of the new one, which is open.
        page.get_by_text('17 % labelled').wait_for()
        page.get_by_label('Name of this tier').fill('looks')
        page.keyboard.press('Enter')
        page.get_by_text('renamed the tier looks').wait_for()
        # Labels of a tier that is undone are listed as well.
        page.keyboard.type('athere\n')
        page.get_by_role('button', name='Edit there').wait_for()
        for key in ('Home', '1', 'End', '1'):
            page.keyboard.press(key)
        is_saved(page)
        page.get_by_text('History').click()
        page.locator('.history li', has_text='nothing → there').wait_for()
        for _ in range(4):
            page.get_by_role('button', name='Undo Ctrl Z').click()
        page.locator('.history li', has_text='nothing → class 0').wait_for()
        # A key marks a moment from any tier, and takes it back.
        page.get_by_label('Kind').select_option('moments')
        page.get_by_label('Name of a new tier').fill('events')
        page.keyboard.press('Enter')
        page.get_by_text('added the tier events').wait_for()
        page.keyboard.type('abite\n')
        page.get_by_role('button', name='Edit bite').wait_for()
        form('bite').get_by_label('Key').fill('b')
        page.keyboard.press('Enter')
        page.get_by_text('saved bite').wait_for()
        page.keyboard.press('ArrowUp')
        for frame in (3, 7):
            go_to(page, frame)
            page.keyboard.press('b')
        page.keyboard.press('b')
        assert [s.start for s in project().segments('take').segments if s.is_point] == [
            0.3
        ]
        # An empty tier is added and removed, a lab's ethogram imported and exported.
        delete = page.get_by_role('button', name='Delete tier')
        assert eventually(page, delete.is_disabled)
        page.get_by_label('Name of a new tier').fill('else')
        page.keyboard.press('Enter')
        page.get_by_text('added the tier else').wait_for()
        delete.click()
        page.get_by_text('deleted the tier else').wait_for()
        assert len(project().tiers) == 2
        page.get_by_label('Classes').locator('select').first.select_option('actions')
        page.get_by_text('Import classes', exact=True).click()
        page.get_by_label('File of classes').set_input_files(lab_ethogram(tmp_path))
        page.get_by_text('added the classes of lab.boris').wait_for()
        drawn(page)
        notes = page.get_by_label('Notes on the file').locator('li').all_text_contents()
        assert_names(notes[0], "key 'Space' of 'rear'")
        assert_names(notes[1], "'lift'", "'l'", "'L'")
        rear = page.get_by_role('button', name='rear', exact=False).first
        style = partial(rear.locator('i').get_attribute, 'style')
        assert eventually(page, lambda: style() == 'background: rgb(204, 0, 204);')
        page.locator('summary', has_text='Export').click()
        page.get_by_label('BORIS project').check()
        page.get_by_role('button', name='Export').click()
        page.get_by_role('link', name='labels_segments.boris').wait_for()
        stated = read_ethogram(tmp_path / 'studio' / 'files' / 'labels_segments.boris')
        found = {one.name: (one.key, one.color, one.description) for one in stated}
        assert found['go'] == ('s', '#ff0000', 'on foot')
        assert found['groom'] == ('m', '#00aa00', 'licks its fur')
        assert found['rear'][1:] == ('#cc00cc', '')
        # Without a colour of its own, that which the page shows.
        assert found['bite'] == ('b', '#d55e00', '')


def test_times_are_typed_in_the_list_of_segments(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    with labelling(tmp_path) as page:
        page.keyboard.type('awalk\nalift\n')
        page.get_by_role('button', name='Edit lift').wait_for()
        for key, frame in (('1', 10), ('2', 20), ('2', 0)):
            page.keyboard.press(key)
            go_to(page, frame)
        page.get_by_text('2 segments').click()

        def type_in(field, words):
            page.get_by_label(field).fill(words)
            page.keyboard.press('Enter')
            is_saved(page)
            return labelled(tmp_path, 'take')

        def row(name):
            return table.get_by_role('row', name=name).inner_text().split('\t')

        page.get_by_text('Statistics of classes').click()
        table = page.locator('details', has_text='Statistics').get_by_role('table')
        half = ['1', '0:01.0', '0:01.0', '1', '0:01.0', '50 %']
        assert eventually(page, lambda: row('walk') == ['walk', *half])
        # Segments that touch share a boundary.
        field = 'End of walk at 0:00.00'
        assert type_in(field, '1,5') == [(0, 15, 0), (15, 20, 1)]
        focus = partial(page.locator(':focus').get_attribute, 'aria-label')
        assert eventually(page, lambda: focus() == field)
        assert type_in('End of lift', '0:04') == [(0, 15, 0), (15, 40, 1)]
        half = ['0:01.5', '0:01.5', '1', '0:01.5', '38 %']
        assert eventually(page, lambda: row('walk')[2:] == half)
        for words, said in (('0:09', 'to 0:03.90, and no'), ('x', 'is no time')):
            assert type_in(field, words) == [(0, 15, 0), (15, 40, 1)]
            page.get_by_text(said).wait_for()
            assert page.get_by_label(field).input_value() == '0:01.500'
        page.get_by_role('button', name='Undo').click()
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(0, 15, 0), (15, 20, 1)]
        page.get_by_text('History').click()
        steps = page.locator('.history li')
        for i, words in enumerate(('undone: ', 'walk, lift → walk, lift', 'nothing →')):
            steps.nth(i).get_by_text(words).wait_for()
        steps.nth(2).get_by_text('Undo to here').click()
        page.get_by_text('undone from 0:01.00 to 0:02.00: nothing → lift').wait_for()
        assert labelled(tmp_path, 'take') == [(0, 10, 0)]
        steps.nth(1).get_by_text('Redo to here').click()
        page.get_by_text('redone from 0:00.00 to 0:02.00').wait_for()
        assert labelled(tmp_path, 'take') == [(0, 15, 0), (15, 20, 1)]


def test_predictions_of_a_confidence_are_accepted(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    file = trained(tmp_path) / 'predictions.json'
    project = load_project(tmp_path / 'studio.json')
    add_class(project, 'walk')
    row = [[0, 20, 0, 0.896], [20, 40, 0, 0.4], [40, 60, 0, 0.95]]
    doubt = {'video': 'take', 'start_frame': 30, 'end_frame': 45}
    doubt |= {'score': 1.0, 'reason': 'rare'}
    file.write_text(json.dumps({'recordings': {'take': [row]}, 'doubts': [doubt]}))
    with labelling(tmp_path) as page:
        confidence = page.get_by_label('Confidence in percent')
        confidence.fill('91')
        page.keyboard.press('Enter')
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(40, 60, 0)]
        # As it is rounded on the page.
        confidence.fill('90')
        page.get_by_role('button', name='Accept from').click()
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(0, 20, 0), (40, 60, 0)]
        page.keyboard.press('Control+z')
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(40, 60, 0)]
        # Of a predicted segment, what is to be checked.
        page.get_by_text('Uncertain segments:').wait_for()
        page.keyboard.press('Tab')
        page.get_by_text('To check').wait_for()
        page.keyboard.press('Enter')
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(30, 60, 0)]


def test_recordings_are_found_by_name_and_labels(tmp_path):
    for name in ('rat1', 'mouse', 'rat2'):
        save_poses(tmp_path / f'{name}.npz', small_annotations()['annotations'][0])
    with labelling(tmp_path) as page:
        listed = page.get_by_label('Recordings', exact=True).locator('b')

        def shown(*names):
            for i, name in enumerate(names):
                listed.nth(i).get_by_text(name).wait_for()
            return eventually(page, lambda: listed.count() == len(names))

        page.keyboard.type('awalk\n')
        page.get_by_role('button', name='Edit walk').wait_for()
        page.keyboard.type('/RAT')
        assert shown('rat1', 'rat2')
        page.keyboard.press('Enter')
        is_open(page, 'rat1')
        for key in ('1', 'End', '1', 'n'):
            page.keyboard.press(key)
        is_open(page, 'rat2')
        page.keyboard.press('n')
        page.get_by_text('no later recording is listed').wait_for()
        is_saved(page)
        page.get_by_label('Which recordings').select_option('without labels')
        assert shown('rat2')
        page.keyboard.press('/')
        page.keyboard.press('Delete')
        assert shown('mouse', 'rat2')
        page.set_viewport_size({'width': 800, 'height': 800})
        assert page.evaluate(COVERED) == []


def test_gaps_are_found_and_labelled(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    with labelling(tmp_path) as page:
        is_open(page, 'take')
        held = []
        page.route('**/api/recordings/0', lambda route: held.append(route))
        page.keyboard.type('awalk\n')
        page.get_by_role('button', name='Edit walk').wait_for()
        # Later, it would cover what is said of the next key.
        page.get_by_text('added walk').wait_for()
        assert eventually(page, lambda: held)
        held[0].continue_()
        page.unroute('**/api/recordings/0')
        page.get_by_label('Speed').select_option('4')
        page.locator('#timeline').focus()
        page.keyboard.press('.')
        speed = page.get_by_label('Speed').input_value
        assert eventually(page, lambda: speed() == '4')
        for frame in (10, 20):
            go_to(page, frame)
            page.keyboard.press('1')
        # Behind the last gap comes the first one again.
        for start in ('0:00.00', '0:02.00'):
            page.keyboard.press('u')
            page.get_by_text(f'no label from {start}').wait_for()
        page.keyboard.press('Shift+U')
        page.get_by_text('no label from 0:00.00 to 0:01.00').wait_for()
        page.keyboard.press('g')
        page.keyboard.press('1')
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(0, 20, 0)]


def test_notes_are_written_and_stay_with_segments(tmp_path):
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    segments = [
        Segment(0, 2, 'walk', modifiers='slow', comment='limps'),
        Segment(2, 4, 'walk'),
        Segment(2.5, 2.5, 'call', modifiers='loud'),
    ]
    write_boris(
        tmp_path / 'a.boris', [VideoSegments('take', segments, 10, 60)], ['walk']
    )
    with labelling(tmp_path) as page:

        def note(what, was, comment):
            page.keyboard.press('g')
            form = page.get_by_role('form', name=f'Note on {what}')
            assert form.get_by_label('Modifiers').input_value() == was
            form.get_by_label('Comment').fill(comment)
            page.evaluate(ANSWERED)
            page.keyboard.press('Enter')
            page.locator('#timeline:focus').wait_for()
            is_saved(page)

        assert page.get_by_label('Comment').count() == 0
        note('walk at 0:00.00', 'slow', 'limps badly')
        first, turns = ('slow', 'limps badly'), ('slow', 'turns')
        # What is labelled again within a segment of its class stays a part of it.
        page.keyboard.press('Escape')
        for key, frame in (('i', 5), ('o', 8)):
            go_to(page, frame)
            page.keyboard.press(key)
        page.keyboard.press('1')
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(0, 20, 0, first), (20, 40, 0)]
        go_to(page, 10)
        page.keyboard.press('s')
        page.keyboard.press(']')
        go_to(page, 15)
        note('walk at 0:01.10', 'slow', 'turns')
        parts = [(0, 11, 0, first), (11, 20, 0, turns), (20, 40, 0)]
        assert labelled(tmp_path, 'take') == parts
        page.keyboard.press('m')
        go_to(page, 0)
        page.keyboard.press('m')
        page.get_by_text('“slow; turns” of the second is left out').wait_for()
        is_saved(page)
        assert labelled(tmp_path, 'take') == [(0, 40, 0, first)]
        for _ in range(2):
            page.keyboard.press('Control+z')
        is_saved(page)
        assert labelled(tmp_path, 'take') == parts
        # A moment has no parts.
        page.keyboard.press('ArrowDown')
        for name in ('Split', 'Merge'):
            button = page.get_by_role('button', name=name)
            assert eventually(page, button.is_disabled)
        go_to(page, 25)
        page.keyboard.press(']')
        page.get_by_text('a moment has no boundaries').wait_for()
        note('call at 0:02.50', 'loud', 'far')
        project = load_project(tmp_path / 'studio.json')
        assert project.recordings['take'].labels[1] == [(25, 26, 0, ('loud', 'far'))]


def test_files_that_appear_later_are_offered(tmp_path):
    """Corrected labels, which the page shows below its own, and a recording."""
    video, *_ = small_annotations()['annotations']
    save_poses(tmp_path / 'take.npz', video)
    save_labels(tmp_path / 'take.csv', 'take', (0, 2, 'walk'), (2, 5, 'lift'))
    with labelling(tmp_path) as page:
        offers = page.get_by_role('group', name='take.csv')
        assert offers.count() == 0
        height = page.locator('#timeline').bounding_box()['height']
        save_labels(tmp_path / 'take.csv', 'take', (0, 3, 'walk'), (3, 5, 'sit'))
        page.reload()
        offers.get_by_text('other labels than you, framed by dots').wait_for()
        drawn(page)
        assert page.locator('#timeline').bounding_box()['height'] > height + 10
        assert labelled(tmp_path, 'take') == [(0, 20, 1), (20, 50, 0)]
        offers.get_by_role('button', name='Take them over').click()
        page.get_by_text('labels taken over').wait_for()
        assert labelled(tmp_path, 'take') == [(0, 30, 1), (30, 50, 2)]
        offers.wait_for(state='hidden')
        save_poses(tmp_path / 'more.npz', video)
        page.reload()
        new = page.get_by_role('group', name='New recordings')
        new.get_by_role('button', name='Add').click()
        page.get_by_role('button', name='more').click()
        is_open(page, 'more')
        new.wait_for(state='hidden')


def test_observers_label_apart_and_settle_what_differs(tmp_path):
    """The second sees nothing of the first until both are compared."""
    for name in ('take', 'unlabelled'):
        save_poses(tmp_path / f'{name}.npz', small_annotations()['annotations'][0])

    def labels(name):
        return load_project(tmp_path / name).recordings['take'].labels[0]

    def label(page, *ends):
        for key, end in ends:
            page.keyboard.press('Home')
            for _ in range(end):
                page.keyboard.press('ArrowRight')
            page.keyboard.press(key)
        page.keyboard.press('End')
        page.keyboard.press(key)
        is_saved(page)

    with labelling(tmp_path) as page:
        page.keyboard.type('awalk\nalift\n')
        page.get_by_role('button', name='Edit lift').wait_for()
        label(page, ('1', 0), ('2', 30))
        assert labels('studio.json') == [(0, 30, 0), (30, 60, 1)]
        assert page.get_by_label('Observers').count() == 0
    with labelling(tmp_path, '--observer', 'bob') as page:
        page.get_by_role('button', name='Edit lift').wait_for()
        page.get_by_text('You label as bob.').wait_for()
        page.keyboard.type('asit\n')
        page.get_by_role('button', name='Edit sit').wait_for()
        label(page, ('1', 0), ('2', 20), ('3', 30), ('2', 45))
        own = [(0, 20, 0), (20, 30, 1), (30, 45, 2), (45, 60, 1)]
        assert labels('studio.bob.json') == own
        # Who is asked and refuses stays blind.
        compare = page.get_by_role('button', name='Compare with the first observer')
        page.once('dialog', lambda box: box.dismiss())
        compare.click()
        assert load_project(tmp_path / 'studio.bob.json').compared == []
        page.once('dialog', lambda box: box.accept())
        compare.click()
        bar = page.get_by_role('group', name='Disagreement')
        # The longest one first.
        bar.get_by_text('sit (you), lift').wait_for()
        panel = page.get_by_label('Observers')
        panel.get_by_text('2 disagreements: 0 kept, 0 undecided').wait_for()
        # Of 60 frames, 35 are alike; 20 walk of 20 and 30, 15 lift of 25 and 30.
        by_chance = (20 * 30 + 25 * 30) / 60**2
        kappa = (35 / 60 - by_chance) / (1 - by_chance)
        row = panel.get_by_role('row', name='all')
        first = row.get_by_role('cell').first.text_content
        assert eventually(page, lambda: first() == f'{kappa:.2f}')
        page.get_by_label('Which recordings').select_option('with disagreements')
        page.get_by_role('button', name='unlabelled').wait_for(state='hidden')
        is_open(page, 'take')
        page.locator('#timeline').focus()
        page.keyboard.press('Shift+Enter')
        bar.get_by_text('lift (you), walk').wait_for()
        assert labels('studio.bob.json') == own
        page.get_by_text('History').click()
        page.locator('.history li', has_text=': sit, mine kept').wait_for()
        page.locator('#timeline').focus()
        page.keyboard.press('Enter')
        bar.get_by_text('No disagreement is left').wait_for()
        settled = [(0, 30, 0), (30, 45, 2), (45, 60, 1)]
        assert labels('studio.bob.json') == settled
        page.keyboard.press('Control+z')
        panel.get_by_text('2 disagreements: 1 kept, 0 undecided').wait_for()
        page.keyboard.press('Tab')
        bar.get_by_text('lift (you), walk').wait_for()
        bar.get_by_role('button', name='Undecided').click()
        panel.get_by_text('1 kept, 1 undecided').wait_for()
        assert labels('studio.bob.json') == own
    # The first takes a class that only bob has.
    with labelling(tmp_path) as page:
        page.once('dialog', lambda box: box.accept())
        page.get_by_role('button', name='Compare with bob').click()
        page.get_by_text('lift (you), sit (bob)').wait_for()
        page.keyboard.press('Enter')
        page.get_by_text('walk (you), lift (bob)').wait_for()
        assert labels('studio.json') == [(0, 30, 0), (30, 45, 2), (45, 60, 1)]
        page.get_by_role('button', name='Edit sit').wait_for()


def test_disagreements_are_settled_where_they_are_and_leave_no_rest(tmp_path):
    """Not in another recording; what is left of either bout is settled with it."""
    for name in ('other', 'take'):
        save_poses(tmp_path / f'{name}.npz', small_annotations()['annotations'][0])
    classes = ['walk', 'lift', 'sit']
    theirs = [(0, 11, 0), (11, 41, 2), (41, 60, 0)]
    project_of(tmp_path, 60, *theirs, classes=classes)
    own = [(0, 10, 0), (10, 40, 1), (40, 60, 0)]
    bob = project_of(tmp_path, 60, *own, classes=classes, name='studio.bob.json').path
    with labelling(tmp_path, '--observer', 'bob') as page:
        page.once('dialog', lambda box: box.accept())
        compare = page.get_by_role('button', name='Compare with the first observer')
        compare.click()
        bar = page.get_by_role('group', name='Disagreement')
        shown = 'in take from 0:01.10 to 0:04.00: lift (you), sit (the first observer)'
        bar.get_by_text(shown).wait_for()
        compare.click()
        page.get_by_text('disagreement 2 of 3').wait_for()
        page.get_by_text('You have seen the labels of the first observer.').wait_for()
        page.get_by_role('button', name='other').click()
        is_open(page, 'other')
        bar.get_by_text('3 disagreements with the first observer').wait_for()
        for key in ('Enter', 'Shift+Enter'):
            page.keyboard.press(key)
            page.get_by_text('no disagreement is shown').wait_for()
        is_saved(page)
        assert load_project(bob).history == []
        page.keyboard.press('Shift+Tab')
        bar.get_by_text(shown).wait_for()
        page.keyboard.press('Enter')
        bar.get_by_text('No disagreement is left').wait_for()
        is_saved(page)
        assert load_project(bob).recordings['take'].labels[0] == theirs


def test_page_says_what_is_damaged_and_goes_on(tmp_path):
    """A recording of another length, damaged predictions, a video that is none."""
    folder = tmp_path / 'mine'
    folder.mkdir()
    video = small_annotations()['annotations'][0]
    save_poses(folder / 'good.npz', video)
    save_poses(folder / 'bad.npz', video)
    write_video(folder / 'film.avi', [0] * 30)
    write_video(folder / 'clip.mp4', [0] * 30, codec='avc1')
    model = trained(folder)
    project = load_project(folder / 'studio.json')
    add_class(project, 'walk')
    project.recordings['bad'].frames = 3 * 10**9
    project.save()
    content = {'recordings': {'good': [[[-7, 5, 0, 0.5]]]}, 'doubts': []}
    (model / 'predictions.json').write_text(json.dumps(content))
    # What the project has is opened by its name alone.
    (folder / 'film.avi').write_bytes(b'no video')
    with served(folder) as (_, address), studio(address, '.alert') as page:
        alert = page.locator('.alert')
        for text in ('bad.npz: has 60 frames', "'bad'", 'studio.json', '3000000000'):
            alert.get_by_text(text).wait_for()
        notes = page.get_by_label('Recordings')
        for text in ('predictions.json', 'recordings.good', '-7', 'film.avi'):
            notes.get_by_text(text).wait_for()
        # The other one is labelled.
        page.get_by_role('button', name='Dismiss').click()
        page.get_by_role('button', name='good').click()
        is_open(page, 'good')
        page.keyboard.press('1')
        go_to(page, 20)
        page.keyboard.press('1')
        is_saved(page)
        assert labelled(folder, 'good') == [(0, 20, 0)]
        # A video is deleted while the page is open.
        (folder / 'clip.mp4').unlink()
        page.get_by_role('button', name='clip').click()
        alert.get_by_text('clip.mp4').wait_for()
        assert page.faults == []


def renamed(path, folder):
    return shutil.copy(path, folder / 'Seq1_01.eaf')


def drag_first_boundary(page, folder, name):
    """Drag the first boundary of a recording by some pixels to the right."""
    page.get_by_role('button', name=name).click()
    is_open(page, name)
    box = page.locator('#timeline canvas').bounding_box()
    (_, end, _), *_ = labelled(folder, name)
    frames = load_project(folder / 'studio.json').recordings[name].frames
    left = page.evaluate(LEFT)
    x = box['x'] + left + (box['width'] - left) * end / frames
    y = box['y'] + LABELS
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=5)
    page.mouse.up()
    is_saved(page)


# The middle of the row of the first other individual, in pixels below the canvas' top.
BELOW = """import('./shared/drawing.js').then(({ layout }) => {
  const [{ y, h }] = layout().below
  return y + h / 2
})"""


def test_a_click_on_the_row_of_another_individual_goes_there(tmp_path):
    """To the same moment, where the label is that which the row has shown."""
    save_people(tmp_path / 'take.npz', 'Ann', 'Bob')
    rows = 'start,end,label,individual\n0,2,walk,Ann\n3,6,lift,Bob\n'
    (tmp_path / 'take.csv').write_text(rows)
    with labelling(tmp_path, '--person', 'each') as page:
        is_open(page, 'take_Ann')
        box = page.locator('#timeline canvas').bounding_box()
        left = page.evaluate(LEFT)
        x = box['x'] + left + (box['width'] - left) * 0.75
        page.mouse.move(x, box['y'] + page.evaluate(BELOW))
        page.locator('#timeline canvas[title="Bob: lift"]').wait_for()
        page.mouse.down()
        page.mouse.up()
        is_open(page, 'take_Bob')
        said = page.locator('#timeline').get_attribute('aria-valuetext')
        assert said.startswith('0:04.50 of 0:06.0, lift')


# Whether the picture has the colour of the first kind of objects.
HAS_OBJECT = """() => {
  const canvas = document.querySelector('.picture canvas')
  const { width, height } = canvas
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
  let count = 0
  for (let i = 0; i < data.length; i += 4)
    count += data[i] === 0xe1 && data[i + 1] === 0x69 && data[i + 2] === 0x78
  return count > 100
}"""


def test_objects_are_drawn_beside_poses(tmp_path):
    """A box that is there in the second half alone."""
    save_poses(tmp_path / 'take1.npz', small_annotations((60,))['annotations'][0])
    rows = [f'{frame},7,201,201,130,140,1,-1,-1,-1' for frame in range(31, 61)]
    tracks = tmp_path / 'tracks.txt'
    tracks.write_text('\n'.join(rows))
    with labelling(tmp_path, '--objects', str(tracks)) as page:
        page.keyboard.press('End')
        assert eventually(page, lambda: page.evaluate(HAS_OBJECT))
        page.keyboard.press('Home')
        assert eventually(page, lambda: not page.evaluate(HAS_OBJECT))


def test_places_are_drawn_over_the_picture(tmp_path):
    """A triangle and a circle, by clicks; then one corner is dragged."""
    save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][0])
    with labelling(tmp_path) as page:
        page.get_by_text('Places', exact=True).click()
        box = page.locator('.picture').bounding_box()

        def at(x, y):
            return {'x': box['width'] * x, 'y': box['height'] * y}

        def begin(name, shape):
            page.get_by_label('Name of a place').fill(name)
            page.get_by_label('Shape').select_option(shape)
            page.get_by_role('button', name='Draw').click()
            page.locator('.places.drawing').wait_for()

        def click(*where):
            page.locator('.picture').click(position=at(*where))

        path = tmp_path / 'places.geojson'

        def saved(count):
            found = read_places(path).get('', []) if path.exists() else []
            return found if len(found) == count else None

        begin('nest', 'polygon')
        for where in ((0.4, 0.3), (0.6, 0.3), (0.5, 0.7)):
            click(*where)
        page.keyboard.press('Enter')
        assert eventually(page, lambda: saved(1))
        begin('bowl', 'circle')
        click(0.45, 0.5)
        click(0.5, 0.5)
        assert eventually(page, lambda: saved(2))
        nest, bowl = saved(2)
        assert nest.points.shape == (3, 2)
        drawn(page)
        width = nest.points[1, 0] - nest.points[0, 0]
        assert bowl.radius == pytest.approx(width / 4, rel=0.05)
        corner = page.locator('.places .corner').nth(2).bounding_box()
        page.mouse.move(corner['x'] + 5, corner['y'] + 5)
        page.mouse.down()
        page.mouse.move(corner['x'] + 5, corner['y'] - 45, steps=3)
        page.mouse.up()
        assert eventually(
            page, lambda: saved(2)[0].points[2, 1] < nest.points[2, 1] - 5
        )
        page.locator('#timeline').focus()
        # Faster than the server answers.
        for key in ('z', 'z', 'y'):
            page.keyboard.press(f'Control+{key}')
        page.locator('.said', has_text='redone: a change of the places').wait_for()
        assert saved(2)[0].points.tolist() == nest.points.tolist()
        # What another program has drawn stays beside what is drawn here.
        path.write_text(path.read_text().replace('nest', 'home'))
        begin('gate', 'point')
        click(0.7, 0.7)
        assert eventually(page, lambda: saved(3))
        assert [one.name for one in saved(3)] == ['home', 'bowl', 'gate']
        page.get_by_role('alert').get_by_text('Another window or program').wait_for()


# What is wrong with the texts and boxes of a page, as far as a program can tell.
FLAWS = """() => {
  const flaws = []
  const parts = (color) => color.match(/[\\d.]+/g).map(Number)
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  const light = ([r, g, b]) =>
    [r, g, b].map((c) => linear(c / 255)).reduce((sum, c, i) =>
      sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = (e) => {
    const [r, g, b, a = 1] = parts(getComputedStyle(e).backgroundColor)
    return a > 0.5 || !e.parentElement ? [r, g, b] : ground(e.parentElement)
  }
  const skipped = 'svg, select, .recordings ul, .icons span, header .tool span'
  if (document.documentElement.scrollWidth > innerWidth) flaws.push('the page')
  for (const e of document.querySelectorAll('#app *')) {
    if (!e.checkVisibility() || e.closest(skipped)) continue
    const { left, right } = e.getBoundingClientRect()
    const text = `${e.tagName} ${e.textContent.trim().slice(0, 40)}`
    if (left < -4 || right > innerWidth + 4) flaws.push(`overflows: ${text}`)
    const isText = (n) => n.nodeType === 3 && n.textContent.trim()
    if (![...e.childNodes].some(isText)) continue
    const wide = e.clientWidth && e.scrollWidth > e.clientWidth + 1
    if (wide) flaws.push(`clipped: ${text}`)
    const both = [parts(getComputedStyle(e).color), ground(e)].map(light)
    const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)
    const isQuiet = e.closest(':disabled, .picture > p')
    if (!isQuiet && contrast < 4.5) flaws.push(`contrast ${contrast}: ${text}`)
  }
  return flaws
}"""


def test_page_fits_screens_and_themes(folder):
    """Nothing overflows or is clipped, and texts differ enough from their ground."""
    trained(folder)
    with served(folder) as (_, address), studio(address) as page:
        page.set_viewport_size({'width': 1280, 'height': 720})
        page.locator('#timeline').focus()
        page.keyboard.press('g')
        page.get_by_label('Comment').wait_for()
        # Who labels does not scroll.
        height, room = page.locator('.stage').evaluate(
            '(one) => [one.scrollHeight, one.clientHeight]'
        )
        assert height <= room
        for summary in page.locator('summary').all():
            summary.evaluate('(one) => one.parentElement.open = true')
        for scheme in ('light', 'dark'):
            page.emulate_media(color_scheme=scheme)
            for width in (400, 800, 1280):
                page.set_viewport_size({'width': width, 'height': 720})
                drawn(page)
                assert page.evaluate(FLAWS) == [], (scheme, width)
        assert page.faults == []
