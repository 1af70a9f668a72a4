"""Reads inputs in child processes, so that one that ends badly is kept as a file.

A child takes many inputs. It writes each to a file before reading it, so the file is
still there if the child dies. What ends otherwise than in a value or one UserError is
a finding: signals, other exceptions, over 10 seconds of work, over 1 GiB, and running
anything.
"""

import contextlib
import faulthandler
import gc
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch

from mmskelseg_io.messages.errors import UserError, shown
from tests.oracle import bounded_memory, check_sentence

SECONDS = 10
# A busy machine takes so many times as long.
BUSY = 10
# Until an input is made and read, with what that imports.
STARTING = 120
BYTES = 1 << 30
# How many inputs a child takes.
BATCH = 500
# What reading data never does, as Python's audit hooks name it.
_DEEDS = (
    'os.system', 'os.exec', 'os.posix_spawn', 'os.fork', 'os.putenv', 'os.remove',
    'os.rename', 'os.mkdir', 'os.rmdir', 'os.chmod', 'os.kill', 'subprocess.Popen',
    'socket.connect', 'socket.getaddrinfo', 'socket.bind', 'ctypes.dlopen',
)  # fmt: skip
_OWN = ('os.mkdir', 'os.rmdir', 'os.remove')
# How libraries put it that memory is refused to them.
_NO_MEMORY = ('bad_alloc', "can't allocate memory", 'not enough memory')
#: How processes start.
FORK = multiprocessing.get_context('fork')


class Kind(NamedTuple):
    """A kind of input.

    Args:
        make: Makes one of a seed and a number.
        read: Reads one.
        suffix: Of its file.
        valid: A folder of valid files, the first of which is read before.
    """

    make: Callable[[int, int], bytes]
    read: Callable[[Path], Any]
    suffix: str
    valid: Path | None = None


class Input(NamedTuple):
    """An input, whose name begins with its kind."""

    kind: str
    name: str
    make: Callable[[], bytes]


class Outcome(NamedTuple):
    """How reading an input ended: 'value', 'error' or 'finding', and why."""

    word: str
    reason: str = ''
    seconds: float = 0


def use(value: Any, most: int = 10_000) -> None:
    """Touch the memory of a value, as what comes after the reader does."""
    shown(value)
    seen: set[int] = set()
    rest = [value]
    while rest and len(seen) < most:
        item = rest.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            rest += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            rest += item
        elif isinstance(item, np.ndarray):
            rest += item.ravel()[:100].tolist()
            if item.nbytes < 1 << 26:
                item.tobytes()
        elif isinstance(item, torch.Tensor):
            rest += item.detach().reshape(-1)[:100].tolist()
        elif hasattr(item, '__dict__'):
            rest += vars(item).values()


def judge_input(kind: Kind, path: Path, deeds: list[str]) -> Outcome:
    """Read an input, and return how that ended."""
    deeds.clear()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    outcome = Outcome('value')
    try:
        with bounded_memory(BYTES):
            use(kind.read(path))
    except UserError as error:
        outcome = _judge_error(error, path)
    except Exception as error:
        outcome = Outcome('finding', f'{type(error).__name__}: {shown(error, 200)}')
    if deeds:
        outcome = Outcome('finding', f'did {shown(deeds, 200)}')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    if peak > BYTES >> 10:
        outcome = Outcome('finding', f'took {peak >> 10} MiB')
    return outcome._replace(seconds=time.monotonic() - begin)


def _judge_error(error: UserError, path: Path) -> Outcome:
    cause: BaseException | None = error
    while cause is not None:
        text = str(cause)
        if isinstance(cause, MemoryError) or any(word in text for word in _NO_MEMORY):
            return Outcome('finding', f'asks for over 1 GiB: {shown(cause, 200)}')
        cause = cause.__cause__ or cause.__context__
    try:
        check_sentence(str(error), (path.name,))
    except AssertionError as fault:
        return Outcome('finding', f'message: {shown(fault, 300)}')
    return Outcome('error', str(error))


