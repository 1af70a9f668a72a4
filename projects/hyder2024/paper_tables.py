"""Compares the tables of the paper with your own results, as Markdown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from printed_tables import TABLES, Table

from mmskelseg_behaviour.functional.report import Spread, format_score
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.parsing import read_json
from mmskelseg_io.files.typed import typed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import MissingFileError, UserError, shown
from mmskelseg_io.messages.options import option
from mmskelseg_io.messages.tables import markdown_table

INTRODUCTION = """\
# The paper's tables, and what was run here

Made by `python projects/hyder2024/paper_tables.py`. Columns with † are copied from
Hyder et al., "Action Segmentation Using 2D Skeleton Heatmaps and Multi-Modality Fusion"
(ICRA 2024), which does not state what its ± is computed over; the last column states it
for our results. F1 is F1@10. □ RGB, △ 3D coordinates, ⋆ 2D heatmaps. A dash means no
number; blank means not run. A run is in the row of its config, with the data, weights
and options of that run; it is comparable with the paper only if these are the paper's.
"""
NOTES = """\
‡ The paper copied these from the methods' own papers. STL has 87.24 in Table III, where
the authors ran it, and 92.33 in Table IV, copied from its source. An Edit of 97.86 for
ST-PGN looks like a misprint, and so does RGB (□) as the input of STL in Table V.
Everything is copied as printed.
"""


class Result(NamedTuple):
    """The scores of a config, the file with the scores, and a description."""

    config: str
    path: Path
    of: str
    scores: dict[str, Spread]

    def belongs_to(self, config: str) -> bool:
        """Return whether the result is of a config, given as ``folder/name``.

        If the file does not state the folder of its config, its path must contain that
        folder, unless it is `skelseg`.
        """
        folder, name = config.split('/')
        *known, stem = self.config.removesuffix('.py').split('/')
        if known:
            return (known[-1], stem) == (folder, name)
        return stem == name and (folder == 'skelseg' or folder in str(self.path))


def score(mean: float, std: float | None, videos: int) -> Spread:
    """Return a score with its deviation over videos, None for a single video."""
    return {'mean': mean, 'std': std if videos > 1 else None}


def spread_of(videos: int) -> str:
    return f'± over {videos} videos' if videos > 1 else '1 video'


def from_metrics(content: dict[str, Any], path: Path) -> Result:
    videos = len(content['per_video'])
    scores = {
        key.rpartition('/')[2]: score(value, content.get(f'{key}_std'), videos)
        for key, value in content.items()
        if '/' in key and not key.endswith('_std')
    }
    members = content.get('members')
    source = f'ensemble of {len(members)}' if members else f'seed {content.get("seed")}'
    of = f'{source}; {spread_of(videos)}'
    return Result(content['config'], path, of, {**scores, 'p0': scores['f1@10']})


def from_cross_validation(content: dict[str, Any], path: Path) -> Result:
    folds, seeds = content['folds'], content['seeds']
    scores = content['over_folds']['scores']
    of = f'{len(folds)} folds, seeds {", ".join(map(str, seeds))}; ± over folds'
    if content.get('options'):
        of += f'; {" ".join(content["options"])}'
    return Result(content['config'], path, of, {**scores, 'p0': scores['f1@10']})


def from_missing_keypoints(content: dict[str, Any], path: Path) -> Result:
    videos = content['videos']
    scores = {
        f'p{p}': score(row['f1@10']['mean'], row['f1@10']['std_videos'], videos)
        for p, row in content['table'].items()
    }
    seeds = ', '.join(map(str, content['seeds']))
    of = f'drop seeds {seeds}; {spread_of(videos)}'
    return Result(content['config'], path, of, scores)


READERS = {
    'metrics.json': from_metrics,
    'cross_validation.json': from_cross_validation,
    'missing_keypoints.json': from_missing_keypoints,
}


# What a result must have.
class Checked(TypedDict):
    config: str
    scores: dict[str, Spread]


def find_results(folders: Sequence[Path]) -> list[Result]:
    """Return all results under folders, in the order of their paths."""
    results = []
    for folder in folders:
        if not folder.is_dir():
            raise MissingFileError(f'{folder}: there is no such folder of results.')
        for path in sorted(folder.rglob('*.json')):
            if path.name not in READERS or is_part_of_another(path):
                continue
            try:
                result = READERS[path.name](read_json(path, 'mmskelseg'), path)
            except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
                raise UserError(
                    f'{path}: cannot be read as a result of mmskelseg ('
                    f'{type(error).__name__}: {shown(error)}); remove it, or '
                    'recreate it.'
                ) from error
            found = {'config': result.config, 'scores': dict(result.scores)}
            typed(found, Checked, path, 'remove it, or recreate it')
            results.append(result)
    return results


def is_part_of_another(path: Path) -> bool:
    """Return whether a file has the scores of one of several runs with a summary."""
    return path.name == 'metrics.json' and (
        path.with_name('run_settings.json').is_file()
        or 'missing_keypoints' in path.parts
    )


def split_row(text: str) -> tuple[str, list[str]]:
    """Return the label of a printed row, and its numbers without leading zeros.

    >>> split_row('†MTL [10] △ 92.03 ± 02.54 -')
    ('‡MTL [10] △', ['92.03 ± 2.54', '-'])
    """
    label = re.split(r' \d+\.\d+ ±', text)[0].replace('†', '‡')
    figures = re.findall(r'(\d+\.\d+) ± (\d+\.\d+)|-$', text)
    return label, [f'{m} ± {float(std):.2f}' if m else '-' for m, std in figures]


def rows_of(table: Table, results: list[Result]) -> Iterator[list[str]]:
    """Yield the rows of a table, with a row for each further result of a config."""
    yield [table.head, *(f'{name} †' for name in table.scores), *table.scores, 'run']
    for text, config in table.rows:
        label, printed = split_row(text)
        of_config = [r for r in results if config and r.belongs_to(config)]
        keys = table.scores.values()
        runs = [r for r in of_config if not r.scores.keys().isdisjoint(keys)]
        if not runs:
            yield [label, *printed, *[''] * (len(table.scores) + 1)]
        for run in runs:
            scores = map(run.scores.get, keys)
            cells = [format_score(score) if score else '' for score in scores]
            yield [label, *printed, *cells, f'`{run.path.as_posix()}`: {run.of}']
            label, printed = '', [''] * len(printed)


def markdown(results: list[Result]) -> str:
    parts = [INTRODUCTION]
    for number, table in TABLES.items():
        rows = markdown_table(list(rows_of(table, results)), left=(0, -1))
        parts.append('\n'.join([f'## Table {number}: {table.caption}', '', *rows, '']))
    return '\n'.join([*parts, NOTES])


@dataclass(frozen=True, kw_only=True)
class PaperTables(Job[None]):
    """Compares the tables of the paper with your own results, as Markdown.

        python projects/hyder2024/paper_tables.py --results work_dirs --out tables.md

    The tool searches the folders for results of tests (metrics.json), cross-validations
    (cross_validation.json) and tests with missing keypoints (missing_keypoints.json),
    and puts each beside the row of its config. Cells without a result are blank.
    """

    results: Sequence[Path] = option(
        'folders with results (default: work_dirs, if it exists)', (), metavar='DIR'
    )
    out: Path | None = option('Markdown file (default: print)', None)

    def run(self, events: Events) -> None:
        """Write the tables, and tell which results are in none."""
        default = Path('work_dirs')
        results = find_results(self.results or [default] * default.is_dir())
        text = markdown(results)
        if self.out is None:
            events.note(text)
        else:
            atomic_write_text(self.out, text)
        rows = [row for table in TABLES.values() for row in table.rows]
        for result in results:
            if not any(config and result.belongs_to(config) for _, config in rows):
                events.warning(f'in no table: {result.path} ({result.config})')


if __name__ == '__main__':
    PaperTables.main()
