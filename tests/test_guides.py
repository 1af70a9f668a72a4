"""The README and the guides work as written, from top to bottom, on small data."""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.converters import precog
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    labels_to_segments,
    read_segments,
    write_boris,
    write_csv_segments,
)
from mmskelseg_io.poses import Poses, read_poses, write_npz
from mmskelseg_io.structures import Skeleton
from tests.small_data import ROOT

# They need a camera, another package, or an hour.
SKIPPED = tuple(f'mmskelseg {x}' for x in ('cross-validate', 'live', 'poses'))
PARTS = ('snout', 'ear_left', 'ear_right', 'tail')


def code_of(page):
    """Return the blocks of a page that can be run, each with its language."""
    text = (ROOT / page).read_text('utf-8')
    return re.findall(r'^```(bash|python|json)\n(.*?)^```$', text, re.S | re.M)


def work_through(page, run_tool, changes=None, config=None):
    """Do what a page says, with trainings of one epoch; return how many commands.

    Args:
        page: Its path.
        run_tool: The fixture.
        changes: What is put in place of parts of its commands.
        config: The name of the file for its block of a config.
    """
    count = 0
    for language, code in code_of(page):
        if language == 'json' and '"joints"' in code:
            Path('mouse.json').write_text(code, 'utf-8')
        elif language == 'python' and not code.startswith('_base_'):
            exec(code, {})
        elif language == 'python' and config:
            Path(config).write_text(code, 'utf-8')
        elif language == 'bash':
            for line in code.replace('\\\n', ' ').splitlines():
                for old, new in (changes or {}).items():
                    line = line.replace(old, new)
                if re.match('mkdir|mv', line):
                    subprocess.run(['bash', '-ec', line], check=True)
                elif line.startswith('mmskelseg') and not line.startswith(SKIPPED):
                    words = shlex.split(line)
                    if words[1] == 'make-config':
                        words += ['--epochs', '1', '--overwrite']
                    if words[1] == 'train':
                        words += ['--no-validate']
                    if words[1] == 'fit':
                        stand_in_for_fit(words[2], words[4], run_tool)
                    else:
                        run_tool(*words)
                    count += 1
    return count


def stand_in_for_fit(ann_file, out, run_tool):
    """Leave a small model where a fit does, which tests/test_automl shows, at once."""
    options = ['--segmentor', 'ms_tcn2', '--epochs', '1', '--overwrite']
    run_tool('mmskelseg', 'make-config', ann_file, 'fitted.py', *options)
    with Path('fitted.py').open('a', encoding='utf-8') as file:
        file.write("model['members'] = 1\n")
    run_tool('mmskelseg', 'train', 'fitted.py', '--no-validate')
    Path(out).mkdir()
    run_tool('mmskelseg', 'export', 'fitted.py', f'{out}/model.onnx')


def record(folder, names, rename='take{}', in_profile=False):
    """Write poses of real recordings, and return their labels."""
    poses, labels = precog.read_release(precog.PACKED)
    body = Skeleton.get('body12')
    columns = body.columns_of(Skeleton.get('kinect20').joints, 'PRECOG-16')
    Path(folder).mkdir(parents=True, exist_ok=True)
    coded = []
    for i, name in enumerate(names, 1):
        points = poses[name][:, columns]
        if in_profile:
            centre = points.mean(axis=(0, 1))
            points = (points - centre)[..., [2, 1, 0]] * [1, 1, -1] + centre
        xy = precog.project(points)[None]
        score = np.ones(xy.shape[:-1], np.float32)
        shown = rename.format(i)
        made = Poses(xy, score, 'body12', img_shape=precog.IMG_SHAPE, fps=precog.FPS)
        write_npz(made, f'{folder}/{shown}.npz')
        segments = labels_to_segments(labels[name], precog.FPS, precog.CLASSES)
        coded.append(VideoSegments(shown, segments, precog.FPS, len(labels[name])))
    return coded


@pytest.fixture
def film(clip):
    """Write a clip of so many frames."""
    return lambda path, frames: clip(path, frames, precog.FPS, (48, 64))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


TAKES = [f'Seq1_{n:02}' for n in range(1, 7)]


