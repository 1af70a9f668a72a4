"""The card of a shared model: what it was trained on, how good it is, what it needs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mmskelseg.engine.run_folder import TestScores
from mmskelseg_behaviour.functional.framewise import frame_recall
from mmskelseg_behaviour.scores import SCORES
from mmskelseg_behaviour.verdicts import FitReport
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.version import __version__
from mmskelseg_runtime.features.recipe import FeatureRecipe
from mmskelseg_runtime.segmenting.onnx_predictor import OnnxPredictor

#: What a card states, in types of JSON.
Facts: TypeAlias = dict[str, Any]
_FREE = 'scale-free: divided by the size of the body'
_CALIBRATED = (
    'in the unit of its data, so that it only suits poses of the same unit and camera'
)


def facts_of(model: Path, source: Path) -> Facts:
    """Return what is known of an exported model that was trained in a folder.

    That folder may have the ``report.json`` of a fit, or the ``metrics.json`` of a
    test. Names of persons, videos and folders are left out.
    """
    predictor = OnnxPredictor(model, 'cpu')
    metadata = predictor.file.metadata
    skeleton = Skeleton.get(metadata['skeleton'])
    renders = [branch['render'] for branch in metadata['branches'].values()]
    data = metadata['data']
    train = {'train': {'videos': data['videos']}} if 'videos' in data else {}
    facts: Facts = {
        'library_name': 'mmskelseg',
        'version': __version__,
        'classes': metadata['classes'],
        'tiers': metadata.get('tiers'),
        'reads': [*what_is_read(predictor.recipes)],
        'joints': list(skeleton.joints),
        'fps': metadata['fps'],
        'kpt_thr': metadata.get('kpt_thr'),
        'distances': _CALIBRATED if any(map(_has_unit, renders)) else _FREE,
        'data': {'name': data.get('name'), **train},
        'scores': None,
        'by_class': [],
        'calibration': None,
        'verdicts': [],
    }
    report, scores = source / 'report.json', source / 'metrics.json'
    if report.is_file():
        return facts | _of_report(FitReport.read(report), facts)
    if scores.is_file():
        tested = TestScores.read(scores)
        part = {'test': {'videos': len(tested.per_video)}}
        return facts | {
            'data': facts['data'] | part,
            'scores': {
                'test': {k: v for k, v in tested.metrics.items() if k in SCORES}
            },
            'by_class': _by_class(tested.confusion, facts['classes']),
        }
    return facts


def _by_class(confusion: list[list[int]], classes: Sequence[str]) -> list[Facts]:
    """Return labelled and predicted frames of classes, and recall in percent."""
    frames = np.array(confusion, int)
    if frames.shape != (len(classes), len(classes)):
        return []
    recall = frame_recall(frames)
    return [
        {
            'name': name,
            'frames': int(frames[k].sum()),
            'predicted': int(frames[:, k].sum()),
            'recall': None if np.isnan(recall[k]) else float(recall[k]),
        }
        for k, name in enumerate(classes)
    ]


def what_is_read(recipes: Sequence[FeatureRecipe]) -> Iterator[str]:
    """Yield what recordings must have for a model with some recipes."""
    if any(recipe.in_3d for recipe in recipes):
        yield 'joints in 3D, `keypoint_3d` of an annotation file'
    elif any(recipe.reads == 'poses' for recipe in recipes):
        yield 'joints in 2D, as pose estimators find them in videos'
    if any(recipe.reads == 'video' for recipe in recipes):
        yield 'the video'
    for recipe in recipes:
        if recipe.kinds:
            yield f'objects: {_code([*recipe.kinds])}'
        if recipe.places:
            yield f'places: {_code([*recipe.places])}'
    if any(recipe.sees_others for recipe in recipes):
        yield 'the joints of all individuals'


def _of_report(report: FitReport, facts: Facts) -> Facts:
    data = asdict(report.data)
    if not data.pop('persons_known'):
        del data['persons']
    found = report.calibration
    return {
        'data': facts['data'] | data,
        'scores': {k: v for k, v in report.scores.items() if k != 'all'},
        'by_class': _by_class(report.confusion, facts['classes']),
        'calibration': found
        and {'temperature': found.temperature, 'ece': (found.test or found.after).ece},
        'verdicts': [*map(asdict, report.classes)],
    }


def _has_unit(render: object) -> bool:
    """Return whether a renderer, or a part of it, leaves lengths as they are."""
    if isinstance(render, Mapping):
        own = 'scale' in render and render['scale'] is None
        return own or any(map(_has_unit, render.values()))
    return isinstance(render, list | tuple) and any(map(_has_unit, render))


def card(facts: Facts, name: str) -> str:
    """Return the README.md of a shared model.

    ``facts`` also have its ``license`` and what it is ``about``. The front matter is
    what a hub reads: YAML, in which values are written as JSON.
    """
    front = {
        'license': facts['license'],
        'library_name': facts['library_name'],
        'tags': ['action-segmentation', 'skeleton', 'pose', 'behavior'],
        'model-index': _index(facts, name),
    }
    lines = ['---']
    lines += [
        f'{k}: {json.dumps(v, ensure_ascii=False)}' for k, v in front.items() if v
    ]
    lines += ['---', '', f'# {name}', '']
    labels = facts['tiers'] or {'': facts['classes']}
    for tier, classes in labels.items():
        title = _code([tier]) if tier else 'It labels frames as'
        lines.append(f'{title}: {_code(classes)}')
    lines += ['', '## Use', '', '```bash']
    named = f'--model hf:{name}' if '/' in name else name
    lines += [f'mmskelseg segment INPUT {named}', '```', '']
    lines += [
        'This needs no PyTorch, only mmskelseg-runtime and, for a name of the hub,',
        'huggingface_hub. In PyTorch, `SkelSegInferencer.from_pretrained` opens it.',
        'All files are data: opening them runs no program.',
    ]
    return '\n'.join([*lines, '', sections(facts)])


def sections(facts: Facts) -> str:
    """Return what a card states of a model, however it is used."""
    lines = ['## What it reads', '', *_needs(facts)]
    lines += ['', '## Data', '', *_data(facts)]
    lines += ['', '## Scores', '', *_scores(facts)]
    lines += ['', '## Intended use and limits', '', *_limits(facts), '']
    return '\n'.join(lines)


def _index(facts: Facts, name: str) -> Sequence[object]:
    """Return the scores as a hub lists them."""
    data = facts['data']['name'] or 'unnamed'
    results = [
        {
            'task': {'type': 'action-segmentation'},
            'dataset': {'type': data, 'name': f'{data} ({part})'},
            'metrics': [
                {'type': key, 'name': SCORES[key].title, 'value': round(value, 2)}
                for key, value in values.items()
                if key in SCORES and value is not None
            ],
        }
        for part, values in (facts['scores'] or {}).items()
    ]
    return [{'name': name, 'results': results}] if results else []


def _code(names: Sequence[str]) -> str:
    """Return names as code, in which Markdown has no other meaning.

    >>> print(_code(['*rear*', 'a`b']))
    `*rear*`, `` a`b ``
    """
    return ', '.join(f'`` {n} ``' if '`' in n else f'`{n}`' for n in names)


