"""What to train within some minutes: candidates, folds, and half of the labels."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from heapq import heapreplace
from math import ceil
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Annotated

from mmskelseg.engine.choosing import choose, show_several
from mmskelseg.engine.jobs import ConfigRequest
from mmskelseg.engine.new_config import Choice
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.messages.options import Count, Where
from mmskelseg_io.structures.annotations import AnnotationFile
from mmskelseg_io.structures.bodies import only_in_3d
from mmskelseg_io.structures.observers import differ

#: Candidates are compared, and the label curve is measured, with this part of a
#: training.
PART = 0.2
#: They are only if trainings have this part of their full length: short ones need a
#: tenth of the steps of a full one to say anything.
LONG = 0.5
# Trainings are shortened in steps of the first part of their length. Those below the
# second are of little use, and only take place so that a fit ends in time.
_STEP, _SHORTEST = 0.05, 0.1
_LENGTHS = [*(round(n * _STEP, 2) for n in range(round(1 / _STEP), 0, -1)), 0.02, 0.01]
# A plan is for this share of the time, since machines get busier as well.
_SHARE = 0.9
# Seconds that a training takes beside its steps, with its test, on one core of an AMD
# EPYC, and how many times as long the final model is tested, exported and reported.
_START, _FINISH = 1.5, 3
# A first model, for whoever waits, takes this long, unless that is half of a training.
_FIRST, _NEARLY = 40.0, 0.5
# Seconds that no training takes.
_LONGEST = 1e9
_Seconds = Annotated[float, Where('seconds', lambda time: 0 < time < _LONGEST)]
_Share = Annotated[float, Where('more than 0, and up to 1', lambda part: 0 < part <= 1)]
#: The stages of a fit, each of which begins when the one before has ended.
COMPARING = 'Comparing configs'
FINALISTS = 'Comparing the best in full'
TRAINING = 'Training, and testing on held-out videos'
LABELS = 'Measuring what more labels bring'
FINISHING = 'Testing and exporting the final model'
_ANYTHING = ConfigRequest()
_REMEDY = 'name the plan.json of a fit to the same data'


@dataclass(frozen=True)
class Candidate:
    """A config that may fit the data best.

    Attributes:
        name: Its name, which is also that of its folder.
        request: The options of ``mmskelseg make-config`` that write it.
        choice: What it is for the whole training split.
        only_compared: Whether it cannot be the final model, since it reads joints in 3D
            that new videos will not have.
    """

    name: str
    request: ConfigRequest
    choice: Choice
    only_compared: bool = False

    @property
    def seconds(self) -> float:
        """The time of a full training on one core, as assumed."""
        return self.choice.seconds

    @property
    def step_seconds(self) -> float:
        """The time of a step of one network on one core."""
        plan = self.choice.plan
        return self.seconds / (plan.steps * plan.members)

    @property
    def kind(self) -> ConfigRequest:
        """What its speed depends on."""
        return replace(self.request, any_order=None, observers='majority')

    @property
    def options(self) -> str:
        """The options of ``mmskelseg make-config`` as text."""
        texts = []
        for one in fields(self.request):
            value, flag = getattr(self.request, one.name), one.name.replace('_', '-')
            if isinstance(value, bool) and value != one.default:
                texts.append(f'--{"no-" * (not value)}{flag}')
            elif value != one.default:
                texts.append(f'--{flag} {value}')
        return ' '.join(texts)


@dataclass(frozen=True)
class FitPlan:
    """What a fit trains, in types of JSON: ``plan.json`` in its folder.

    Attributes:
        compared: The names of the candidates, the default first.
        left_out: Why others are not among them, by name.
        finalists: How many of them are trained in full on all folds.
        length: Trainings are compared that are ``PART`` of this part of what
            ``mmskelseg make-config`` plans.
        full: Full trainings are this part of it, ``length`` unless the comparison took
            longer than foretold.
        seconds: Approximate time of the steps of an unshortened training, by name.
        start: What a training takes beside its steps.
        minutes_in_full: The minutes with which trainings would not be shortened.
    """

    compared: list[str]
    left_out: dict[str, str]
    finalists: Count
    length: _Share
    full: _Share
    seconds: dict[str, _Seconds]
    start: _Seconds
    minutes_in_full: int

    def write(self, path: Path) -> None:
        """Write the plan as :func:`read_plan` reads it."""
        atomic_write_text(path, json.dumps(asdict(self), indent=1))

    @property
    def is_long(self) -> bool:
        """Whether trainings of a part of this length say something."""
        return self.length >= LONG

    @property
    def first(self) -> float:
        """The length of a first model of the default; 0 if there is none."""
        length = (_FIRST - self.start) / self.seconds[self.compared[0]]
        return length if 0 < length < _NEARLY * self.full else 0.0

    @property
    def finish(self) -> float:
        """The seconds that test, export and report of the final model take."""
        return _FINISH * self.start

    def cost(self, name: str, length: float) -> float:
        """Return the seconds of a training of some length."""
        return self.start + length * self.seconds[name]

    def trainings(self, folds: int) -> dict[str, list[float]]:
        """Return the seconds of all trainings, if the slowest candidate is chosen.

        There is a list for each stage: the comparison, finalists if there are several,
        the final model with what is left of its cross-validation, and half of the
        labels. Any may be empty. The first model is in the first stage.
        """
        names = sorted(self.compared, key=lambda name: -self.seconds[name])
        short, full = (
            [self.cost(name, length) for name in names]
            for length in (PART * self.length, self.full)
        )
        compared, finalists = folds * short, folds * full[: self.finalists]
        half = folds * short[:1] if self.is_long else []
        final = full[:1]
        if len(names) == 1:
            compared, finalists, final = [], [], finalists + final + half
        elif self.finalists == 1:
            finalists, final = [], finalists + final
        if self.first:
            begins = compared or final
            begins.insert(0, self.cost(self.compared[0], self.first))
        return {
            COMPARING: compared, FINALISTS: finalists, TRAINING: final, LABELS: half,
        }  # fmt: skip

    def times(self, folds: int, processes: int) -> dict[str, float]:
        """Return the seconds of each stage, in some processes."""
        stages = self.trainings(folds).items()
        times = {name: wall(seconds, processes) for name, seconds in stages}
        return {**times, FINISHING: self.finish}

    def after_comparing(self, folds: int, processes: int) -> float:
        """Return the seconds of all stages that follow the comparison."""
        return after(COMPARING, self.times(folds, processes))

    def without(self, names: Sequence[str], why: str) -> 'FitPlan':
        """Return the plan without some candidates."""
        kept = [name for name in self.compared if name not in names]
        left_out = {**self.left_out, **dict.fromkeys(names, why)}
        finalists = min(self.finalists, len(kept))
        return replace(self, compared=kept, left_out=left_out, finalists=finalists)

    def shortened(self, folds: int, processes: int, seconds: float) -> 'FitPlan':
        """Return the plan with full trainings for which the seconds are enough.

        They are those that are left after the comparison.
        """
        lengths = [n for n in _LENGTHS if n < self.full]
        plans = [self, *(replace(self, full=length) for length in lengths)]
        enough = (p for p in plans if p.after_comparing(folds, processes) <= seconds)
        return next(enough, plans[-1])


@dataclass(frozen=True)
class Limits:
    """What a fit may take, and the folds that it has; ``compare`` may be None: all.

    If the minutes are too short for a useful training, ``always`` shortens it further.
    """

    minutes: float
    processes: int
    folds: int
    compare: int | None = None
    always: bool = False


def after(stage: str, times: Mapping[str, float]) -> float:
    """Return the time of all stages that follow one.

    >>> after('b', {'a': 1.0, 'b': 2.0, 'c': 3.0, 'd': 4.0})
    7.0
    """
    names = [*times]
    return sum(times[name] for name in names[names.index(stage) + 1 :])


def wall(seconds: Sequence[float], processes: int) -> float:
    """Return how long trainings take in processes, each of which takes the longest.

    >>> wall([2, 2, 3], processes=2)
    4.0
    """
    lanes = [0.0] * processes
    for one in sorted(seconds, reverse=True):
        heapreplace(lanes, lanes[0] + one)
    return max(lanes)


def candidates(
    data: AnnotationFile,
    path: Path,
    splits: tuple[str, str],
    asked: ConfigRequest = _ANYTHING,
) -> tuple[list[Candidate], dict[str, str]]:
    """Return the candidates for an annotation file, and why others are none.

    The first is what ``mmskelseg make-config`` writes by itself; those that are likely
    to be better follow first. ``asked`` may name their recipe, and whether any may see
    the objects and places of the file.

    Raises:
        UserError: If none can be trained, with the reason of the first.
    """
    videos = data['annotations']
    has_3d = all('keypoint_3d' in video for video in videos)
    are_several = show_several(videos)
    objects, places = asked.objects, asked.places
    found: list[Candidate] = []
    refused: dict[str, UserError] = {}
    recipes = ['pose2d', *['pose3d'] * has_3d, 'heatmap', 'heatmap_cnn']
    if asked.recipe or only_in_3d(data['metainfo']):
        recipes = [asked.recipe or 'pose3d']
    for recipe in recipes:
        one = replace(asked, recipe=recipe)
        requests = {recipe: one}
        if not found and are_several:
            requests[f'{recipe}_pairs'] = replace(one, pairs=True)
            requests[f'{recipe}_without_pairs'] = replace(one, pairs=False)
        if not found and objects and any(video.get('objects') for video in videos):
            requests[f'{recipe}_without_objects'] = replace(one, objects=False)
        if not found and places and any(video.get('places') for video in videos):
            requests[f'{recipe}_without_places'] = replace(one, places=False)
        if not found and any(map(differ, videos)):
            requests[f'{recipe}_shares'] = replace(one, observers='shares')
        if not found:
            requests |= {
                f'{recipe}_known_orders': replace(one, any_order=False),
                f'{recipe}_any_order': replace(one, any_order=True),
                f'{recipe}_ms_tcn2': replace(one, segmentor='ms_tcn2'),
            }
        for name, request in requests.items():
            try:
                choice = choose(data, path, splits, request)
            except UserError as error:
                refused[name] = error
                continue
            # One of both orders is the default, and so is one with pairs or without.
            if found and (
                request.any_order == found[0].choice.any_order
                or request.pairs == (found[0].choice.pairs is not None)
            ):
                continue
            only_compared = recipe == 'pose3d' and recipes[0] != 'pose3d'
            found.append(Candidate(name, request, choice, only_compared))
    if not found:
        raise next(iter(refused.values()))
    return found, {name: str(error) for name, error in refused.items()}


def plan_fit(
    found: Sequence[Candidate],
    left_out: Mapping[str, str],
    limits: Limits,
    paces: Mapping[ConfigRequest, float],
    spent: float = 0.0,
) -> FitPlan:
    """Return what to train within some minutes.

    If the default and one more candidate can be trained for long, they are compared;
    what remains is for more candidates, and then for finalists.

    Args:
        found: The candidates.
        left_out: Why others are none.
        limits: The time, and what may be done in it.
        paces: How many times as long as assumed a kind of training takes; others take
            as much longer as those in the middle.
        spent: The seconds that have passed.

    Raises:
        UserError: If the minutes are too short for any training.
    """
    pace = median(paces.values()) if paces else 1.0
    seconds = {one.name: one.seconds * paces.get(one.kind, pace) for one in found}
    # Reading and writing files take as long with a GPU.
    start = _START * max(pace, 1)

    def plan(number: int, length: float, finalists: int = 1) -> FitPlan:
        own = dict([*seconds.items()][:number])
        return FitPlan([*own], {}, finalists, length, length, own, start, 0)

    def minutes(number: int, length: float, finalists: int = 1) -> float:
        times = plan(number, length, finalists).times(limits.folds, limits.processes)
        return (spent + sum(times.values())) / 60 / _SHARE

    # Candidates are compared on held-out persons; there are none of a single one.
    most = min(limits.compare or len(found), len(found)) if limits.folds else 1
    least = _LENGTHS[-1] if limits.always else _SHORTEST
    sizes = (one for one in _sizes(most, least) if minutes(*one) <= limits.minutes)
    number, length, finalists = next(sizes, (int(limits.always), least, 1))
    if not number:
        raise UserError(
            f'--minutes {limits.minutes:g} is too short: on this machine, the shortest '
            f'useful training needs --minutes {ceil(minutes(1, least))}.'
        )
    why = 'there is too little time: --minutes {} would include it'
    if not limits.folds:
        why = 'the training videos show one person, so none can be held out'
    elif most == number:
        why = f'at most {most} may be compared'
    skipped = {
        name: why.format(ceil(minutes(n, max(length, LONG), finalists)))
        for n, name in enumerate([*seconds][number:], start=number + 1)
    }
    return replace(
        plan(number, length, finalists),
        left_out={**left_out, **skipped},
        minutes_in_full=ceil(minutes(min(2, most), 1)),
    )


def _sizes(most: int, least: float) -> Iterator[tuple[int, float, int]]:
    """Yield how many candidates to compare, for how long, and how many in full.

    The best come first; a single candidate is trained for the ``least`` length or more.
    """
    for length in _LENGTHS:
        for number in range(most, 1, -1) if length >= LONG else ():
            for finalists in range((number + 1) // 2, 0, -1):
                yield number, length, finalists
    for length in _LENGTHS:
        if length >= least:
            yield 1, length, 1


def plan_measured(
    found: Sequence[Candidate],
    left_out: Mapping[str, str],
    limits: Limits,
    measure: Callable[[Sequence[Candidate]], Mapping[ConfigRequest, float]],
    spent: Callable[[], float],
    known: Mapping[ConfigRequest, float] = MappingProxyType({}),
) -> FitPlan:
    """Return what to train, as in :func:`plan_fit`, by measured speeds.

    ``measure`` returns the paces of some candidates, as many as there are processes,
    which trains all of them at the same time. The first are measured, and then those
    that are in the plan, but for those whose pace is ``known``.
    """
    paces = dict(known)
    todo = found[: limits.compare] if limits.folds else found[:1]
    while True:
        kinds: dict[ConfigRequest, Candidate] = {}
        for one in todo:
            kinds.setdefault(one.kind, one)
        wanted = [one for kind, one in kinds.items() if kind not in paces]
        if wanted:
            paces |= measure(wanted[: limits.processes])
        plan = plan_fit(found, left_out, limits, paces, spent())
        todo = [c for c in found if c.name in plan.compared and c.kind not in paces]
        if not todo:
            return plan


def read_plan(path: Path, found: Sequence[Candidate]) -> FitPlan:
    """Return the plan in a file, for an annotation file with these candidates.

    Raises:
        UserError: If it is none, or not for this data.
    """
    plan = read_typed(path, FitPlan, '`mmskelseg fit`', _REMEDY)
    known = [one.name for one in found if one.name in plan.seconds]
    if not plan.compared or {*plan.compared} - {*known}:
        raise UserError(
            f'{path}: compared is {shown(plan.compared)}, expected some of {known}; '
            f'{_REMEDY}.'
        )
    return plan
