"""The report on a fit: its content as JSON, and as a page."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from mmskelseg.automl.held_out import parts_of, predictions_of
from mmskelseg.automl.observers import Observers
from mmskelseg.automl.page import page
from mmskelseg.automl.people import beside_people
from mmskelseg.automl.steps import Outcome
from mmskelseg.automl.trials import Setup, difference
from mmskelseg.datasets.inspection.sanity_checks import Suspicion
from mmskelseg.datasets.inspection.summary import DataSummary
from mmskelseg.export.cards import what_is_read
from mmskelseg_behaviour.assessment import (
    Predictions,
    class_results,
    confusion,
    evaluated,
    person_intervals,
    remaining,
    suspect_labels,
)
from mmskelseg_behaviour.drawing.moments import Moment, write_moments
from mmskelseg_behaviour.functional.calibration import (
    Reliability,
    reliability,
    tempered,
)
from mmskelseg_behaviour.posture.tasks import range_of, rows_of_videos
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.structures.tiers import labelled_frames, tiers_of
from mmskelseg_runtime.features.recipe import FeatureRecipe
from mmskelseg_runtime.segmenting.model_files import ModelFile
from mmskelseg_runtime.segmenting.onnx_predictor import OnnxPredictor

#: What a report says, in types of JSON; docs/fit.md describes it.
Content: TypeAlias = dict[str, Any]
# Classes whose worst moment is drawn.
_DRAWN = 6


def write_report(
    setup: Setup,
    outcome: Outcome,
    summary: DataSummary,
    suspicions: Sequence[Suspicion],
    shared: Sequence[str],
    people: Observers,
    carriers: Sequence[Content],
) -> Content:
    """Write ``report.json`` and ``report.html`` into the folder; return the former.

    ``shared`` are persons whom both training and test videos show, and ``people`` have
    labelled some of the videos.
    """
    tested = predictions_of(setup.folder.predictions) if setup.data.has_test else {}
    held_out = outcome.held_out.videos if outcome.held_out else {}
    videos, meta = {**held_out, **tested}, setup.data.metainfo
    fps = {v['frame_dir']: float(v['fps']) for v in setup.data.videos}
    scores = {
        part: evaluated(found, meta)
        for part, found in (('test', tested), ('held_out', held_out), ('all', videos))
        if found
    }
    intervals = person_intervals(held_out, setup.data.persons, meta)
    predictor = OnnxPredictor(setup.folder.exported, 'cpu')
    found = {
        'data': {**_data(setup, summary, suspicions), 'shared_persons': shared},
        'scores': {
            part: {k: v for k, v in own['metrics'].items() if not k.endswith('_std')}
            for part, own in scores.items()
        },
        'new_person': {name: asdict(found) for name, found in intervals.items()},
        'classes': [
            {**asdict(row), 'counting': row.counting, 'timing': row.timing}
            for row in class_results(videos, fps, meta)
        ],
        'carriers': carriers,
        'reads': [*what_is_read(predictor.recipes)],
        'shortest_bouts': _shortest_bouts(setup, predictor.file),
        'videos': [
            _video(name, setup, tested) | scores['all']['per_video'][name]
            for name in videos
        ],
        'calibration': _calibration(setup, outcome, tested),
        'doubts': [asdict(suspect) for suspect in suspect_labels(videos, fps, meta)],
        'label_curve': _label_curve(outcome, setup),
        'no_label_curve': outcome.no_half,
        'plan': asdict(outcome.plan),
        'candidates': _candidates(setup, outcome),
        'risk': _risk(setup),
        'confusion': confusion(videos, meta).tolist() if scores else [],
        'observers': _observers(people, videos, fps),
        'next': _next(setup, predictor.recipes),
    }
    content = _plain(found)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    html = page(content, videos, fps, meta, setup.data.videos)
    atomic_write_text(setup.folder.path / 'report.json', text)
    atomic_write_text(setup.folder.path / 'report.html', html)
    return content


def _observers(
    people: Observers, videos: Predictions, fps: Mapping[str, float]
) -> Content | None:
    """Return how far people agree, and the model with them, if people were several."""
    if not people.labels:
        return None
    pairs = beside_people(people, videos, fps)
    return {'notes': people.notes, 'pairs': pairs}


def _video(name: str, setup: Setup, tested: Mapping) -> Content:
    """Return whom a video shows, and by what kind of model it was labelled."""
    part = 'test' if name in tested else 'held_out'
    return {'video': name, 'part': part, 'person': setup.data.persons.get(name)}


def _data(
    setup: Setup, summary: DataSummary, suspicions: Sequence[Suspicion]
) -> Content:
    """Return what the model was trained and tested on."""
    split = setup.data.split
    labelled = {
        video['frame_dir']: labelled_frames(video['label']).sum() / video['fps']
        for video in setup.data.videos
    }
    meta = setup.data.metainfo
    return {
        'name': summary['dataset'],
        'classes': meta['classes'],
        'background': summary['background'],
        'persons': len({setup.data.persons[name] for name in split['train']}),
        'joined': setup.data.joined,
        'persons_known': any(
            who not in (v['frame_dir'], v.get('video'))
            for v in setup.data.videos
            for who in [setup.data.persons.get(v['frame_dir'], v['frame_dir'])]
        ),
        'folds': len(setup.data.folds),
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


def _risk(setup: Setup) -> list[Content]:
    """Return REBA and RULA of each class, and draw the worst moment of the worst ones.

    ``risk.png`` is in the folder if there are rows, which need joints of people in 3D.
    """
    meta = setup.data.metainfo
    videos = {video['frame_dir']: video for video in setup.data.videos}
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
        write_moments(setup.folder.path / 'risk.png', moments)
    return rows


def _shortest_bouts(setup: Setup, model: ModelFile) -> list[Content]:
    """Return how long predicted bouts last at least, in each tier with such a limit."""
    tiers = tiers_of(setup.data.metainfo)
    fps = setup.data.videos[0]['fps']
    steps: Sequence[Mapping[str, Any]] = model.metadata['postprocess']
    return [
        {'tier': tiers[step.get('tier', 0)].name, 'seconds': step['frames'] / fps}
        for step in steps
        if step['type'] == 'MinDuration'
    ]


def _calibration(setup: Setup, outcome: Outcome, tested: Mapping) -> Content | None:
    """Return how sure the model is and how right, before and after its temperature."""
    held_out, meta = outcome.held_out, setup.data.metainfo
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


def _label_curve(outcome: Outcome, setup: Setup) -> Content | None:
    """Return F1@10 with half of the labels, all, and what twice as many would give."""
    if outcome.chosen is None or outcome.half is None:
        return None
    chosen = outcome.chosen
    short = next(t for t in outcome.short if t.candidate is chosen.candidate)
    half, whole, full = (t.f1 for t in (outcome.half, short, chosen))
    share = setup.data.half_share
    gain = difference(short, outcome.half, setup.data.persons)

    def twice(aside: float) -> float:
        return 100 - remaining(100 - half + aside, 100 - whole, 100 - full, share)

    return {
        'share': share,
        'half': half,
        'whole': whole,
        'full': full,
        'twice': twice(0),
        'twice_low': twice(gain.low - gain.mean),
        'twice_high': twice(gain.high - gain.mean),
    }


def _candidates(setup: Setup, outcome: Outcome) -> list[Content]:
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
            found = difference(trials[name], trials[chosen], setup.data.persons)
            row['difference'] = asdict(found)
        rows.append(row)
    return rows + [
        {'name': name, 'left_out': reason} for name, reason in plan.left_out.items()
    ]


def _next(setup: Setup, recipes: Sequence[FeatureRecipe]) -> list[str]:
    """Return commands for what is to be done with a model of some recipes."""
    reads, more = 'INPUT', ' --objects OBJECTS' * any(one.kinds for one in recipes)
    more += ' --places PLACES' * any(one.places for one in recipes)
    more += ' --person each' * all('individual' in v for v in setup.data.videos)
    if any(one.in_3d for one in recipes):
        # They have objects and places, too.
        reads, more = 'ANNOTATIONS', ''
    return [
        f'mmskelseg segment {reads} {setup.folder.path}{more}',
        f'mmskelseg suggest VIDEOS {setup.folder.path}',
        f'mmskelseg train {setup.folder.path}',
        f'mmskelseg fit ANN --out DIR --plan {setup.folder.plan}',
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
