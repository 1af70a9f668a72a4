"""What a training has left: predictions, what to check first, and a report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmskelseg_behaviour.scores import SCORES
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.parsing import check_shape, number, read_json
from mmskelseg_io.messages.errors import UserError, check_name, shown
from mmskelseg_studio.project import Project, check_segments

#: The file of predictions in the folder of a model.
PREDICTIONS = 'predictions.json'
#: First frame, end, class and score, if there is one, of a predicted segment.
PredictedSegment = tuple[int, int, int, float | None]
_REMEDY = 'train again'
_PREDICTIONS = {
    'recordings': {...: [[list]]},
    'doubts': [
        {
            'video': str, 'start_frame': int, 'end_frame': int, 'score': float,
            'reason': str,
        }
    ],
    'seen?': {...: [[[int]]]},
}  # fmt: skip
# Scores are missing where they cannot be computed.
_SCORES = {f'{key}?': float for key in SCORES}
_CURVE = {'half?': float, 'whole?': float, 'full?': float, 'twice?': float}
_REPORT = {
    'data': {'train': {'minutes': float}},
    'scores': {'held_out?': _SCORES},
    'label_curve?': _CURVE,
}
# The mean of scores may be so much above 1.
_ROUNDED = 1e-3


@dataclass(frozen=True)
class Results:
    """What a training has left.

    Attributes:
        predictions: The segments of each tier, by recording.
        uncertain: Intervals to check, the best first: video, start_frame, end_frame,
            score and reason.
        model: What the page says about the model; None about one that was given.
        report: The page about it.
        seen: First frame and end of what was learnt from, of each tier, by recording.
            What is predicted there says little about other recordings.
    """

    predictions: Mapping[str, Sequence[Sequence[PredictedSegment]]]
    uncertain: Sequence[Mapping[str, Any]]
    model: Mapping[str, Any] | None
    report: Path
    seen: Mapping[str, Sequence[Sequence[Sequence[int]]]] = field(default_factory=dict)


def read_results(folder: Path, project: Project) -> Results:
    """Return what a training has left in the folder of its model.

    Recordings that the project does not have are left out.

    Raises:
        UserError: If a file is missing, damaged, or of another project.
    """
    file = folder / PREDICTIONS
    content = read_json(file, 'the studio')
    check_shape(content, _PREDICTIONS, str(file), _REMEDY)
    predictions = {
        name: _rows(rows, project, name, f'{file}: recording {name!r}')
        for name, rows in content['recordings'].items()
        if name in project.recordings
    }
    uncertain = []
    for i, segment in enumerate(content['doubts']):
        if segment['video'] in project.recordings:
            frames = project.recordings[segment['video']].frames
            _check_uncertain(segment, frames, f'{file}: doubts[{i}]')
            uncertain.append(segment)
    seen = content.get('seen') or {}
    for name, rows in seen.items():
        if not all(len(one) == 2 for row in rows for one in row):
            raise UserError(
                f'{file}: seen of {shown(name)} has no pairs of frames; {_REMEDY}.'
            )
    report = folder / 'report.json'
    model = _read_report(report) if report.exists() else None
    return Results(predictions, uncertain, model, folder / 'report.html', seen)


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
    rows: Sequence[Sequence[Sequence[Any]]], project: Project, name: str, place: str
) -> list[list[PredictedSegment]]:
    if len(rows) > len(project.tiers):
        raise UserError(
            f'{place} has predictions of {len(rows)} of {len(project.tiers)} tiers; '
            f'{_REMEDY}.'
        )
    found = []
    # Tiers that were added since have none.
    all_rows = [*rows, *([] for _ in project.tiers[len(rows) :])]
    for row, tier in zip(all_rows, project.tiers, strict=True):
        for one in row:
            if len(one) != 4 or not (
                all(type(value) is int for value in one[:3]) and _is_score(one[3])
            ):
                raise UserError(
                    f'{place} has the segment {shown(one)}, expected start, end, class '
                    f'and a score from 0 to 1, or null; {_REMEDY}.'
                )
        segments = [(start, end, kind, score) for start, end, kind, score in row]
        try:
            places = [one[:3] for one in segments]
            frames = project.recordings[name].frames
            check_segments(places, 0, frames, tier, least=0)
        except UserError as error:
            raise UserError(f'{place}: {error} {_REMEDY.capitalize()}.') from None
        found.append(segments)
    return found


def _is_score(value: object) -> bool:
    # Comparisons with NaN are false.
    return value is None or (
        type(value) in (int, float) and 0 <= value <= 1 + _ROUNDED  # type: ignore
    )


def _check_uncertain(segment: Mapping[str, Any], frames: int, place: str) -> None:
    start, end = segment['start_frame'], segment['end_frame']
    if not 0 <= start < end <= frames:
        raise UserError(
            f'{place} goes from {start} to {end}, expected frames from 0 to {frames}; '
            f'{_REMEDY}.'
        )
    number(segment['score'], place, 'score')
    check_name(segment['reason'], f'{place}.reason')


def _read_report(file: Path) -> dict[str, Any]:
    """Return what the page says about a model, of which there is a report."""
    report = read_json(file, '`mmskelseg fit`')
    check_shape(report, _REPORT, str(file), _REMEDY)
    minutes = number(report['data']['train']['minutes'], str(file), 'minutes')
    held_out = _numbers(report['scores'].get('held_out'), _SCORES, str(file))
    curve = _numbers(report.get('label_curve'), _CURVE, str(file))
    more = None
    if len(curve) == len(_CURVE):
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
        for key, value in held_out.items()
    ]
    return {'minutes': minutes, 'held_out': shown, 'more': more}


def _numbers(
    holder: Mapping[str, Any] | None, shape: Mapping[str, type], place: str
) -> dict[str, float]:
    """Return the numbers that an object has."""
    names = [key.removesuffix('?') for key in shape]
    given = {key: (holder or {}).get(key) for key in names}
    return {k: number(v, place, k) for k, v in given.items() if v is not None}
