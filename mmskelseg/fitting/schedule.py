"""What to train within some minutes: candidates, folds, and half of the labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import ceil
from pathlib import Path

from mmskelseg.engine.choosing import Chosen, Wish, choose, shows_several
from mmskelseg.runtime.messages.counts import duration
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.annotations import AnnotationFile

#: Candidates are compared, and the label curve is measured, with this part of a
#: training.
PART = 0.2
# Trainings take this share of the time; the rest is for tests, export and pictures.
_SHARE = 0.8
# Beside others, a training takes this many times as long: cores share memory.
_BESIDE = 1.5
# Full trainings are shortened in steps of the first, down to the second part of their
# length.
_STEP, _SHORTEST = 0.05, 0.1


@dataclass(frozen=True)
class Candidate:
    """A config that may fit the data best.

    Attributes:
        name: Its name, which is also that of its folder.
        wish: The options of ``mmskelseg make-config`` that write it.
        chosen: What it is for the whole training split, and how long that takes.
    """

    name: str
    wish: Wish
    chosen: Chosen

    @property
    def seconds(self) -> float:
        """The time of a full training on one core."""
        return self.chosen.plan.seconds(self.chosen.choice.recipe)

    @property
    def options(self) -> str:
        """The options of ``mmskelseg make-config`` as text."""
        wish = self.wish
        texts = [f'--recipe {wish.recipe}']
        texts += [f'--segmentor {wish.segmentor}'] * (wish.segmentor is not None)
        texts += ['--no-any-order'] * (wish.any_order is False)
        texts += ['--pairs'] * wish.pairs
        return ' '.join(texts)


@dataclass(frozen=True)
class Schedule:
    """What is trained.

    Attributes:
        compared: The candidates, the default first.
        left_out: Why others are not among them, by name.
        finalists: How many of them are trained in full on all folds.
        length: Full trainings are this part of what ``mmskelseg make-config`` plans.
        seconds: Approximate time of all trainings, one after another.
        time: The time that they take in their processes, in seconds.
    """

    compared: Sequence[Candidate]
    left_out: dict[str, str]
    finalists: int
    length: float
    seconds: float
    time: float


def candidates(
    data: AnnotationFile, path: Path, splits: tuple[str, str]
) -> tuple[list[Candidate], dict[str, str]]:
    """Return the candidates for an annotation file, and why others are none.

    The first is what ``mmskelseg make-config`` writes by itself; those that are likely
    to be better follow first.

    Raises:
        UserError: If none can be trained, with the reason of the first.
    """
    videos = data['annotations']
    has_3d = all('keypoint_3d' in video for video in videos)
    are_several = all(map(shows_several, videos))
    found: list[Candidate] = []
    refused: dict[str, UserError] = {}
    for recipe in (*['pose3d'] * has_3d, 'pose2d', 'heatmap', 'heatmap_cnn'):
        wishes = {recipe: Wish(recipe)}
        if not found:
            if are_several:
                wishes[f'{recipe}_pairs'] = Wish(recipe, pairs=True)
            wishes[f'{recipe}_known_orders'] = Wish(recipe, any_order=False)
            wishes[f'{recipe}_ms_tcn2'] = Wish(recipe, 'ms_tcn2')
        for name, wish in wishes.items():
            try:
                chosen = choose(data, path, splits, wish)
            except UserError as error:
                refused[name] = error
                continue
            # Without adjacent segments, there is nothing to recombine anyway.
            if wish.any_order is None or found[0].chosen.choice.any_order:
                found.append(Candidate(name, wish, chosen))
    if not found:
        raise next(iter(refused.values()))
    return found, {name: str(error) for name, error in refused.items()}


def plan_schedule(
    found: Sequence[Candidate],
    left_out: dict[str, str],
    folds: int,
    minutes: float,
    processes: int,
    most: int | None = None,
) -> Schedule:
    """Return what to train within some minutes.

    Full trainings are shortened only if the default and one more candidate could not
    be compared otherwise. What remains is for more candidates, and then for finalists.
    At most ``most`` candidates are compared, each process has a core of its own, and
    ``left_out`` says why others are no candidates.

    Raises:
        UserError: If the minutes are too short for any training.
    """
    # How many seconds of trainings a second takes.
    rate = _SHARE * processes / (_BESIDE if processes > 1 else 1)
    budget = minutes * 60 * rate
    seconds = partial(_seconds, folds)

    def needed(total: float) -> int:
        return ceil(total / 60 / rate)

    # Candidates are compared on held-out persons; there are none of a single one.
    available = found[:most] if folds else found[:1]
    fitting = _STEP * int(budget / seconds(available[:2], 1, _STEP))
    length = round(min(max(fitting, _SHORTEST), 1), 2)
    if seconds(available[:1], 1, length) > budget:
        least = seconds(available[:1], 1, length)
        raise UserError(
            f'--minutes {minutes:g} is too short: even short trainings take about '
            f'{duration(least / rate)}; use --minutes {needed(least)}.'
        )
    number, finalists = _numbers(available, length, budget, seconds)
    why = 'there is too little time: --minutes {} would include it'
    if not folds:
        why = 'the training videos show one person, so none can be held out'
    elif most == number:
        why = f'at most {most} may be compared (--compare)'
    times = (needed(seconds(found[:n], finalists, length)) for n in count(number + 1))
    pairs = zip(found[number:], times, strict=False)
    skipped = {candidate.name: why.format(time) for candidate, time in pairs}
    total = seconds(available[:number], finalists, length)
    return Schedule(
        available[:number], left_out | skipped, finalists, length, total,
        total / rate * _SHARE,
    )  # fmt: skip


def _numbers(
    available: Sequence[Candidate],
    length: float,
    budget: float,
    seconds: Callable[[Sequence[Candidate], int, float], float],
) -> tuple[int, int]:
    """Return how many candidates, and how many finalists, a budget allows."""
    number = finalists = 1
    while available[number:] and seconds(available[: number + 1], 1, length) <= budget:
        number += 1
    while 2 * finalists < number and (
        seconds(available[:number], finalists + 1, length) <= budget
    ):
        finalists += 1
    return number, finalists


def _seconds(
    folds: int, compared: Sequence[Candidate], finalists: int, length: float
) -> float:
    """Return the time of all trainings on one core, if the dearest is chosen."""
    costs = sorted((candidate.seconds for candidate in compared), reverse=True)
    full = folds * sum(costs[:finalists]) + costs[0]
    # All of them in the comparison, and one on half of the labels.
    return length * (full + folds * PART * (sum(costs) + costs[0]))