@pytest.mark.slow
def test_readme_trains_a_model_and_segments(folder, run_tool, capsys):
    assert work_through('README.md', run_tool) == 3
    assert 'right_punch' in capsys.readouterr().out
    assert (folder / 'model/model.onnx').is_file()
    assert (folder / 'out/Seq1_01_segments.csv').is_file()


@pytest.mark.slow
def test_own_data_leads_from_videos_to_a_second_training(folder, run_tool, film):
    coded = record('data/mine/poses', TAKES)
    write_boris('project.boris', coded, precog.CLASSES)
    shutil.copytree('data/mine/poses', 'my_poses')
    write_csv_segments('labels.csv', coded)
    for video in coded:
        film(f'videos/{video.name}.mp4', video.num_frames)
    (new,) = record('new', ['Seq1_07'], 'new')
    film('new.mp4', new.num_frames)
    assert work_through(
        'docs/own_data.md', run_tool, {'--out out': '--poses new/new.npz --out out'}
    )
    assert (folder / 'out/overlay.mp4').is_file()
    assert (folder / 'model_2/model.onnx').is_file()


@pytest.mark.slow
def test_few_labels_suggests_and_trains_again(folder, run_tool):
    coded = record('data/mine/poses', TAKES)
    Path('labels').mkdir()
    write_boris('labels/project.boris', coded, precog.CLASSES)
    record('new_poses', ['Seq1_08'], 'new')
    assert work_through('docs/few_labels.md', run_tool) == 4
    assert (folder / 'labels/new.eaf').is_file()


def track(folder, *names):
    """Write what DeepLabCut does of a mouse in some recordings."""
    rng = np.random.default_rng(0)
    heads = [
        ['scorer', *['DLC'] * 12],
        ['bodyparts', *[part for part in PARTS for _ in range(3)]],
        ['coords', *['x', 'y', 'likelihood'] * 4],
    ]
    Path(folder).mkdir()
    for name in names:
        values = rng.uniform(0, 1, (300, 12)) * ([400, 400, 1] * 4)
        rows = [[n, *row] for n, row in enumerate(values)]
        table = '\n'.join(','.join(map(str, row)) for row in [*heads, *rows])
        path = f'{folder}/{name}DLC_resnet50_arenaMay1shuffle1_100000.csv'
        Path(path).write_text(table)


@pytest.mark.slow
def test_animals_lead_from_deeplabcut_to_bouts(folder, run_tool):
    track('dlc', 'm1', 'm2')
    segments = 'm1,0,4,walk\nm1,4,10,groom\nm2,0,5,groom\nm2,5,10,walk\n'
    Path('ethogram.csv').write_text(f'video,start,end,label\n{segments}')
    Path('groups.csv').write_text('video,group\nm1,saline\nm2,drug\n')
    assert work_through(
        'docs/animals.md',
        run_tool,
        {'segment new_dlc': 'segment dlc'},
        config='arena.py',
    )
    assert (folder / 'bouts/comparison_by_bin.csv').is_file()


@pytest.mark.slow
def test_places_lead_from_a_table_to_numbers_and_a_data_set(folder, run_tool):
    track('dlc', 'm1', 'm2')
    track('new_dlc', 'm3')
    text = (ROOT / 'docs/places.md').read_text('utf-8')
    table = re.search(r'^```text\n(video,name,shape.*?)^```$', text, re.S | re.M)
    Path('arena.csv').write_text(table[1])
    segments = 'm1,0,4,walk\nm1,4,10,groom\nm2,0,5,groom\nm2,5,10,walk\n'
    Path('ethogram.csv').write_text(f'video,start,end,label\n{segments}')
    convert = 'convert keypoints dlc data/mice --labels ethogram.csv --fps 30'
    run_tool('mmskelseg', *convert.split())
    write_csv_segments('out/m3_segments.csv', [VideoSegments('m3', [
        Segment(0, 4, 'walk'), Segment(4, 10, 'groom')
    ])])  # fmt: skip
    # Other guides train and segment.
    skipped = {'mmskelseg fit': '#', 'mmskelseg segment': '#'}
    assert work_through('docs/places.md', run_tool, skipped) == 3
    names = ['nest', 'bowl', 'gate', 'lamp']
    rows = (folder / 'bouts/places.csv').read_text().splitlines()
    assert [row.split(',')[1] for row in rows[1:]] == [*names, '(anywhere)']
    meta = load_annotations('data/mice/annotations.pkl')['metainfo']
    assert [one['name'] for one in meta['places']] == names


