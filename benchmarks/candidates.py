"""Compares candidates for the default of `make-config` on development protocols."""

import argparse
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np

from mmskelseg.commands.make_config import main as make_config
from mmskelseg.engine.cross_validation import (
    choose_folds,
    executed,
    follow,
    run_folder,
    settings_of,
)
from mmskelseg.engine.jobs import ConfigJob, ExecutedJob
from mmskelseg.engine.loading import config_of
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs.command_line import seed, whole_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.settings import SettingsAction
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.messages.tables import markdown_table

SCORES = {
    'F1@10': 'f1@10',
    'F1@50': 'f1@50',
    'Edit': 'edit',
    'mAP': 'mAP',
    'Acc': 'acc',
}
# A default changes by these.
DECISIVE = ('F1@10', 'F1@50', 'Edit')

#: The scores of a fold and a seed, in the order of ``SCORES``.
Runs = Mapping[tuple[str, int], np.ndarray]


@dataclass(frozen=True)
class Protocol:
    """Folds of a data set, and how `make-config` reads it.

    Args:
        data: Folder of the annotation file.
        folds: Names of folds; by default all.
        recipe: Recipe; by default that of `make-config`.
    """

    data: str
    folds: Sequence[str] = ()
    recipe: str = ''


PROTOCOLS = {
    'utkinect': Protocol('utkinect', recipe='pose3d'),
    # Hands and head alone don't tell which way is up.
    'gestures': Protocol('gestures', recipe='pose2d'),
    'mice': Protocol('subtle', recipe='pose3d'),
    'rats': Protocol('rats'),
    'uwiom2d': Protocol('uwiom', recipe='pose2d'),
    'uwiom3d': Protocol('uwiom', recipe='pose3d'),
    'orders': Protocol('precog', [f'unseen_order_{n}' for n in (1, 4, 5, 8)], 'pose2d'),
    'precog': Protocol('precog', [f'fold{n}' for n in range(1, 5)], 'pose2d'),
}


def _candidate(text: str) -> tuple[str, list[str]]:
    """Return name and options of a candidate, as a ``type`` of argparse."""
    name, equals, options = text.partition('=')
    if not (name.isidentifier() and equals):
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form name=options')
    try:
        return name, shlex.split(options)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text!r}: {error}') from None


def _runs(
    job: 'Candidates', name: str, candidate: str, words: list[str], n: int
) -> Iterator[RunFolder]:
    """Yield the run of each fold of a protocol, for a candidate and a seed."""
    protocol = PROTOCOLS[name]
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=SettingsAction)
    own, options = parser.parse_known_args(words)
    file = job.data.absolute() / protocol.data / 'annotations.pkl'
    if not file.is_file():
        raise MissingFileError(
            f'{file}: there is no such file; convert the data set as --help says, or '
            'choose others by --sets.'
        )
    if protocol.recipe:
        options += ['--recipe', protocol.recipe]
    folder = job.work_dir.absolute() / name / candidate
    chosen = choose_folds(file, list(protocol.folds))
    if job.recordings:
        file = _with_few(file, job.recordings, folder)
    for fold, splits in islice(chosen.items(), job.folds):
        config = folder / f'{fold}.py'
        folder.mkdir(parents=True, exist_ok=True)
        with redirect_stdout(StringIO()):
            make_config(
                [str(file), str(config), '--overwrite', '--fold', fold, *options]
            )
        place = {'work_dir': str(folder), 'cfg_options': own.cfg_options}
        cfg = config_of(ConfigJob(config=str(config), **place))
        yield run_folder(cfg, fold, splits, n, settings_of(cfg))


