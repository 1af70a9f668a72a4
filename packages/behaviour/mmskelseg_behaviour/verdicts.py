"""What the report of `mmskelseg fit` means for numbers that its model predicted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.parsing import check_shape, read_json
from mmskelseg_io.messages.counts import counted, listed
from mmskelseg_io.messages.errors import MissingFileError, UserError

_REPORT = {'classes': [{'name': str, 'counting': str, 'timing': str}]}
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


@dataclass(frozen=True)
class ModelReport:
    """What is known of a model whose predictions are compared.

    Args:
        classes: How well bouts are counted and time is measured, by class.
        trained: Recordings with predictions that it was trained on.
        number: Number of all recordings.
    """

    classes: Mapping[str, Mapping[str, str]]
    trained: Collection[str]
    number: int

    @classmethod
    def read(cls, folder: Path, recordings: Collection[str]) -> 'ModelReport':
        """Return what a folder of `mmskelseg fit` states.

        Raises:
            UserError: If it is none.
        """
        path = folder / 'report.json'
        if not path.is_file():
            raise MissingFileError(f'{path}: there is no such file; {_REMEDY}.')
        content = read_json(path, '`mmskelseg fit`')
        check_shape(content, _REPORT, str(path), _REMEDY)
        classes = {one['name']: one for one in content['classes']}
        for name, one in classes.items():
            if not {one['counting'], one['timing']} <= _VERDICTS.keys():
                raise UserError(
                    f'{path}: {name!r} has the verdicts {one["counting"]!r} and '
                    f'{one["timing"]!r}, expected some of {listed([*_VERDICTS])}; '
                    f'{_REMEDY}.'
                )
        train = load_annotations(folder / 'annotations.pkl')['split']['train']
        trained = [name for name in recordings if name in {*train}]
        return cls(classes, trained, len(recordings))

    def verdict(self, name: str, measure: str) -> str:
        """Return how well a measure of a class is predicted; '' if it is not known."""
        if name not in self.classes:
            return ''
        parts = _OF_MEASURES.get(measure, ('counting', 'timing'))
        found = [self.classes[name][part] for part in parts]
        worst = max(found, key=[*_VERDICTS].index)
        return _VERDICTS[worst]

    def columns(self, name: str, measure: str) -> dict[str, object]:
        """Return the cells beside a test."""
        trained = f'{len(self.trained)} of {self.number}'
        return {'verdict': self.verdict(name, measure), 'trained_on': trained}

    def notes(self) -> list[str]:
        """Return what the user must know before comparing."""
        poor = [n for n, one in self.classes.items() if 'poor' in one.values()]
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
