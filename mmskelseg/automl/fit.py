"""From an annotation file to a folder with a model and a report."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic

import numpy as np

from mmskelseg.automl.carriers import find_carriers
from mmskelseg.automl.folds import FitData
from mmskelseg.automl.job import Fit, Fitted
from mmskelseg.automl.model_folder import ModelFolder
from mmskelseg.automl.observers import find_observers
from mmskelseg.automl.people import sentences
from mmskelseg.automl.planning import (
    Candidate,
    FitPlan,
    Limits,
    candidates,
    plan_fit,
    plan_measured,
    read_plan,
)
from mmskelseg.automl.progress import Progress
from mmskelseg.automl.report import Content, write_report
from mmskelseg.automl.speed import paces, recent_paces
from mmskelseg.automl.steps import Execute, Trainings, execute_steps
from mmskelseg.automl.trials import Setup
from mmskelseg.datasets.inspection.report import overview
from mmskelseg.datasets.inspection.sanity_checks import sanity_checks
from mmskelseg.datasets.inspection.summary import summarize
from mmskelseg.engine.choosing import asked_splits
from mmskelseg.engine.cross_validation import in_processes, submitted
from mmskelseg.engine.jobs import ConfigRequest
from mmskelseg_behaviour.scores import score_texts
from mmskelseg_io.files.annotations import (
    labelled_videos,
    load_annotations,
    split_names,
)
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.processes import Workers, worker_processes
from mmskelseg_io.messages.counts import counted, duration, listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.persons import persons_of
from mmskelseg_io.structures.tiers import (
    flat_label,
    labelled_frames,
    tiers_of,
    with_flat_labels,
)
from mmskelseg_runtime.segmenting.frame_rates import resampled

# What is shown of the data.
_SHOWN = (
    'data set', 'videos', 'fps', 'skeleton', 'view', 'missing', 'segments',
    'background', 'unlabelled',
)  # fmt: skip
# The videos that are scored.
_PARTS = {'test': 'Test videos', 'held_out': 'Held-out videos'}
# A longer time without labels at the end of a video is mentioned, in seconds.
_LONG_END = 2.0


def fit(job: Fit, events: Events) -> Fitted:
    """Train the model that suits an annotation file, and write a report about it.

    A fit in the folder ``job.out`` that was stopped goes on.

    Raises:
        UserError: If the data cannot be trained, the time is too short, or a training
            fails.
    """
    began, ann_file = monotonic(), job.ann_file
    own, notes, reason = _read(job)
    train, test = (own.split.get(name, ()) for name in ('train', 'test'))
    setup = Setup(ModelFolder(job.out), own.with_joined_clips(), job.seed)
    everyone, _ = persons_of(own.videos, job.group_by)
    shared = sorted({everyone[n] for n in train} & {everyone[n] for n in test})
    summary = summarize(own.annotations, ann_file.parent)
    suspicions = sanity_checks(own.annotations, ann_file.parent)
    rows = overview(str(ann_file), summary)
    events.note('\n'.join(f'{name:12}{rows[name]}' for name in _SHOWN))
    events.note(f'held out    {_held_out(setup, reason)}')
    people = find_observers(job, own.annotations, everyone)
    for note in [*notes, *_notes(setup, shared, suspicions), *people.notes]:
        events.note(f'note        {note}')
    reads_places = job.places and not setup.data.joined
    found, left_out = candidates(
        own.annotations,
        ann_file,
        own.splits,
        ConfigRequest(recipe=job.recipe, objects=job.objects, places=reads_places),
    )
    for name, line in found[0].choice.lines.items():
        if name in ('pairs', 'objects', 'places'):
            events.note(f'note        {line}')
    setup.begin(_settings(job))
    with worker_processes(job.processes) as submit:
        measure = partial(paces, setup, submit, job.processes, events)
        plan = _plan(setup, found, left_out, job, measure, began)
        compared = [one for name in plan.compared for one in found if one.name == name]
        events.note('\n'.join(_planned(setup, plan, job, compared)))
        trainings = _trainings(setup, plan, job, submit, events, began)
        outcome = execute_steps(compared, trainings, submit)
    carriers = find_carriers(setup, outcome, events, trainings.deadline)
    given = summary, suspicions, shared, people, carriers
    report = write_report(setup, outcome, *given)
    events.note('\n'.join(_reported(report)))
    events.note(f'Report:  {setup.folder.path / "report.html"}')
    events.note(f'Reads:   {", ".join(report["reads"])}')
    events.note(f'Segment: {report["next"][0]}')
    scores = {
        part: report['scores'][part] for part in _PARTS if part in report['scores']
    }
    return Fitted(setup.folder.path, scores)


def _read(job: Fit) -> tuple[FitData, list[str], str]:
    """Return the data, what was done to read them, and how persons are known.

    Raises:
        UserError: If the training videos cannot teach anything.
    """
    ann_file = job.ann_file
    data = load_annotations(ann_file, observers=True)
    for video in data['annotations']:
        if 'filename' in video:
            # The folder gets another annotation file.
            file = ann_file.parent / video['filename']
            video['filename'] = os.path.abspath(file)
    train, test, split = _splits(data, job)
    shown = {v['frame_dir']: v for v in data['annotations']}
    notes = [*_at_one_rate(shown, train, test)]
    videos = labelled_videos([shown[name] for name in train], split, ann_file)
    _check(ann_file, videos, data['metainfo'])
    persons, reason = persons_of(videos, job.group_by)
    if unlabelled := len(train) - len(videos):
        verb = 'has no label and is' if unlabelled == 1 else 'have no label and are'
        notes.append(f'{counted(unlabelled, "training video")} {verb} left out')
    return FitData.of(data, [*persons], test, persons), notes, reason


def _at_one_rate(
    shown: Mapping[str, VideoAnnotation], train: Sequence[str], test: Sequence[str]
) -> Iterator[str]:
    """Bring videos to the frame rate of most training videos; yield a note if any is.

    A model learns how far joints move between frames, and counts in them.
    """
    own = Counter(float(shown[name]['fps']) for name in train)
    fps = max(own, key=lambda rate: (own[rate], -rate))
    used = {*train, *test}
    others = [shown[name] for name in used if shown[name]['fps'] != fps]
    for video in others:
        video.update(resampled(video, fps))
        # Whose frames are others now.
        video.pop('filename', None)
    if others:
        of = f'{len(others)} of {counted(len(used), "video")}'
        yield f'read at {fps:g} frames per second, the rate of most: {of}'


def _splits(data: AnnotationFile, job: Fit) -> tuple[list[str], list[str], str]:
    """Return the training and test videos, and the name of the training split."""
    train, test = asked_splits(data, job.ann_file, job)
    if (job.train, job.test, job.fold) == (None, None, None) and '/' in str(train):
        # With folds alone, all videos are for training.
        train, test = None, None
    held_out = [] if test is None else split_names(data, test)
    everything = [video['frame_dir'] for video in data['annotations']]
    others = [name for name in everything if name not in held_out]
    learned = others if train is None else split_names(data, train)
    if not learned:
        raise UserError(
            f'{job.ann_file}: all {len(held_out)} videos are in the split {test!r}, '
            "and none is left to train on; add a split 'train'."
        )
    return learned, held_out, train or 'train'


def _check(path: Path, videos: Sequence[VideoAnnotation], metainfo: Metainfo) -> None:
    """Raise a UserError if the training videos cannot teach anything."""
    shown = _shown(videos, metainfo)
    if max(map(len, shown)) < 2:
        names = [name for row in shown for name in row]
        raise UserError(
            f'{path}: the training videos show only the class'
            f'{"es" * (len(names) > 1)} {listed(names)}; label at least two, so that '
            'there is something to tell apart.'
        )


def _shown(videos: Sequence[VideoAnnotation], metainfo: Metainfo) -> list[list[str]]:
    """Return the names of the classes that videos show, for each tier."""
    tiers, names = tiers_of(metainfo), metainfo['classes']
    labels = [np.unique(flat_label(video['label'], tiers)) for video in videos]
    found = set(np.concatenate(labels).tolist())
    return [
        [repr(names[c]) for c in range(t.rows.start, t.rows.stop) if c in found]
        for t in tiers
    ]


def _notes(
    setup: Setup,
    shared: Sequence[str],
    suspicions: Sequence[object],
) -> Iterator[str]:
    """Yield what may limit the model, or what is known of it, in sentences."""
    data, meta = with_flat_labels(setup.data.annotations), setup.data.metainfo
    shown = {video['frame_dir']: video for video in data['annotations']}
    train = [v for v in setup.data.videos if v['frame_dir'] in setup.data.persons]
    for tier, names in zip(tiers_of(meta), _shown(train, meta), strict=True):
        if len(names) < 2:
            yield (
                f'of the tier {tier.name!r}, the training videos show '
                f'{"only " * len(names)}{listed(names)}, so nothing is learned of it'
            )
    alone: dict[str, list[str]] = {}
    for label, name in enumerate(meta['classes']):
        seen = {
            setup.data.persons[video]
            for video in data['split']['train']
            if (shown[video]['label'] == label).any()
        }
        if len(seen) == 1 and setup.data.folds:
            alone.setdefault(seen.pop(), []).append(repr(name))
    for person, names in alone.items():
        yield (
            f'only {person!r} shows {listed(names)}, so how well these are found in '
            'others cannot be tested'
        )
    for name, video in shown.items():
        labelled = np.flatnonzero(labelled_frames(video['label']))
        end = video['total_frames'] - (labelled[-1] + 1 if labelled.size else 0)
        if end / video['fps'] > _LONG_END:
            yield (
                f'the labels of {name!r} end {end / video["fps"]:.1f} s before the '
                'video; these frames are ignored'
            )
    if not setup.data.has_test:
        scores = 'scores are those of the held-out ones'
        without = 'how good the model is cannot be tested'
        yield f'there are no test videos, so {scores if setup.data.folds else without}'
    if setup.data.joined:
        yield f'training videos are clips of one action each, so {setup.data.joined}'
        if any(video.get('places') for video in train):
            yield 'places are left out, since joined clips move people away from them'
    if shared:
        yield (
            f'training and test videos show {listed([*map(repr, shared)], 3)}, so '
            'scores of the test say little about other persons'
        )
    if suspicions:
        findings = counted(len(suspicions), 'suspicious finding')
        yield f'{findings}: `mmskelseg browse` shows them'


def _plan(
    setup: Setup,
    found: Sequence[Candidate],
    left_out: Mapping[str, str],
    job: Fit,
    measure: Callable[[Sequence[Candidate]], Mapping[ConfigRequest, float]],
    began: float,
) -> FitPlan:
    """Return the plan in the folder; if there is none, write the given or a new one."""
    plan = read_plan(job.plan, found) if job.plan else None
    if setup.folder.plan.is_file():
        kept = read_plan(setup.folder.plan, found)
        if plan not in (None, kept):
            raise UserError(
                f'{setup.folder.plan}: is not the plan of {job.plan}; name another '
                'folder with --out.'
            )
        return kept
    limits = Limits(
        job.minutes, job.processes, len(setup.data.folds), job.compare, job.always
    )
    if plan is None and job.executor != 'none':
        plan = plan_fit(found, left_out, limits, {})
    elif plan is None:
        known = recent_paces(setup.folder, found) if job.always else {}
        plan = plan_measured(
            found, left_out, limits, measure, lambda: monotonic() - began, known
        )
    plan.write(setup.folder.plan)
    return plan


def _trainings(
    setup: Setup,
    plan: FitPlan,
    job: Fit,
    submit: Workers,
    events: Events,
    began: float,
) -> Trainings:
    """Return what executes trainings, in processes or as jobs of a cluster."""
    execute_all: Execute = partial(in_processes, submit)
    if job.executor != 'none':
        execute_all = partial(
            submitted,
            folder=setup.folder.path,
            cluster=job.executor,
            options=job.executor_options,
        )
    times = plan.times(len(setup.data.folds), job.processes)
    # A given plan is repeated as it is, and a job of a cluster may wait for its turn.
    is_fixed = job.plan is not None or job.executor != 'none'
    deadline = inf if is_fixed else began + 60 * job.minutes
    given = job.processes, execute_all, deadline, submit.restart
    return Trainings(setup, plan, Progress(events, times), *given)


def _held_out(setup: Setup, reason: str) -> str:
    """Return who is held out in each fold, and how persons are known."""
    if not setup.data.folds:
        return f'nobody, since all count as one person: {reason}'
    splits = [setup.data.split[f'{fold}/test'] for fold in setup.data.folds]
    each = [
        dict.fromkeys(setup.data.persons[name] for name in split) for split in splits
    ]
    persons = counted(sum(map(len, each)), 'person')
    names = '; '.join(listed([*map(repr, who)], 3) for who in each)
    return f'in {len(each)} folds of {persons}: {names}; {reason}'


def _planned(
    setup: Setup, plan: FitPlan, job: Fit, compared: Sequence[Candidate]
) -> Iterator[str]:
    """Yield what will be done."""
    yield ''
    yield f'Configs: {", ".join(plan.compared)}.'
    dims = '3D' if compared[0].request.recipe == 'pose3d' else '2D'
    yield f'The model will read joints in {dims}.'
    for one in compared:
        if one.only_compared:
            yield (
                f'{one.name} is only compared, since joints in 3D are rare in new '
                f'videos; `{one.options}` trains it.'
            )
    for why in dict.fromkeys(plan.left_out.values()):
        names = ', '.join(n for n, reason in plan.left_out.items() if reason == why)
        yield f'Left out: {names}, since {why.rstrip(".")}.'
    time = duration(sum(plan.times(len(setup.data.folds), job.processes).values()))
    yield f'Trainings take about {time}, {job.processes} at a time.'
    if plan.full < 1:
        yield (
            f'They run for {100 * plan.full:.0f} % of their full length; '
            f'--minutes {plan.minutes_in_full} lets them run in full.'
        )
    if job.executor != 'none':
        yield 'These times are assumed, since nothing is measured for a cluster.'
    yield f'Plan: {setup.folder.plan}'
    yield ''


def _reported(report: Content) -> Iterator[str]:
    """Yield the main scores."""
    yield ''
    titles = dict(_PARTS)
    if report['data']['joined']:
        titles['held_out'] = 'Held-out clips, joined'
    for part, title in titles.items():
        if part in report['scores']:
            yield f'{title}: {", ".join(score_texts(report["scores"][part]))}'
    if report['new_person']:
        found = report['new_person']['f1@10']
        who = 'person' if report['data']['persons_known'] else 'recording'
        yield (
            f'A new {who}: in 95 of 100 cases, F1@10 from {found["low"]:.0f} to '
            f'{found["high"]:.0f}'
        )
    if report['observers']:
        yield from sentences(report['observers']['pairs'], report['data'])


def _settings(job: Fit) -> dict[str, object]:
    """Return what determines the result, in types of JSON.

    A machine with another number of cores goes on with the plan that was made.
    """
    names = ('minutes', 'fold', 'group_by', 'seed', 'compare')
    settings = {name: getattr(job, name) for name in names}
    content = hashlib.sha256(job.ann_file.read_bytes()).hexdigest()
    group_by = job.group_by and job.group_by.pattern
    # Others are as usual, and left out.
    settings |= {k: False for k in ('objects', 'places') if not getattr(job, k)}
    others = ('recipe', 'train', 'test')
    settings |= {k: getattr(job, k) for k in others if getattr(job, k)}
    return {'content of annotations': content, **settings, 'group_by': group_by}
