"""The report on a fit: its content as JSON, and as a page."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from mmskelseg.automl.assessment import (
    Predictions,
    class_results,
    confusion,
    evaluated,
    person_intervals,
    remaining,
    suspect_labels,
)
from mmskelseg.automl.held_out import parts_of, predictions_of
from mmskelseg.automl.model_folder import ModelFolder, difference
from mmskelseg.automl.observers import Observers
from mmskelseg.automl.page import page
from mmskelseg.automl.people import beside_people
from mmskelseg.automl.steps import Outcome
from mmskelseg.datasets.inspection.sanity_checks import Suspicion
from mmskelseg.datasets.inspection.summary import Summary
from mmskelseg.engine.run_folder import PREDICTIONS
from mmskelseg.export.cards import what_is_read
from mmskelseg_behaviour.drawing.moments import Moment, write_moments
from mmskelseg_behaviour.functional.calibration import (
    Reliability,
    reliability,
    tempered,
)
from mmskelseg_behaviour.posture.tasks import range_of, rows_of_videos
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.structures.tiers import labelled_frames, tiers_of
from mmskelseg_runtime.segmenting.model_files import ModelFile
from mmskelseg_runtime.segmenting.onnx_predictor import OnnxPredictor

#: What a report says, in types of JSON; docs/fit.md describes it.
Content: TypeAlias = dict[str, Any]
# Classes whose worst moment is drawn.
_DRAWN = 6


def write_report(
    folder: ModelFolder,
    outcome: Outcome,
    summary: Summary,
    suspicions: Sequence[Suspicion],
    shared: Sequence[str],
    people: Observers,
    carriers: Sequence[Content],
) -> Content:
    """Write ``report.json`` and ``report.html`` into the folder; return the former.

    ``shared`` are persons whom both training and test videos show, and ``people`` have
    labelled some of the videos.
    """
    tested = predictions_of(folder.tested / PREDICTIONS) if folder.has_test else {}
    held_out = outcome.held_out.videos if outcome.held_out else {}
    videos = {**held_out, **tested}
    meta = folder.data['metainfo']
    fps = {v['frame_dir']: float(v['fps']) for v in folder.data['annotations']}
    scores = {
        part: evaluated(found, meta)
        for part, found in (('test', tested), ('held_out', held_out), ('all', videos))
        if found
    }
    intervals = person_intervals(held_out, folder.persons, meta)
    predictor = OnnxPredictor(folder.exported, 'cpu')
    content = {
        'data': {**_data(folder, summary, suspicions), 'shared_persons': shared},
        'scores': {
            part: {k: v for k, v in report['metrics'].items() if not k.endswith('_std')}
            for part, report in scores.items()
        },
        'new_person': {name: asdict(found) for name, found in intervals.items()},
        'classes': [
            {**asdict(row), 'counting': row.counting, 'timing': row.timing}
            for row in class_results(videos, fps, meta)
        ],
        'carriers': carriers,
        'reads': [*what_is_read(predictor.recipes)],
        'shortest_bouts': _shortest_bouts(folder, predictor.file),
        'videos': [
            _video(name, folder, tested) | scores['all']['per_video'][name]
            for name in videos
        ],
        'calibration': _calibration(folder, outcome, tested),
        'doubts': [asdict(suspect) for suspect in suspect_labels(videos, fps, meta)],
        'label_curve': _label_curve(outcome, folder),
        'no_label_curve': outcome.no_half,
        'plan': asdict(outcome.plan),
        'candidates': _candidates(folder, outcome),
        'risk': _risk(folder),
        'confusion': confusion(videos, meta).tolist() if scores else [],
        'observers': _observers(people, videos, fps),
        'next': _next(folder, any(one.in_3d for one in predictor.recipes)),
    }
    content = _plain(content)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    atomic_write_text(folder.path / 'report.json', text)
    atomic_write_text(folder.path / 'report.html', page(content, videos, fps, meta))
    return content


def _observers(
    people: Observers, videos: Predictions, fps: Mapping[str, float]
) -> Content | None:
    """Return how far people agree, and the model with them, if people were several."""
    if not people.labels:
        return None
    pairs = beside_people(people, videos, fps)
    return {'notes': people.notes, 'pairs': pairs}


def _video(name: str, folder: ModelFolder, tested: Mapping) -> Content:
    """Return whom a video shows, and by what kind of model it was labelled."""
    part = 'test' if name in tested else 'held_out'
    return {'video': name, 'part': part, 'person': folder.persons.get(name)}


def _data(
    folder: ModelFolder, summary: Summary, suspicions: Sequence[Suspicion]
) -> Content:
    """Return what the model was trained and tested on."""
    split = folder.data['split']
    labelled = {
        video['frame_dir']: labelled_frames(video['label']).sum() / video['fps']
        for video in folder.data['annotations']
    }
    meta = folder.data['metainfo']
    return {
        'name': summary['dataset'],
        'classes': meta['classes'],
        'background': summary['background'],
        'persons': len(set(folder.persons.values())),
        'persons_known': any(
            who not in (v['frame_dir'], v.get('video'))
            for v in folder.data['annotations']
            for who in [folder.persons.get(v['frame_dir'], v['frame_dir'])]
        ),
        'folds': len(folder.folds),
        **{
            part: {
                'videos': len(split[part]),
                'minutes': sum(labelled[name] for name in split[part]) / 60,
            }
            for part in ('train', 'test')
            if part in split
        },
        'suspicions': [one._asdict() for one in suspicions],
    }


def _risk(folder: ModelFolder) -> list[Content]:
    """Return REBA and RULA of each class, and draw the worst moment of the worst ones.

    ``risk.png`` is in the folder if there are rows, which need joints of people in 3D.
    """
    meta = folder.data['metainfo']
    videos = {video['frame_dir']: video for video in folder.data['annotations']}
    rows = rows_of_videos([*videos.values()], meta)
    worst = [row for row in rows if row['method'] == 'REBA']
    worst.sort(key=lambda row: -row['worst_low'] - row['worst_high'])
    moments = [
        Moment(
            (video := videos[row['worst_video']]),
            meta['skeleton'],
            round(row['worst_s'] * video['fps']),
            meta['classes'].index(row['class']),
            row['class'],
            f'REBA {range_of(row["worst_low"], row["worst_high"])}',
        )
        for row in worst[:_DRAWN]
    ]
    if moments:
        write_moments(folder.path / 'risk.png', moments)
    return rows


def _shortest_bouts(folder: ModelFolder, model: ModelFile) -> list[Content]:
    """Return how long predicted bouts last at least, in each tier with such a limit."""
    tiers = tiers_of(folder.data['metainfo'])
    fps = folder.data['annotations'][0]['fps']
    steps: Sequence[Mapping[str, Any]] = model.metadata['postprocess']
    return [
        {'tier': tiers[step.get('tier', 0)].name, 'seconds': step['frames'] / fps}
        for step in steps
        if step['type'] == 'MinDuration'
    ]


def _calibration(
    folder: ModelFolder, outcome: Outcome, tested: Mapping
) -> Content | None:
    """Return how sure the model is and how right, before and after its temperature."""
    held_out, meta = outcome.held_out, folder.data['metainfo']
    if held_out is None:
        return None
    temperature = held_out.temperature
    before = reliability(parts_of(held_out.videos, meta))
    found = {'before': before, 'after': held_out.after}
    if tested:
        parts = parts_of(tested, meta)
        plain = [p._replace(scores=tempered(p.scores, 1 / temperature)) for p in parts]
        found['test_before'] = reliability(plain)
        found['test'] = reliability(parts)
    curves = {name: _curve(value) for name, value in found.items()}
    return {'temperature': temperature, **curves}


def _curve(found: Reliability) -> Content:
    names = ('frames', 'confidence', 'accuracy', 'bouts', 'videos', 'known')
    return {'ece': found.error, **{n: getattr(found, n).tolist() for n in names}}


def _label_curve(outcome: Outcome, folder: ModelFolder) -> Content | None:
    """Return F1@10 with half of the labels, all, and what twice as many would give."""
    if outcome.chosen is None or outcome.half is None:
        return None
    chosen = outcome.chosen
    short = next(t for t in outcome.short if t.candidate is chosen.candidate)
    half, whole, full = (t.f1 for t in (outcome.half, short, chosen))
    share = folder.half_share
    return {
        'share': share,
        'half': half,
        'whole': whole,
        'full': full,
        'twice': 100 - remaining(100 - half, 100 - whole, 100 - full, share),
    }


def _candidates(folder: ModelFolder, outcome: Outcome) -> list[Content]:
    """Return what was compared, and why the rest was not chosen."""
    rows, plan = [], outcome.plan
    full = {t.candidate.name: t for t in outcome.finalists}
    short = {t.candidate.name: t for t in outcome.short}
    chosen = outcome.chosen.candidate.name if outcome.chosen else None
    for candidate in outcome.compared:
        name = candidate.name
        row = {
            'name': name,
            'options': candidate.options,
            'any_order': candidate.choice.any_order,
            'observers': candidate.request.observers,
            'seconds': plan.seconds[name],
            'short': short[name].score if name in short else None,
            'full': full[name].score if name in full else None,
            'chosen': name == chosen or chosen is None,
            'only_compared': candidate.only_compared,
            'difference': None,
        }
        if chosen is not None and name != chosen:
            trials = full if name in full else short
            found = difference(trials[name], trials[chosen], folder.persons)
            row['difference'] = asdict(found)
        rows.append(row)
    return rows + [
        {'name': name, 'left_out': reason} for name, reason in plan.left_out.items()
    ]


def _next(folder: ModelFolder, in_3d: bool) -> list[str]:
    """Return commands for what is to be done with a model, which may read 3D."""
    return [
        f'mmskelseg segment {"ANNOTATIONS" if in_3d else "VIDEO"} {folder.path}',
        f'mmskelseg suggest VIDEOS {folder.path}',
        f'mmskelseg train {folder.path}',
        f'mmskelseg fit ANN --out DIR --plan {folder.plan}',
    ]


def _plain(value: Any) -> Any:
    """Return a value in types of JSON, which has no NaN and no NumPy numbers."""
    if isinstance(value, Mapping):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, 'item'):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
