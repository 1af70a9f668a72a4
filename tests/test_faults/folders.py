"""Folders and archives: several files of different kinds, one of which is changed."""

import json
import shutil
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from mmskelseg.automl.planning import candidates, read_plan
from mmskelseg.automl.trials import Trial
from mmskelseg.checkpoints.reading import load_state_dict, save_weights
from mmskelseg.engine.run_folder import RunFolder, changed_settings
from mmskelseg.export.export import export_onnx
from mmskelseg.export.opening import trained_model
from mmskelseg.registry import MODELS
from mmskelseg_behaviour import pictures
from mmskelseg_behaviour.commands import bouts
from mmskelseg_behaviour.drawing.behaviour import Dots, draw_dots
from mmskelseg_io.commands import convert
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.files.parsing import read_json
from mmskelseg_io.messages.errors import UserError
from tests.conftest import add_class
from tests.oracle import check_sentence, run_command
from tests.small_data import small_annotations
from tests.test_converters import releases
from tests.test_faults.formats import (
    FORMATS,
    SAMPLES,
    _checkpoint,
    _csv_labels,
    _person,
    _prediction,
    _run_exported,
    _small_config,
    register,
)

__all__ = ['FORMATS']

# Bouts.


def _options(path: Path) -> list[str]:
    """Return the options in a file as words of a command line."""
    options = {}
    with suppress(UserError):
        options = read_json(path / 'options.json', 'a test')
    words = []
    for name, value in options.items() if isinstance(options, dict) else ():
        values = value if isinstance(value, list) else [value]
        given = (name if one is True else f'{name}={one}' for one in values)
        words += [word for word in given if word.isprintable()]
    return [word for word in words if word.startswith('--')]


# A file that an option names is named by itself.
_NAMED = ('no such file', 'File name too long')


def _bouts(path: Path) -> None:
    labels = path / 'labels'
    files = sorted(labels.iterdir()) if labels.is_dir() else [labels]
    out = path.parent / 'out'
    # All panels of a picture have the same names.
    with mock.patch.object(pictures, 'draw_dots', _draw_first):
        run_command(bouts.main, *files, '--out', out, *_options(path))


def _draw_first(panels: Sequence[Dots], **given: Any) -> np.ndarray:
    return draw_dots(panels[:1], **given)


@register(
    'bouts of files',
    '',
    _bouts,
    mutated='*.*',
    names=('--', 'label', *_NAMED),
    cost=16,
)
def _bouts_folder(folder: Path) -> Path:
    path = folder / 'mine'
    labels = path / 'labels'
    labels.mkdir(parents=True)
    _csv_labels(labels).rename(labels / 'take9.csv')
    _prediction(labels)
    shutil.copy(SAMPLES / 'project.boris', labels)
    save_annotations(small_annotations((8, 7)), labels / 'annotations.pkl')
    options = {
        '--bin': 2, '--duration': 20, '--background': 'other', '--label-fps': 10,
        '--groups': str(path / 'groups.csv'),
        '--label-option': ['subject=each', 'point_seconds=1'],
    }  # fmt: skip
    (path / 'options.json').write_text(json.dumps(options))
    names = ['a', 'video_0', 'video_1', 'take1', 'take2', 'take3', 'take9']
    names += ['live_cook', 'live_guest']
    rows = [f'{name},{"xy"[i % 2]}' for i, name in enumerate(names)]
    (path / 'groups.csv').write_text('\n'.join(['video,group', *rows]) + '\n')
    return path


# Keypoints and labels with all that says how they belong together.


def _keypoints(path: Path) -> None:
    out = path.parent / 'out'
    # Last, since several values follow it.
    words = [*_options(path), '--labels', path / 'labels']
    run_command(convert.main, 'keypoints', path / 'poses', out, *words)
    load_annotations(out / 'annotations.pkl')


_NAMES = ('--', 'label', 'take', 'individual', 'tier', *_NAMED)


@register('keypoints with options', '', _keypoints, mutated='*.*', names=_NAMES, cost=2)
def _keypoints_folder(folder: Path) -> Path:
    path = folder / 'mine'
    for part in ('poses', 'labels'):
        (path / part).mkdir(parents=True)
    for name in ('take1', 'take2', 'take3', 'other'):
        made = FORMATS['poses/csv long'].make(folder)
        made.rename(path / 'poses' / f'{name}.csv')
    shutil.copy(SAMPLES / 'project.boris', path / 'labels')
    tiers = {'leg': ['walk'], 'hand': ['lift', 'drop']}
    (path / 'tiers.json').write_text(json.dumps(tiers))
    (path / 'subjects.csv').write_text('subject,individual\ncook,ann\nguest,bob\n')
    options = {
        '--fps': 1, '--size': '640x480', '--person': 'each', '--kpt-thr': 0.1,
        '--tiers': str(path / 'tiers.json'), '--unlabelled': 'ignore',
        '--subjects': str(path / 'subjects.csv'), '--test': 'take1',
        '--label-option': [
            'observation=take one', 'observation=two files', 'point_seconds=0.5',
        ],
        '--skip-unpaired': True, '--name': 'mine', '--overlap': 'later', '--folds': 2,
    }  # fmt: skip
    (path / 'options.json').write_text(json.dumps(options))
    return path