def _serve(
    channel: Connection, kinds: Mapping[str, Kind], inputs: list[Input], folder: Path
) -> None:
    """Read inputs in a child; the last line of its log says where it died."""
    os.chdir(folder)
    log = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = open(2, 'w', closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    deeds: list[str] = []
    reading = False

    def audit(event: str, args: tuple) -> None:
        # But for temporary folders of readers, whose content goes by their descriptor.
        is_own = event in _OWN and (args[-1] != -1 or str(args[0]).startswith(own))
        if reading and event in _DEEDS and not is_own:
            deeds.append(f'{event}{shown(args)}')

    own = f'{tempfile.gettempdir()}/mmskelseg-'
    sys.addaudithook(audit)
    ready = set()
    for item in inputs:
        kind = kinds[item.kind]
        if kind.valid and kind not in ready:
            # So that what a reader imports counts for none of the inputs.
            kind.read(min(kind.valid.iterdir()))
        ready.add(kind)
        path = folder / item.name
        path.write_bytes(item.make())
        channel.send(None)
        reading = True
        # The system ends what takes longer, in whatever library.
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome = judge_input(kind, path, deeds)
        signal.setitimer(signal.ITIMER_PROF, 0)
        reading = False
        if outcome.word != 'finding':
            path.unlink()
        channel.send(outcome)


class _Child:
    """A child process and the inputs that it has still to read."""

    def __init__(self, kinds: Mapping[str, Kind], inputs: list[Input]) -> None:
        self.inputs = deque(inputs)
        fast = '/dev/shm'
        place = fast if os.access(fast, os.W_OK) else None
        self.folder = TemporaryDirectory(prefix='mmskelseg-fuzz-', dir=place)
        self.channel, theirs = FORK.Pipe(duplex=False)
        self.process = FORK.Process(
            target=_serve, args=(theirs, kinds, inputs, Path(self.folder.name))
        )
        gc.freeze()
        self.process.start()
        theirs.close()
        self.deadline = time.monotonic() + STARTING

    def outcome(self) -> Outcome | None:
        """Return how the first input ended, None if it is still being read."""
        if self.channel.poll():
            with contextlib.suppress(EOFError, OSError):
                outcome = self.channel.recv()
                # Reading has begun, or the next input is made.
                limit = SECONDS * BUSY if outcome is None else STARTING
                self.deadline = time.monotonic() + limit
                return outcome
            self.process.join(SECONDS * BUSY)
            code = self.process.exitcode or 0
            ended = signal.Signals(-code).name if code < 0 else f'status {code}'
            return Outcome('finding', f'{ended}: {self._last_words(code < 0)}')
        if time.monotonic() > self.deadline:
            return Outcome('finding', f'over {SECONDS} seconds')
        return None

    def _last_words(self, has_crashed: bool) -> str:
        lines = Path(self.folder.name, 'log').read_text(errors='replace').splitlines()
        frames = [line.strip() for line in lines if line.startswith('  File')]
        return ', '.join(frames[:3]) if has_crashed else ' '.join(lines[-1:])[:300]

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.channel.close()
        self.folder.cleanup()

    def keep(self, findings: Path, outcome: Outcome) -> None:
        """Keep the input that a finding is about, and the reason."""
        item = self.inputs[0]
        findings.mkdir(parents=True, exist_ok=True)
        (findings / f'{item.name}.txt').write_text(f'{outcome.reason}\n')
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(Path(self.folder.name, item.name), findings)


def outcomes(
    kinds: Mapping[str, Kind],
    inputs: Iterable[Input],
    findings: Path,
    processes: int = 1,
) -> Iterator[tuple[Input, Outcome]]:
    """Yield how reading each of some inputs ended; findings are kept in a folder."""
    rest = iter(inputs)
    children: list[_Child] = []
    try:
        while True:
            while len(children) < processes and (batch := [*islice(rest, BATCH)]):
                children.append(_Child(kinds, batch))
            if not children:
                return
            wait([child.channel for child in children], timeout=0.5)
            for child in list(children):
                outcome = child.outcome()
                if outcome is None:
                    continue
                if outcome.word == 'finding':
                    child.keep(findings, outcome)
                item = child.inputs.popleft()
                # What a finding leaves of its process is not to be trusted.
                if outcome.word == 'finding' or not child.inputs:
                    child.end()
                    children.remove(child)
                    if child.inputs:
                        children.append(_Child(kinds, [*child.inputs]))
                yield item, outcome
    finally:
        for child in children:
            child.end()
