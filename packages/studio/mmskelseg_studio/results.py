"""What a training has left: predictions, what to check first, and a report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from mmskelseg_behaviour.scores import SCORES
from mmskelseg_behaviour.verdicts import FitReport
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.parsing import read_json
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
class _Predictions:
    recordings: dict[str, list[list[PredictedSegment]]]
    doubts: list[Uncertain]
    seen: dict[str, list[list[tuple[int, int]]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """What a training has left.

    Attributes:
        predictions: The segments of each tier, by recording.
        uncertain: Intervals to check, the best first.
        model: What the page says about the model; None about one that was given.
        report: The page about it.
        seen: First frame and end of what was learnt from, of each tier, by recording.
            What is predicted there says little about other recordings.
    """

    predictions: Mapping[str, Sequence[Sequence[PredictedSegment]]]
    uncertain: Sequence[Uncertain]
    model: Mapping[str, Any] | None
    report: Path
    seen: Mapping[str, Sequence[Sequence[Sequence[int]]]]


def read_results(folder: Path, project: Project) -> Results:
    """Return what a training has left in the folder of its model.

    Recordings that the project does not have are left out.

    Raises:
        UserError: If a file is missing, damaged, or of another project.
    """
    file = folder / PREDICTIONS
    content = read_typed(file, _Predictions, 'the studio', _REMEDY)
    predictions = {
        name: _rows(rows, project, name, f'{file}: recording {name!r}')
        for name, rows in content.recordings.items()
        if name in project.recordings
    }
    uncertain = []
    for i, one in enumerate(content.doubts):
        if known := project.recordings.get(one.video):
            start, end, frames = one.start_frame, one.end_frame, known.frames
            if not 0 <= start < end <= frames:
                raise UserError(
                    f'{file}: doubts[{i}] goes from {start} to {end}, expected frames '
                    f'from 0 to {frames}; {_REMEDY}.'
                )
            uncertain.append(one)
    report = folder / 'report.json'
    model = _model(FitReport.read(report)) if report.exists() else None
    page = folder / 'report.html'
    return Results(predictions, uncertain, model, page, content.seen)


def place_predictions(
    part: Path,
    file: Path,
    ids: Mapping[int, Sequence[int]],
    seen: Mapping[str, Sequence[Sequence[Sequence[int]]]] | None = None,
) -> None:
    """Write predictions with the tiers and classes of a project, into another file.

    So is what was ``seen`` in training; see :class:`Results`.

    ``ids`` has, by the index in the project of each tier of the model, the ids of its
    classes; those of a model that knows fewer tiers or classes follow in order.
    """
    content = read_json(part, 'the studio')
    for name, rows in content['recordings'].items():
        placed: list[list] = [[] for _ in range(max(ids) + 1)]
        for (i, own), row in zip(ids.items(), rows, strict=False):
            placed[i] = [[start, end, own[k], score] for start, end, k, score in row]
        content['recordings'][name] = placed
    atomic_write_text(file, json.dumps({**content, 'seen': seen or {}}))
    part.unlink()


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


def _model(report: FitReport) -> dict[str, Any]:
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
