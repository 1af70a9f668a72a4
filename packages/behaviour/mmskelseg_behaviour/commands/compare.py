"""Compares cross-validations of several configs, and tests differences."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmskelseg_behaviour.functional.report import Spread, format_score
from mmskelseg_behaviour.functional.significance import paired_bootstrap
from mmskelseg_behaviour.scores import SCORES, in_percent, video_scores
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.jobs.command_line import regular_expression
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import MissingFileError, UserError, escaped
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_io.structures.persons import groups_by

_REMEDY = 'cross-validate again'


@dataclass(frozen=True)
class _Run:
    fold: str
    seed: int
    per_video: dict[str, dict[str, float]]


@dataclass(frozen=True)
class _OverSeeds:
    scores: dict[str, Spread]


@dataclass(frozen=True)
class _Result:
    """The content of a cross_validation.json."""

    config: str
    seeds: list[int]
    folds: list[str]
    runs: list[_Run]
    over_seeds: _OverSeeds
    options: list[str] = field(default_factory=list)
    file: Path = Path()


@dataclass(frozen=True, kw_only=True)
class Compare(Job[str]):
    """Compares cross-validations of several configs, and tests differences.

        %(prog)s work_dirs/uwiom_pose2d work_dirs/uwiom_heatmap_cnn

    Each RESULT is the folder of a cross-validation, or its cross_validation.json; all
    must have the same folds. The last columns of the table are the difference between a
    config and the best one (or that of --to) in the mean over test videos, with the
    95 %% interval of a paired bootstrap over videos, and its p-value. With n videos (or
    groups), p is at least 2 / 2^n, as in a sign test; it is not corrected for the
    number of configs.

    Videos of one person or one day resemble each other. A bootstrap over single videos
    ignores this, so its intervals are too narrow. --group-by is a regular expression
    for the part of the names that videos of one group share. With names such as
    P03_cam1, --group-by "P\\d+" draws the videos of a person together.
    """

    results: Sequence[Path] = argument(
        'folder of a cross-validation, or its cross_validation.json', metavar='RESULT'
    )
    names: Sequence[str] = option(
        'name of each result (default: its config, with its --cfg-options)', ()
    )
    score: str = option(
        'score by which configs are sorted and tested (default: %(default)s)',
        'f1@10',
        choices=video_scores,
    )
    to: str | None = option(
        'compare with this result (default: the best)', None, metavar='NAME'
    )
    group_by: re.Pattern[str] | None = option(
        'draw videos together if this part of their names is the same (the first group '
        'of the expression, if it has one)',
        None,
        type=regular_expression,
        metavar='REGEX',
    )
    out: Path | None = option('Markdown file for the table', None)

    def run(self, events: Events) -> str:
        """Tell the table, and return it."""
        results = _named([_read(path, self.score) for path in self.results], self)
        _check_same(results)
        text = '\n'.join(map(escaped, _table(results, self)))
        events.note(text)
        if self.out is not None:
            atomic_write_text(self.out, f'{text}\n')
        return text


def _read(path: Path, score: str) -> _Result:
    file = path / 'cross_validation.json' if path.is_dir() else path
    if not file.is_file():
        raise MissingFileError(
            f'{file}: there is no such file; name the folder of a finished '
            '`mmskelseg cross-validate`.'
        )
    tool = '`mmskelseg cross-validate`'
    found = replace(read_typed(file, _Result, tool, _REMEDY, unique=True), file=file)
    if not found.runs:
        raise UserError(f'{file}: has no run of a fold; {_REMEDY}.')
    tables: dict[str, Mapping[str, object]] = {'over_seeds': found.over_seeds.scores}
    for run in found.runs:
        place = f'the run of fold {run.fold!r} with seed {run.seed}'
        if not run.per_video:
            raise UserError(f'{file}: {place} has no scores of videos; {_REMEDY}.')
        videos = run.per_video.items()
        tables |= {f'{place}, video {video!r}': scores for video, scores in videos}
    for place, scores in tables.items():
        if score not in scores:
            raise UserError(f'{file}: {place} lacks {score}; {_REMEDY}.')
    return found


def _named(contents: list[_Result], job: Compare) -> dict[str, _Result]:
    """Return the results by their configs and options, or by --names."""
    names = job.names or [
        ' '.join([one.config.removesuffix('.py'), *one.options]) for one in contents
    ]
    if len(names) != len(contents):
        raise UserError(
            f'--names has {len(names)} for {len(contents)} results; give one for each.'
        )
    for name in names:
        if names.count(name) > 1:
            raise UserError(f'{name}: two results have this name; set --names.')
    if job.to is not None and job.to not in names:
        raise UserError(
            f'--to {job.to}: not among the results; choose from {", ".join(names)}.'
        )
    return dict(zip(names, contents, strict=True))


def _check_same(results: Mapping[str, _Result]) -> None:
    """Raise an error if folds or test videos of the results differ."""
    first = next(iter(results.values()))
    for result in results.values():
        videos, expected = _videos(result), _videos(first)
        for fold, video in sorted({*videos} ^ {*expected}):
            has, lacks = result, first
            if (fold, video) not in videos:
                has, lacks = first, result
            raise UserError(
                f'{lacks.file}: lacks test video {video!r} of fold {fold!r}, unlike '
                f'{has.file}; compare cross-validations with the same folds.'
            )


def _videos(result: _Result) -> list[tuple[str, str]]:
    """Return the test videos, each with its fold."""
    return sorted({(run.fold, name) for run in result.runs for name in run.per_video})


def _means_of_videos(result: _Result, score: str) -> dict[tuple[str, str], float]:
    """Return the mean score over seeds of each test video in each fold."""
    found: dict[tuple[str, str], list[float]] = {}
    for run in result.runs:
        for video, scores in run.per_video.items():
            found.setdefault((run.fold, video), []).append(scores[score])
    return {key: sum(found[key]) / len(found[key]) for key in sorted(found)}


def _groups(result: _Result, pattern: re.Pattern[str] | None) -> list[str]:
    """Return the group of each test video, in the order of :func:`_means_of_videos`.

    A video that is tested in several folds is one group, too.
    """
    videos = [video for _, video in _videos(result)]
    if pattern is None:
        return videos
    found = groups_by(pattern, videos)
    groups = [found[video] for video in videos]
    if len(set(groups)) == 1:
        raise UserError(
            f'--group-by {pattern.pattern}: puts all test videos into one group; at '
            'least two are needed.'
        )
    return groups


def _difference(
    first: Sequence[float], second: Sequence[float], groups: Sequence[str]
) -> list[str]:
    """Return the cells for the mean difference and its p-value."""
    if len(set(groups)) == 1:
        # A single test video says nothing about others.
        return [f'{(sum(first) - sum(second)) / len(first):+.2f}', '']
    found = paired_bootstrap(first, second, groups=groups)
    return [
        f'{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})',
        f'{found.p:.3f}' if found.p >= 0.001 else '<0.001',
    ]


def _table(results: Mapping[str, _Result], job: Compare) -> list[str]:
    """Return the lines of the table and of its caption."""
    score = job.score

    def mean(name: str) -> float:
        return results[name].over_seeds.scores[score]['mean']

    ranked = sorted(results, key=mean, reverse=SCORES[score].higher_is_better)
    to = job.to or ranked[0]
    groups = _groups(results[to], job.group_by)
    videos = {
        name: list(_means_of_videos(results[name], score).values()) for name in ranked
    }
    known = [result.over_seeds.scores for result in results.values()]
    shown = [s for key, s in SCORES.items() if all(key in scores for scores in known)]
    titles = [s.title for s in shown]
    difference_in = f'difference in {SCORES[score].title}'
    rows = [['Config', 'Seeds', *titles, difference_in, 'p']]
    for name in ranked:
        scores = results[name].over_seeds.scores
        cells = [format_score(scores[s.key], s) for s in shown]
        difference = ['', '']
        if name != to:
            difference = _difference(videos[name], videos[to], groups)
        rows.append([name, str(len(results[name].seeds)), *cells, *difference])
    first = results[to]
    drawn = 'videos'
    if job.group_by is not None:
        names = sorted(set(groups))
        drawn = f'{len(names)} groups of videos ({", ".join(names)})'
    return [
        *markdown_table(rows),
        '',
        f'Folds: {", ".join(first.folds)}. Scores {in_percent(shown)}, means over '
        f'folds, ± standard deviation over seeds. Differences from {to} are those of '
        f'the mean over {len(videos[to])} test videos, each the mean over seeds, with '
        f'the 95 % interval of a paired bootstrap over {drawn}.',
    ]


main = Compare.main
