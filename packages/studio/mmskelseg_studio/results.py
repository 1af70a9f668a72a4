"""What a training has left: predictions, what to check first, and a report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from mmskelseg_behaviour.scores import SCORES
from mmskelseg_behaviour.verdicts import FitReport
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.typed import Name, read_typed
from mmskelseg_io.messages.options import Count, CountOrZero, Where
from mmskelseg_studio.project import Project

#: The file of predictions in the folder of a model.
PREDICTIONS = 'predictions.json'
_REMEDY = 'train again'
# The mean of scores may be so much above 1.
_ROUNDED = 1e-3
_Score = Annotated[
    float, Where('a score from 0 to 1', lambda score: 0 <= score <= 1 + _ROUNDED)
]
#: First frame, end, class and score, if there is one, of a predicted segment.
PredictedSegment = tuple[CountOrZero, Count, CountOrZero, _Score | None]


@dataclass(frozen=True)
class Uncertain:
    """An interval to check, and why."""

    video: str
    start_frame: CountOrZero
    end_frame: Count
    score: float
    reason: Name


@dataclass(frozen=True)
class Predictions:
    """What a model says of recordings: the content of ``PREDICTIONS``.

    Attributes:
        recordings: The segments of each tier, by recording.
        doubts: Intervals to check, the best first.
        seen: First frame and end of what was learnt from, of each tier, by recording.
            What is predicted there says little about other recordings.
    """

    recordings: dict[str, list[list[PredictedSegment]]]
    doubts: list[Uncertain]
    seen: dict[str, list[list[tuple[int, int]]]] = field(default_factory=dict)

    def placed(self, ids: Mapping[int, Sequence[int]]) -> 'Predictions':
        """Return predictions with the tiers and classes of a project.

        ``ids`` has, by the index in the project of each tier of the model, the ids of
        its classes; those of a model that knows fewer tiers or classes follow in order.
        """
        found = {}
        for name, rows in self.recordings.items():
            own: list[list[PredictedSegment]] = [[] for _ in range(max(ids) + 1)]
            for (i, kinds), row in zip(ids.items(), rows, strict=False):
                own[i] = [(start, end, kinds[k], score) for start, end, k, score in row]
            found[name] = own
        return replace(self, recordings=found)

    def of_project(self, project: Project) -> 'Predictions':
        """Return those of recordings that a project has, in all of its tiers."""
        # Tiers that were added since have none.
        more: list[list[PredictedSegment]] = [[] for _ in project.tiers]
        recordings = {
            name: [*rows, *more[len(rows) :]]
            for name, rows in self.recordings.items()
            if name in project.recordings
        }
        doubts = [one for one in self.doubts if one.video in project.recordings]
        return replace(self, recordings=recordings, doubts=doubts)

    def write(self, file: Path) -> None:
        """Write the file that is read as typed JSON."""
        content = {**vars(self), 'doubts': [vars(one) for one in self.doubts]}
        atomic_write_text(file, json.dumps(content))


@dataclass(frozen=True)
class TrainedModel:
    """What a training has left.

    Attributes:
        predictions: What it says of the recordings.
        facts: What the page says about the model; None about one that was given.
        report: The page about it.
    """

    predictions: Predictions
    facts: Mapping[str, Any] | None
    report: Path


def read_trained(folder: Path, project: Project) -> TrainedModel:
    """Return what a training has left in the folder of its model.

    Raises:
        UserError: If a file is missing or damaged.
    """
    file, report = folder / PREDICTIONS, folder / 'report.json'
    found = read_typed(file, Predictions, 'the studio', _REMEDY).of_project(project)
    facts = _facts(FitReport.read(report)) if report.exists() else None
    return TrainedModel(found, facts, folder / 'report.html')


def _facts(report: FitReport) -> dict[str, Any]:
    """Return what the page says about a model, of which there is a report."""
    held_out = report.scores.get('held_out', {})
    curve = {k: v for k, v in report.label_curve.items() if v is not None}
    more = None
    if {'half', 'whole', 'full', 'twice'} <= curve.keys():
        gain = curve['twice'] - curve['full']
        more = 'More labels would hardly help.'
        if gain >= 1:
            score = f'{curve["twice"]:.0f}'
            more = f'Twice as many labels would give F1@10 of about {score}.'
        elif curve['whole'] <= curve['half']:
            more = 'There are too few labels to tell whether more would help.'
    shown = [
        {
            'title': SCORES[key].title,
            'meaning': SCORES[key].meaning,
            'text': SCORES[key].text(value, short=True),
        }
        for key in SCORES
        if (value := held_out.get(key)) is not None
    ]
    found = [
        {
            'name': one.name,
            'bouts': one.bouts[0],
            'found': one.found,
            'invented': one.bouts[1] - one.found,
            'seconds': one.edge_error,
        }
        for one in report.classes
        if any(one.bouts)
    ]
    minutes = report.data.train.minutes
    return {'minutes': minutes, 'held_out': shown, 'found': found, 'more': more}
