"""Kills commands at random moments, and compares their results with whole runs."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from mmskelseg_io.jobs.command_line import seed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, option
from mmskelseg_io.messages.tables import text_table

ROOT = Path(__file__).resolve().parent.parent
TOY = ROOT / 'configs' / 'skelseg' / 'toy_joint_limb.py'
PARTS = ('train', 'val', 'test')
EPOCHS = 3
# The toy config on four short videos, with a small model.
SETTINGS = [
    *(f'{part}_dataloader.num_workers=0' for part in PARTS),
    *(f'{part}_dataloader.persistent_workers=False' for part in PARTS),
    *(f'{part}_dataloader.dataset.ann_file=data/annotations.pkl' for part in PARTS),
    'model.branches.heatmap.channels=8',
    f'train_cfg.max_epochs={EPOCHS}',
    f'train_cfg.val_interval={EPOCHS}',
    'default_hooks.checkpoint.interval=1',
    'default_hooks.checkpoint.max_keep_ckpts=-1',
]
OPTIONS = ('--cfg-options', *SETTINGS)
WORK = 'work_dirs/toy_joint_limb'
# The longest duration of a command in seconds.
_LONGEST = 900


@dataclass(frozen=True)
class Command:
    """A command and its results.

    Args:
        argv: The arguments of the command.
        again: The arguments to continue after a kill; by default the same.
        results: Patterns of the files that it writes.
        needs: The command whose files it needs.
    """

    argv: Sequence[str]
    results: Sequence[str]
    again: Sequence[str] = ()
    needs: str = ''


CHECKPOINT = f'{WORK}/epoch_{EPOCHS}.pth'
COMMANDS = {
    'convert': Command(
        ('convert', 'toy', 'data', '--no-videos', '--videos', '4', '--seconds', '6'),
        ('data/annotations.pkl',),
    ),
    'features': Command(
        ('features', str(TOY), *OPTIONS), ('data/features/**/*',), needs='convert'
    ),
    'train': Command(
        ('train', str(TOY), *OPTIONS),
        ('data/features/**/*', f'{WORK}/*.pth', f'{WORK}/metrics.json'),
        ('train', str(TOY), '--resume', *OPTIONS),
        needs='convert',
    ),
    'test': Command(
        ('test', str(TOY), CHECKPOINT, '--dump', 'dump.pkl', *OPTIONS),
        (f'{WORK}/metrics.json', f'{WORK}/*.png', f'{WORK}/timelines/*', 'dump.pkl'),
        needs='train',
    ),
    'cross-validate': Command(
        (
            'cross-validate', str(TOY), '--folds', 'fold1', '--seeds', '0', '1',
            '--cfg-options', *SETTINGS, 'train_cfg.max_epochs=2',
        ),
        (f'{WORK}/cross_validation.*', f'{WORK}/fold1/*/epoch_2.pth',
         f'{WORK}/fold1/*/metrics.json'),
        needs='features',
    ),
    'segment': Command(
        (
            'segment', 'data/annotations.pkl', str(TOY), CHECKPOINT, '--out', 'out',
            '--device', 'cpu', '--formats', 'csv', 'json', 'srt', 'timeline', 'poses',
            'overlay', '--cfg-options', *SETTINGS,
        ),
        ('out/*',),
        needs='train',
    ),
    'browse': Command(
        ('browse', 'data/annotations.pkl', '--json', 'found.json', '--first', '2'),
        ('data/browse/**/*', 'found.json'),
        needs='convert',
    ),
    'make-config': Command(
        ('make-config', 'data/annotations.pkl', 'mine.py', '--overwrite'),
        ('mine.py',),
        needs='convert',
    ),
    'export': Command(('export', '--model', 'precog', 'precog.onnx'), ('precog.onnx',)),
}  # fmt: skip


def _start(argv: Sequence[str], folder: Path) -> subprocess.Popen:
    log = (folder / 'log.txt').open('ab')
    return subprocess.Popen(
        [sys.executable, '-m', 'mmskelseg', *argv],
        cwd=folder,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _finish(argv: Sequence[str], folder: Path) -> int:
    """Run a command and return its status; it is killed if this program ends."""
    process = _start(argv, folder)
    try:
        return process.wait(_LONGEST)
    finally:
        if process.poll() is None:
            _kill(process)


def _kill(process: subprocess.Popen) -> None:
    """Kill a process with all its descendants, which may be in other sessions."""
    children = _descendants(process.pid)
    for pid in (process.pid, *children):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def _descendants(pid: int) -> Iterator[int]:
    for file in Path('/proc').glob('[0-9]*/stat'):
        try:
            parent = int(file.read_text().rpartition(')')[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid:
            child = int(file.parent.name)
            yield from _descendants(child)
            yield child


def _files(command: Command, folder: Path) -> set[str]:
    """Return the results that exist, relative to the folder."""
    return {
        str(path.relative_to(folder))
        for pattern in command.results
        for path in folder.glob(pattern)
        if path.is_file() and '.part' not in path.name
    }


def _results(command: Command, folder: Path) -> dict[str, str]:
    """Return a digest of the content of each result."""
    return {file: _digest(folder / file) for file in sorted(_files(command, folder))}


def _digest(path: Path) -> str:
    """Return a digest of a file, without times, which differ between equal runs."""
    content = path.read_bytes()
    if path.suffix == '.pth':
        from mmskelseg.checkpoints.reading import load_checkpoint, tensors_of

        checkpoint = load_checkpoint(path)
        content = b''.join(
            name.encode() + value.numpy().tobytes()
            for name, value in sorted(tensors_of(checkpoint, path).items())
        )
        optimizer = checkpoint.get('optimizer') if isinstance(checkpoint, dict) else {}
        for state in (optimizer or {}).get('state', {}).values():
            for value in state.values():
                content += value.numpy().tobytes() if hasattr(value, 'numpy') else b''
    elif path.suffix == '.pkl' and path.name != 'annotations.pkl':
        from mmskelseg.evaluation.predictions import load_samples

        # Not the file's bytes, since references in it depend on memory addresses.
        content = b''.join(
            f'{name} {key}'.encode() + value.numpy().tobytes()
            for name, sample in sorted(load_samples(path).items())
            for key, value in sorted(sample.items())
            if hasattr(value, 'numpy')
        )
    elif path.suffix == '.json':
        data = json.loads(content)
        if isinstance(data, dict):
            # It contains the folder of the trial.
            data.pop('checkpoint', None)
        content = json.dumps(data, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _uninterrupted(name: str, folder: Path) -> float:
    """Run a command, after those that it needs, and return its duration in seconds."""
    command, done = COMMANDS[name], folder / 'done.json'
    if done.is_file():
        return float(json.loads(done.read_text('utf-8'))['seconds'])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if command.needs:
        _uninterrupted(command.needs, folder.with_name(command.needs))
        _copy(folder.with_name(command.needs), folder)
    print(f'{name}: the uninterrupted run', flush=True)
    begin = time.monotonic()
    status = _finish(command.argv, folder)
    if status:
        raise UserError(
            f'{folder}: the uninterrupted run ended with {status}; see log.'
        )
    seconds = time.monotonic() - begin
    _note_seconds(folder, seconds)
    return seconds


def _note_seconds(folder: Path, seconds: float) -> None:
    (folder / 'done.json').write_text(json.dumps({'seconds': seconds}))


def _copy(source: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns('done.json', 'log.txt')
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)


def trial(name: str, number: int, root: Path) -> dict:
    """Kill a command once or twice, let it finish, and return the deviations."""
    command = COMMANDS[name]
    # At the same depth, since relative paths in results depend on it.
    whole, folder = root / 'whole' / name, root / 'trial' / name
    seconds = _uninterrupted(name, whole)
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    if command.needs:
        _copy(whole.with_name(command.needs), folder)
    before = _files(command, folder)
    expected = _results(command, whole)
    draw = random.Random(f'{name} {number}')
    moments, deviations = [], []
    for i in range(draw.choice((1, 1, 2))):
        process = _start((command.again if i else ()) or command.argv, folder)
        # Until then, Python is importing.
        moment, begin = draw.uniform(0.3, 1.0) * seconds, time.monotonic()
        try:
            process.wait(moment)
            # Other programs must have slowed down the measured run.
            seconds = time.monotonic() - begin
            _note_seconds(whole, seconds)
        except subprocess.TimeoutExpired:
            moments.append(round(moment, 2))
        finally:
            _kill(process)
        for file, digest in _partial(command, folder, before):
            if expected.get(file) != digest:
                deviations.append(f'{file} differs after the kill')
    status = _finish(command.again or command.argv, folder)
    if status:
        deviations.append(f'the last run ended with status {status}')
    after = _results(command, folder)
    deviations += [
        f'{file} {"differs" if file in after else "is missing"}'
        for file in expected
        if after.get(file) != expected[file]
    ]
    deviations += [f'{file} is not expected' for file in after.keys() - expected.keys()]
    deviations += [f'{path.name} is left' for path in folder.rglob('.*.part*')]
    return {'job': name, 'number': number, 'kills': moments, 'deviations': deviations}


def _partial(
    command: Command, folder: Path, before: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield the results that exist after a kill, each of which must be readable."""
    for file in _files(command, folder) - before:
        try:
            yield file, _digest(folder / file)
        except Exception as error:  # Any error of reading is a deviation.
            yield file, f'{type(error).__name__}: {error}'