def _needs(facts: Facts) -> Iterator[str]:
    """Yield lines on what a model reads."""
    yield f'- {counted(len(facts["joints"]), "joint")}: {_code(facts["joints"])}.'
    yield '  Others are matched by their names; a table may say more (`--joints`).'
    yield from (f'- It needs {what}.' for what in facts['reads'])
    if facts['fps']:
        yield f'- {facts["fps"]:g} frames per second; other rates are converted.'
    if facts['kpt_thr']:
        yield f'- Joints with a score below {facts["kpt_thr"]:g} count as missing.'
    yield f'- Distances are {facts["distances"]}.'


def _data(facts: Facts) -> Iterator[str]:
    """Yield lines on what a model was trained on."""
    data = facts['data']
    yield f'{data["name"] or "Not stated."}'
    for part in ('train', 'test'):
        if found := data.get(part):
            videos = counted(found['videos'], 'recording')
            minutes = found.get('minutes')
            known = '' if minutes is None else f', {minutes:.1f} labelled minutes'
            yield f'- {part}: {videos}{known}'
        elif part == 'train':
            yield '- train: how many recordings is not stated'
    if 'persons' in data:
        yield f'- {counted(data["persons"], "individual")} in the training data'
    elif 'minutes' in data.get('train', ()):
        yield '- individuals are not named: each recording counts as another one'
    else:
        yield '- how many individuals is not stated'


def _scores(facts: Facts) -> Iterator[str]:
    if not facts['scores']:
        yield 'Not stated.'
        return
    names = [n for n in SCORES if any(n in v for v in facts['scores'].values())]
    yield '| Recordings | ' + ' | '.join(SCORES[n].title for n in names) + ' |'
    yield '|---' * (len(names) + 1) + '|'
    for part, values in facts['scores'].items():
        cells = [SCORES[n].text(values.get(n), short=True) for n in names]
        title = {'held_out': 'held out in training', 'test': 'test'}.get(part, part)
        yield f'| {title} | {" | ".join(cells)} |'
    yield ''
    if facts['by_class']:
        yield '| Class | Labelled frames | Of these found, in percent |'
        yield '|---|---|---|'
        for row in facts['by_class']:
            recall = '-' if row['recall'] is None else f'{row["recall"]:.1f}'
            # Only here, a bar ends even code.
            name = _code([row['name']]).replace('|', r'\|')
            yield f'| {name} | {row["frames"]} | {recall} |'
        yield ''
    if found := facts['calibration']:
        yield (
            f'Calibrated by the temperature {found["temperature"]:.2f}: probabilities '
            f'are off by {100 * found["ece"]:.1f} points on average (ECE).'
        )
    else:
        yield 'Probabilities are not calibrated.'


def _limits(facts: Facts) -> Iterator[str]:
    """Yield lines on what a model is for, and what is not known of it."""
    yield f'{facts["about"]}\n'
    if never := [r['name'] for r in facts['by_class'] if not r['predicted']]:
        yield f'- **Never predicted in the scored recordings**: {_code(never)}.'
    for key, to in (('counting', 'counted'), ('timing', 'timed')):
        for verdict in ('good', 'fair', 'poor', 'too few'):
            names = [r['name'] for r in facts['verdicts'] if r[key] == verdict]
            if names and verdict in ('good', 'fair'):
                yield f'- Bouts that can be {to} ({verdict}): {_code(names)}.'
            elif names:
                why = 'untested: too few bouts' if verdict == 'too few' else 'poor'
                yield f'- Bouts not to be {to} ({why}): {_code(names)}.'
    if not facts['verdicts']:
        yield '- How well bouts can be counted and timed is not known.'
    persons = facts['data'].get('persons')
    if persons and persons < 10:
        yield f'- Trained on {counted(persons, "individual")}; expect less of others.'
    yield (
        '- Other cameras, arenas, trackers and behaviours than in its data have not '
        'been scored: compare it with labels of your own (`mmskelseg agree`).'
    )