@pytest.mark.slow
def test_several_lead_from_boris_to_boris(folder, run_tool, rng):
    """Overlapping events of two mice train, are segmented, and come back."""
    mouse = {'joints': PARTS, 'limbs': [[0, 1], [0, 2], [0, 3]]}
    Path('poses').mkdir()
    videos = []
    for name in ('m1', 'm2', 'm3'):
        keypoint = rng.uniform(0, 400, (2, 300, 4, 2)).astype(np.float32)
        score, people = np.ones((2, 300, 4), np.float32), ('adult', 'juvenile')
        poses = Poses(keypoint, score, mouse, (400, 400), 25.0, people=people)
        write_npz(poses, f'poses/{name}.npz')
        segments = [
            Segment(*times, label, individual=who, target=other)
            for who, other in (('Adult', 'Juvenile'), ('Juvenile', 'Adult'))
            for *times, label in ((0, 4, 'rest'), (4, 12, 'walk'), (1, 3, 'sniff'))
        ]
        videos.append(VideoSegments(name, segments, 25.0, 300, f'{name}.mp4'))
    write_boris('ethogram.boris', videos, ['rest', 'walk', 'sniff'])
    project = json.loads(Path('ethogram.boris').read_text())
    for behavior in project['behaviors_conf'].values():
        behavior['excluded'] = ''
    Path('ethogram.boris').write_text(json.dumps(project))
    changes = {'segment new_poses': 'segment poses'}
    assert work_through('docs/several.md', run_tool, changes)
    assert (folder / 'statistics/bouts.csv').is_file()
    (video,) = read_segments('out/m3_adult_segments.boris', subject='each')
    named = {(s.individual, s.target) for s in video.segments}
    assert named == {('adult', 'juvenile')}
    assert {s.tier for s in video.segments} == {'rest', 'sniff', 'walk'}


@pytest.mark.slow
def test_ergonomics_measures_tasks_and_cycles(folder, run_tool, film):
    coded = record('data/assembly/poses', TAKES, in_profile=True)
    tasks = {'right_punch': 'reach', 'nothing': 'other'}
    coded = [
        VideoSegments(
            video.name,
            [replace(s, label=tasks.get(s.label, 'place')) for s in video.segments],
            video.fps,
            video.num_frames,
        )
        for video in coded
    ]
    write_boris('project.boris', coded, ['other', 'reach', 'place'])
    for video in coded:
        film(f'videos/{video.name}.mp4', video.num_frames)
    record('shift', ['Seq1_07'], 'shift', in_profile=True)
    Path('station.csv').write_text('class,load_kg,repeated\nplace,7,yes\n')
    changes = {
        'segment shift.mp4': 'segment shift/shift.npz',
        # The task occurs once in each recording.
        'bouts out --out bouts --cycle reach': (
            'bouts project.boris --out bouts --cycle place'
        ),
    }
    assert work_through('docs/ergonomics.md', run_tool, changes)
    assert (folder / 'out/time_budget.png').is_file()
    assert (folder / 'bouts/cycles.png').is_file()
    assert (folder / 'out/risk_frames.csv').is_file()
    assert 'shift,' in (folder / 'risk/risk.csv').read_text()


@pytest.mark.slow
def test_python_api_examples_run(folder, run_tool):
    """Each block alone."""
    record('.', ['Seq1_01'], 'take1')
    poses = read_poses('take1.npz')
    coded = record('data/mine/poses', TAKES)
    write_boris('project.boris', coded, precog.CLASSES)
    command = 'convert keypoints data/mine/poses data/mine --labels project.boris'
    run_tool('mmskelseg', *command.split())
    blocks = [code for language, code in code_of('docs/python_api.md')]
    assert len(blocks) == 4
    for code in blocks:
        exec(code, made := {})
        if 'SkelSegInferencer' in code:
            assert made['video']['pred_label'].size == poses.keypoint.shape[1]
