"""What the report of `mmskelseg fit` means for numbers that its model predicted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.messages.counts import counted, listed
from mmskelseg_io.messages.errors import MissingFileError

_REMEDY = 'name the folder that `mmskelseg fit` wrote'
# From the best to the worst.
_VERDICTS = {
    'good': 'good',
    'fair': 'fair',
    'too few': 'not known: too few bouts were tested',
    'poor': "poor: don't compare",
}
# The rest depends on both.
_OF_MEASURES = {
    'bouts': ('counting',),
    'rate_per_min': ('counting',),
    'total_s': ('timing',),
    'share_percent': ('timing',),
}


_Verdict = Literal['good', 'fair', 'too few', 'poor']


@dataclass(frozen=True)
class ReportedPart:
    """The recordings of a split, and their labelled minutes."""

    minutes: float
    videos: int


@dataclass(frozen=True)
class ReportedData:
    """What a model was trained and tested on."""

    persons: int
    train: ReportedPart
    test: ReportedPart | None = None
    persons_known: bool = False


@dataclass(frozen=True)
class ReportedClass:
    """How well bouts of a class are counted and timed.

    ``bouts`` are the true and the predicted ones, ``f1`` is F1@10 in percent, and
    ``edge_error`` the seconds by which half of the boundaries are off.
    """

    name: str
    counting: _Verdict
    timing: _Verdict
    bouts: tuple[int, int] = (0, 0)
    f1: float | None = None
    edge_error: float | None = None

    @property
    def found(self) -> int:
        """The number of true bouts that were found.

        >>> ReportedClass('walk', 'good', 'good', (6, 4), f1=80.0).found
        4
        """
        return round((self.f1 or 0) * sum(self.bouts) / 200)


@dataclass(frozen=True)
class ReportedErrors:
    """How far probabilities are off, from 0 to 1."""

    ece: float


@dataclass(frozen=True)
class ReportedCalibration:
    """The temperature of a model, and its errors on held-out and test recordings."""

    temperature: float
    after: ReportedErrors
    test: ReportedErrors | None = None


@dataclass(frozen=True)
class FitReport:
    """What programs read of the ``report.json`` of `mmskelseg fit`."""

    data: ReportedData
    scores: dict[str, dict[str, float | None]]
    classes: list[ReportedClass]
    label_curve: dict[str, float | None] = field(default_factory=dict)
    calibration: ReportedCalibration | None = None
    confusion: list[list[int]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> 'FitReport':
        """Return the content of a file.

        Raises:
            UserError: If it is none.
        """
        if not path.is_file():
            raise MissingFileError(f'{path}: there is no such file; {_REMEDY}.')
        return read_typed(path, cls, '`mmskelseg fit`', _REMEDY)


@dataclass(frozen=True)
class ModelReport:
    """What is known of a model whose predictions are compared.

    Args:
        classes: How well bouts are counted and time is measured, by class.
        trained: Recordings with predictions that it was trained on.
        number: Number of all recordings.
    """

    classes: Mapping[str, ReportedClass]
    trained: Collection[str]
    number: int

    @classmethod
    def read(cls, folder: Path, recordings: Collection[str]) -> 'ModelReport':
        """Return what a folder of `mmskelseg fit` states.

        Raises:
            UserError: If it is none.
        """
        report = FitReport.read(folder / 'report.json')
        classes = {one.name: one for one in report.classes}
        train = load_annotations(folder / 'annotations.pkl')['split']['train']
        trained = [name for name in recordings if name in {*train}]
        return cls(classes, trained, len(recordings))

    def verdict(self, name: str, measure: str) -> str:
        """Return how well a measure of a class is predicted; '' if it is not known."""
        if name not in self.classes:
            return ''
        parts = _OF_MEASURES.get(measure, ('counting', 'timing'))
        found = [getattr(self.classes[name], part) for part in parts]
        worst = max(found, key=[*_VERDICTS].index)
        return _VERDICTS[worst]

    def columns(self, name: str, measure: str) -> dict[str, object]:
        """Return the cells beside a test."""
        trained = f'{len(self.trained)} of {self.number}'
        return {'verdict': self.verdict(name, measure), 'trained_on': trained}

    def notes(self) -> list[str]:
        """Return what the user must know before comparing."""
        poor = [n for n, one in self.classes.items() if 'poor' in vars(one).values()]
        notes = []
        if poor:
            notes.append(
                f"{listed(poor)}: the model's report calls counting or timing poor; "
                "don't compare what comparison.csv marks so."
            )
        if self.trained:
            notes.append(
                f'the model was trained on {len(self.trained)} of '
                f'{counted(self.number, "recording")} '
                f'({listed([*self.trained], 3)}), where predictions are better than on '
                'new ones; compare recordings of one kind.'
            )
        return notes