def _with_few(file: Path, recordings: int, folder: Path) -> Path:
    """Write annotations with recordings that are spread over each training split."""
    data = load_annotations(file)
    for split, videos in data['split'].items():
        if split.endswith('train'):
            n = min(recordings, len(videos))
            data['split'][split] = [videos[i * len(videos) // n] for i in range(n)]
    few = folder / 'annotations.pkl'
    save_annotations(data, few, source=file)
    return few


def _scores(folder: Path) -> Runs:
    """Return the scores of the finished runs of a candidate on a set."""
    runs = {}
    for file in sorted(folder.glob('*/seed_*/metrics.json')):
        run = RunFolder(file.parent)
        metrics = run.report()['metrics']
        key = file.parent.parent.name, int(file.parent.name.removeprefix('seed_'))
        runs[key] = np.array([metrics[score] for score in SCORES.values()])
    return runs


def seed_means(runs: Runs) -> dict[int, np.ndarray]:
    """Return the mean over folds of each seed."""
    seeds = sorted({n for _, n in runs})
    return {n: np.mean([v for (_, m), v in runs.items() if m == n], 0) for n in seeds}


def table(finished: Mapping[tuple[str, str], Runs], against: str) -> str:
    """Return the scores of candidates as text, by set and candidate.

    Args:
        finished: The runs of each set and candidate.
        against: The candidate that others are compared with.
    """
    sets = list(dict.fromkeys(name for name, _ in finished))
    names = list(dict.fromkeys(name for _, name in finished))
    names.sort(key=lambda name: name != against)
    rows = [['Set', 'Candidate', 'Folds', 'Seeds', *SCORES]]
    for each in sets:
        base = finished.get((each, against), {})
        for name in names:
            runs = finished.get((each, name), {})
            if not runs:
                continue
            means = np.array(list(seed_means(runs).values()))
            change = _change(runs, base) if name != against else None
            folds, seeds = (len(set(keys)) for keys in zip(*runs, strict=True))
            cells = [_cell(means[:, i], change, i) for i in range(len(SCORES))]
            rows.append([each, name, str(folds), str(seeds), *cells])
    parts = [markdown_table(rows, left=(0, 1))]
    others = [name for name in names if name != against]
    if others and against in names:
        rows = [['Candidate', 'Sets', *DECISIVE, 'mean', 'spread of seeds', 'worst']]
        rows += [_summary(name, sets, finished, against) for name in others]
        title = f'Means over sets of the change from {against}, and the worst of a set:'
        parts.append([title, '', *markdown_table(rows)])
    return '\n\n'.join('\n'.join(lines) for lines in parts)


def _change(runs: Runs, base: Runs) -> np.ndarray | None:
    """Return the mean change of the runs that both have, None without any."""
    both = runs.keys() & base.keys()
    if not both:
        return None
    means = (seed_means({key: each[key] for key in both}) for each in (runs, base))
    new, old = (np.mean(list(each.values()), axis=0) for each in means)
    return new - old


def _cell(values: np.ndarray, change: np.ndarray | None, i: int) -> str:
    text = f'{values.mean():.2f}'
    if len(values) > 1:
        text += f' ± {values.std(ddof=1):.2f}'
    return text if change is None else f'{text} ({change[i]:+.2f})'


def _summary(
    name: str,
    sets: Sequence[str],
    finished: Mapping[tuple[str, str], Runs],
    against: str,
) -> list[str]:
    """Return the row of a candidate in the table of changes."""
    bases = {each: finished.get((each, against), {}) for each in sets}
    changes = {
        each: change
        for each in sets
        if (change := _change(finished.get((each, name), {}), bases[each])) is not None
    }
    if not changes:
        return [name, '0', *['' for _ in DECISIVE], '', '', '']
    decisive = [list(SCORES).index(score) for score in DECISIVE]
    mean = np.mean(list(changes.values()), axis=0)[decisive]
    seeds = [seed_means(bases[each]) for each in changes]
    common = set.intersection(*(set(each) for each in seeds))
    spread = [np.mean([each[n][decisive] for each in seeds]) for n in common]
    worst = min(changes, key=lambda each: changes[each].min())
    score = list(SCORES)[int(changes[worst].argmin())]
    return [
        name,
        str(len(changes)),
        *(f'{value:+.2f}' for value in mean),
        f'{mean.mean():+.2f}',
        f'{np.std(spread, ddof=1):.2f}' if len(spread) > 1 else '',
        f'{changes[worst].min():+.2f} ({score}, {worst})',
    ]


@dataclass(frozen=True, kw_only=True)
class Candidates(ExecutedJob[None]):
    """Compares candidates for the default of `make-config` on development protocols.

        %(prog)s DATA WORK_DIR --candidate default=
        %(prog)s DATA WORK_DIR --seeds 0 1 2 \\
            --candidate 'orders=--no-any-order' \\
            --candidate 'sharp=--cfg-options model.temperature=0.5'
        %(prog)s DATA WORK_DIR

    A candidate is a name, `=`, and options of `mmskelseg make-config`, which writes a
    config for the training videos of each fold, and of `--cfg-options`. Without any,
    the table of finished runs is printed. After a change of the code, a candidate of
    another name in the same WORK_DIR is compared with the runs from before.

    DATA has a folder for each data set, with its annotations.pkl:

        mmskelseg convert precog DATA/precog
        mmskelseg convert uwiom RAW DATA/uwiom --folds 3 --test 01,02,03
        mmskelseg convert subtle RAW DATA/subtle
        DATA/utkinect, DATA/gestures   annotation files with folds

    Runs are in WORK_DIR/<set>/<candidate>/<fold>/seed_<n>, with the probabilities of
    the test in predictions.pkl. The same command skips finished runs and continues
    those that were stopped. The first seed of all folds comes first. Scores are those
    after the last epoch: means over folds, then the mean and standard deviation over
    seeds. Differences are those of the runs that both have.
    """

    kept = 'finished runs and saved checkpoints are kept; the same command continues.'
    data: Path = argument('folder with a folder for each data set', metavar='DATA')
    work_dir: Path = argument('folder of all runs', metavar='WORK_DIR')
    candidates: Sequence[tuple[str, list[str]]] = option(
        'name and options of a candidate; may be given several times',
        (),
        type=_candidate,
        action='append',
        metavar='NAME=OPTIONS',
        flag='--candidate',
    )
    against: str = option(
        'candidate that others are compared with (default: %(default)s)',
        'default',
        metavar='NAME',
    )
    sets: Sequence[str] = option(
        'protocols (default: all)', tuple(PROTOCOLS), choices=PROTOCOLS
    )
    seeds: Sequence[int] = option('random seeds (default: 0)', (0,), type=seed)
    folds: int | None = option(
        'train on the first N folds of each set (default: all)',
        None,
        type=whole_from(1),
        metavar='N',
    )
    recordings: int | None = option(
        'train with N recordings that are spread over each training split (default: '
        'all); name a WORK_DIR of its own',
        None,
        type=whole_from(1),
        metavar='N',
    )

    def run(self, events: Events) -> None:
        """Execute the runs that are not finished, and print the table."""
        os.environ.setdefault('OMP_NUM_THREADS', '1')
        pending = []
        for n in self.seeds:
            for name, options in self.candidates:
                sets = [list(_runs(self, one, name, options, n)) for one in self.sets]
                # First the first fold of each set.
                pending += [r for row in zip_longest(*sets) for r in row if r]
        for run in pending:
            run.check()
        pending = [run for run in pending if not run.is_finished]
        given = pending, self.work_dir, self.executor, self.executor_options
        failed = follow(executed(*given), len(pending), self.work_dir, events)
        finished = {
            (name, folder.name): runs
            for name in self.sets
            for folder in sorted((self.work_dir / name).glob('*/'))
            if (runs := _scores(folder))
        }
        events.note(table(finished, self.against))
        if failed:
            raise UserError(f'{failed} of {len(pending)} runs failed.')


if __name__ == '__main__':
    Candidates.main()