# Archives.


def _unpack(path: Path) -> Any:
    """Convert a release whose archive lies there, as after a download."""
    out = path.parent / 'out'
    try:
        # Nothing listens there.
        words = ('--download', '--url', 'http://127.0.0.1:9/')
        run_command(convert.main, 'subtle', path, out, *words)
    except UserError:
        assert not (path / 'coords').exists() or not list(path.glob('*.zip'))
        raise
    return load_annotations(out / 'annotations.pkl')


@register('archive', 'zip', _unpack, mutated='*.zip', names=('127.0.0.1',))
def _archive(folder: Path) -> Path:
    path, made = folder / 'raw', folder / 'made'
    for one in (path, made):
        one.mkdir()
    release = releases.subtle(made)
    with zipfile.ZipFile(path / 'subtle.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(release.rglob('*.csv')):
            name = f'subtle-HEAD/dataset/y5a5/{file.relative_to(release)}'
            archive.write(file, name)
    shutil.rmtree(made)
    return path


# The folder of a fit, which its files are read from in turn.

_SCORES = {'acc': 50.0, 'edit': 40.0, 'f1@10': 30.0, 'f1@25': 20.0, 'f1@50': 10.0}
_SETTINGS = {'minutes': 1, 'seed': 0, 'content of ann_file': 'abc'}


def _read_model(path: Path) -> Any:
    """Read all that commands read of the folder of a model."""
    data = load_annotations(path / 'annotations.pkl')
    changed_settings(path / 'fit.json', _SETTINGS)
    found, _ = candidates(data, path / 'annotations.pkl', ('train', 'test'))
    read_plan(path / 'plan.json', found)
    run = RunFolder(path / 'run')
    trial = Trial(found[0], 1, found[0].choice, path / 'config.py', [run])
    assert np.isfinite(trial.score)
    # As a work folder, and with the config beside the weights.
    for config, weights in ((None, path), ('config.py', 'model.safetensors')):
        with trained_model(config and path / config, path / weights) as trained:
            assert trained.metainfo['classes']
    return _run_exported(path / 'model.onnx')


@register('model folder', '', _read_model, mutated='*', cost=10)
def _model_folder(folder: Path) -> Path:
    path = folder / 'model'
    (path / 'run').mkdir(parents=True)
    checkpoint = _checkpoint(path)
    (path / 'last_checkpoint').write_text(f'{checkpoint.name}\n')
    cfg, data = _small_config(), small_annotations()
    cfg.dump(path / 'config.py')
    save_annotations(data, path / 'annotations.pkl')
    state = MODELS.build(cfg.model).state_dict()
    meta = {'cfg': cfg.pretty_text, 'dataset_meta': data['metainfo']}
    save_weights(path / 'model.safetensors', state, meta)
    export_onnx(None, checkpoint, path / 'model.onnx')
    plan = {
        'compared': ['pose2d'], 'left_out': {'heatmap': 'slow'}, 'finalists': 1,
        'length': 0.5, 'full': 1.0, 'seconds': {'pose2d': 30.0}, 'start': 2.0,
        'minutes_in_full': 9,
    }  # fmt: skip
    metrics = {f'seg/{key}': value for key, value in _SCORES.items()}
    metrics |= {'per_video': {'video_0': _SCORES, 'video_1': _SCORES}}
    texts = {'plan': plan, 'fit': _SETTINGS, 'run/metrics': metrics}
    for name, content in texts.items():
        (path / f'{name}.json').write_text(json.dumps(content))
    return path


# Checkpoints that are converted or reduced.


def _converted(name: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        out = path.with_name('out.safetensors')
        run_command(convert.main, name, path, out)
        return load_state_dict(out)

    return read


@register('checkpoint of MS-TCN++', 'torch', _converted('ms_tcn2'))
def _reference(folder: Path) -> Path:
    state = {
        f'{name}.{kind}': torch.ones(shape)
        for name in (
            'PG.conv_1x1_in',
            'PG.conv_out',
            'PG.conv_fusion.0',
            'Rs.0.conv_out',
        )
        for kind, shape in (('weight', (4, 3, 1)), ('bias', (4,)))
    }
    torch.save(state, folder / 'net.model')
    return folder / 'net.model'


@register('checkpoint to publish', 'torch', _converted('publish_model'))
def _published(folder: Path) -> Path:
    return _checkpoint(folder)


# The folder of a studio, and requests to it.


def _requests() -> Iterator[dict[str, Any]]:
    """Yield what a page asks for; POST has a body."""
    for name in ('project', 'job', 'uncertain', 'news', 'recordings/0', 'recordings/2'):
        yield {'path': f'api/{name}'}
    yield {'path': 'api/offers/take', 'body': {'ids': ['0123456789abcdef']}}
    yield {'path': 'api/recordings/1/poses', 'params': {'start': 0, 'end': 5}}
    for what in ('undo', 'undo', 'redo'):
        yield {'path': f'api/{what}', 'body': {}}
    change = {
        'tier': 0,
        'start': 2,
        'end': 9,
        'segments': [[2, 5, 1, ['slow', 'limps']], [5, 9, 0]],
    }
    yield {'path': 'api/recordings/0/labels', 'body': change}
    yield {'path': 'api/compare', 'body': {'observer': 'bob'}}
    settled = {'observer': 'bob', 'take': 'mine', 'start': 2, 'end': 9}
    yield {'path': 'api/recordings/0/labels', 'body': {**change, 'settled': settled}}
    named = [{'name': '', 'classes': [{'id': 1, 'name': 'rest'}, {'name': 'new'}]}]
    yield {'path': 'api/ethogram', 'body': {'tiers': named}}
    table = b64encode(b'class,tier,key\nup,,u\nrest,left,\n').decode()
    yield {'path': 'api/classes', 'body': {'name': 'a.csv', 'content': table}}
    every = ['csv', 'boris', 'boris-events', 'elan', 'label-studio', 'srt', 'bouts']
    for what in ('labels', 'predictions'):
        yield {'path': 'api/export', 'body': {'formats': every, 'what': what}}
    yield {'path': 'files/labels_segments.csv'}
    yield {'path': 'report'}


def _studio(path: Path) -> None:
    """Open a folder, let the page ask for all of it, and open it again."""
    from starlette.testclient import TestClient

    from mmskelseg_studio.folder import open_folder
    from mmskelseg_studio.server import build_app
    from mmskelseg_studio.studio import Studio

    requests = []
    with suppress(UserError):
        requests = read_json(path / 'requests.json', 'a test')
    folder = path / 'mine'
    studio = Studio(open_folder(folder), 'mediapipe', lambda: open_folder(folder))
    client = TestClient(build_app(studio, 'token', ('localhost',)), 'http://localhost/')
    for one in requests if isinstance(requests, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get('path'), str):
            continue
        # It raises what is no answer.
        _ask(client, one, studio.folder.project.revision)
    open_folder(folder)


def _ask(client: Any, request: dict[str, Any], revision: int) -> None:
    url = f'token/{request["path"]}'
    if not url.isprintable() or '..' in url:
        return
    if 'body' in request:
        body = request['body']
        body = {'revision': revision, **body} if isinstance(body, dict) else body
        answer = client.post(url, content=json.dumps(body))
    else:
        params = request.get('params')
        answer = client.get(url, params=params if isinstance(params, dict) else None)
    if answer.headers.get('content-type') == 'application/json' and answer.is_error:
        check_sentence(answer.json()['error'], ('',))
    assert answer.status_code in (200, 307, 400, 404, 405, 409, 413), answer.text


def _studio_folder(folder: Path) -> Path:
    from mmskelseg_studio.folder import open_folder
    from mmskelseg_studio.studio import Studio

    path = folder / 'all'
    mine = path / 'mine'
    mine.mkdir(parents=True)
    save_annotations(small_annotations((30, 20)), mine / 'annotations.pkl')
    _person(mine)
    (mine / 'labels.csv').write_text('video,start,end,label\ntake1,0,0.2,class_1\n')
    studio = Studio(open_folder(mine), 'mediapipe', lambda: open_folder(mine))
    project = studio.folder.project
    for start, kind in ((3, 0), (5, 1)):
        parts = [(start, start + 4, kind)]
        project.replace('video_0', 0, start, start + 4, parts, project.revision)
    project.undo(project.revision)
    # A file of an old session, and the steps of a new one.
    project.save()
    project.redo(project.revision)
    add_class(project, 'run')
    project.replace('take1', 0, 0, 3, [(0, 3, 2)], project.revision)
    other = open_folder(mine, observer='bob').project
    other.save()
    other.replace('video_0', 0, 3, 8, [(3, 8, 1)], 0)
    model = mine / 'studio' / 'models' / f'{project.id}_abc'
    model.mkdir(parents=True)
    doubt = {'video': 'take1', 'start_frame': 1, 'end_frame': 5, 'score': 2.0}
    results = {
        'recordings': {'take1': [[[0, 2, 1, 0.9], [2, 6, 0, None]]]},
        'doubts': [{**doubt, 'reason': 'unsure'}],
    }
    report = {
        'data': {'train': {'minutes': 0.2}},
        'scores': {'held_out': {'f1@10': 80.0}},
        'label_curve': {'half': 60, 'whole': 70, 'full': 80, 'twice': 85},
    }
    texts = {model / 'predictions.json': results, model / 'report.json': report}
    texts[path / 'requests.json'] = [*_requests()]
    for file, content in texts.items():
        file.write_text(json.dumps(content))
    (model / 'report.html').write_text('<p>good</p>')
    for name in ('lock', 'job.log', 'videos.log'):
        (mine / 'studio' / name).touch()
    return path


if find_spec('starlette') and find_spec('httpx'):
    _names = ('studio', 'recording', 'take1', 'video_', 'annotations')
    register('studio', '', _studio, mutated='*', names=_names, cost=4)(_studio_folder)
