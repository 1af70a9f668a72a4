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
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Where
from mmskelseg_studio.project import Project, check_segments

#: The file of predictions in the folder of a model.
PREDICTIONS = 'predictions.json'
_REMEDY = 'train again'
# The mean of scores may be so much above 1.
_ROUNDED = 1e-3
_Score = Annotated[
    float, Where('a score from 0 to 1', lambda score: 0 <= score <= 1 + _ROUNDED)
]
#: First frame, end, class and score, if there is one, of a predicted segment.
PredictedSegment = tuple[int, int, int, _Score | None]


@dataclass(frozen=True)
class Uncertain:
    """An interval to check, and why."""

    video: str
    start_frame: int
    end_frame: int
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

    def of_project(self, project: Project, place: str) -> 'Predictions':
        """Return those of recordings that a project has, in all of its tiers.

        Raises:
            UserError: If one does not fit the project; the message names the place.
        """
        doubts = []
        for i, one in enumerate(self.doubts):
            if known := project.recordings.get(one.video):
                if not 0 <= one.start_frame < one.end_frame <= known.frames:
                    raise UserError(
                        f'{place}: doubts[{i}] goes from {one.start_frame} to '
                        f'{one.end_frame}, expected frames from 0 to {known.frames}; '
                        f'{_REMEDY}.'
                    )
                doubts.append(one)
        found = {
            name: _rows(rows, project, name, f'{place}: recording {name!r}')
            for name, rows in self.recordings.items()
            if name in project.recordings
        }
        return Predictions(found, doubts, self.seen)

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
        UserError: If a file is missing, damaged, or of another project.
    """
    file, report = folder / PREDICTIONS, folder / 'report.json'
    found = read_typed(file, Predictions, 'the studio', _REMEDY)
    facts = _facts(FitReport.read(report)) if report.exists() else None
    found = found.of_project(project, str(file))
    return TrainedModel(found, facts, folder / 'report.html')


def _rows(
    rows: Sequence[list[PredictedSegment]], project: Project, name: str, place: str
) -> list[list[PredictedSegment]]:
    if len(rows) > len(project.tiers):
        raise UserError(
            f'{place} has predictions of {len(rows)} of {len(project.tiers)} tiers; '
            f'{_REMEDY}.'
        )
    # Tiers that were added since have none.
    found = [*rows, *([] for _ in project.tiers[len(rows) :])]
    for row, tier in zip(found, project.tiers, strict=True):
        try:
            frames = project.recordings[name].frames
            check_segments([one[:3] for one in row], 0, frames, tier, least=0)
        except UserError as error:
            raise UserError(f'{place}: {error} {_REMEDY.capitalize()}.') from None
    return found


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
    return {'minutes': report.data.train.minutes, 'held_out': shown, 'more': more}