def table(results: Sequence[dict]) -> str:
    """Return a table of the trials of each command."""
    rows: list[tuple[str, ...]] = [('command', 'runs', 'kills', 'deviations')]
    for name in COMMANDS:
        own = [result for result in results if result['job'] == name]
        kills = sum(len(result['kills']) for result in own)
        wrong = sum(bool(result['deviations']) for result in own)
        rows.append((name, str(len(own)), str(kills), str(wrong)))
    totals = [sum(int(row[i]) for row in rows[1:]) for i in (1, 2, 3)]
    rows.append(('all', *map(str, totals)))
    return '\n'.join(text_table(rows, (1, 2, 3)))


@dataclass(frozen=True, kw_only=True)
class KillTest(Job[None]):
    """Kills commands at random moments, and compares their results with whole runs.

        python -m benchmarks.kill_test --kills 100 --seed 0

    Each trial starts a command in a separate folder, kills its processes with `kill -9`
    after a random fraction of its usual duration (once, or twice in a row), and lets it
    finish as its help says: a training with --resume, others with the same command.
    Then

    - every file that the killed command had finished must be complete: equal to that of
      the uninterrupted run, or to an intermediate result (a checkpoint of an earlier
      epoch);
    - the final results must equal those of the uninterrupted run, tensor by tensor;
    - no temporary file may be left.

    Finished trials are skipped, so that the test itself can be stopped and continued.
    It prints a table, and exits with 1 if there are deviations.
    """

    kept = 'finished trials are kept; the same command continues.'
    kills: Count = option('default: %(default)s', 100)
    seed: int = option('default: %(default)s', 0, type=seed)
    jobs: Sequence[str] = option('default: all', tuple(COMMANDS), choices=COMMANDS)
    folder: Path = option(
        'folder for trials and their results (default: %(default)s)',
        Path('work_dirs/kill_test'),
    )

    def run(self, events: Events) -> None:
        """Make the trials that are not finished, and print the table."""
        root = self.folder.resolve()
        root.mkdir(parents=True, exist_ok=True)
        file = root / f'results_{self.seed}.jsonl'
        lines = file.read_text('utf-8').splitlines() if file.is_file() else []
        results = [json.loads(line) for line in lines]
        done = {(result['job'], result['number']) for result in results}
        numbers = count(self.seed * 1_000_000)
        for name, number in ((name, n) for n in numbers for name in self.jobs):
            if sum(len(result['kills']) for result in results) >= self.kills:
                break
            if (name, number) in done:
                continue
            result = trial(name, number, root)
            results.append(result)
            with file.open('a', encoding='utf-8') as out:
                out.write(json.dumps(result) + '\n')
            events.note(f'{name} {number}: {result["kills"]} {result["deviations"]}')
        events.note(f'{table(results)}\n{platform.node()}: results in {file}')
        wrong = sum(bool(result['deviations']) for result in results)
        if wrong:
            raise UserError(f'{wrong} of {len(results)} trials have deviations.')


if __name__ == '__main__':
    KillTest.main()
