"""Runs of tools in processes that have imported PyTorch and OpenMMLab already.

A process that imported them once is forked for every run, which saves seconds.
Whether a tool imports what it needs is shown by tests that start Python themselves.
"""

import json
import multiprocessing
import os
import runpy
import socket
import socketserver
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired, run
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Thread
from types import SimpleNamespace

from mmengine.config import config
from mmengine.dataset import base_dataset

from tests.small_data import PATH, ROOT

# MMEngine writes its config with each checkpoint. To set it in lines takes most of the
# time of a small training; without, it is valid Python as well.
config.FormatCode = lambda text, **_: (f'{text}\n', True)
# It copies each config and its bases, and writes the copies again, which takes ten
# times as long on a disk as in memory.
if os.access('/dev/shm', os.W_OK):
    config.tempfile = SimpleNamespace(
        TemporaryDirectory=partial(TemporaryDirectory, dir='/dev/shm'),
        NamedTemporaryFile=NamedTemporaryFile,
    )
# It looks for garbage in all of PyTorch after each annotation file.
base_dataset.gc = SimpleNamespace(collect=int)

# Windows cannot fork, and the frameworks of macOS need not survive it.
IS_POSSIBLE = sys.platform == 'linux'
# Set where modules are imported for such processes, and not by the collection of tests.
IN_SERVER = 'SKELSEG_TESTS_PRELOADED'
CAPTURED = {'capture_output': True, 'text': True, 'check': False}
# A command that has `serve_commands` run its arguments, and a Python that does so with
# those of scripts and modules that import much.
_CLIENT = """\
#!{python} -IS
import json, os, socket, sys

path, *words = sys.argv
target = ['-m', 'mmskelseg']
if os.path.basename(path) == 'python':
    command, words = words, words[words[:1] == ['-u'] :]
    size = 1 + (words[:1] == ['-m'])
    target, words = words[:size], words[size:]
    name = ''.join(target[-1:])
    if name not in {modules} and not name.startswith({tools!r}):
        os.execv({python!r}, [{python!r}, *command])
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    call = json.dumps([path, target, words, os.getcwd(), {{**os.environ}}])
    socket.send_fds(server, [call.encode()], [1, 2])
    sys.exit(int(server.recv(9)))
"""
_MODULES = (
    'ipykernel_launcher',
    'mmskelseg',
    'submitit.core._submit',
    'torch.distributed.run',
)


def run_python(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    limit: int | None = None,
    python: Path | None = None,
) -> CompletedProcess[str]:
    """Run a Python script with its arguments, and return the finished process.

    A file that it writes may have ``limit`` bytes. ``python`` is its
    ``sys.executable``.
    """
    if not IS_POSSIBLE:
        words = [sys.executable, *command]
        return run(words, cwd=cwd, env=env, timeout=timeout, **CAPTURED)
    process, files = start_python(command, cwd, env, limit, python)
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutExpired(command, timeout)
    out, err = (file.read_text('utf-8') for file in files)
    return CompletedProcess(command, process.exitcode, out, err)


def start_python(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    limit: int | None = None,
    python: Path | None = None,
) -> tuple[multiprocessing.process.BaseProcess, list[Path]]:
    """Return such a process, which runs, and the files with its two outputs."""
    context = multiprocessing.get_context('spawn')
    if IS_POSSIBLE:
        context = preloaded_context()
    # Those of two ranks are written at once.
    stem = f'.{cwd.name}{env.get("RANK", "")}'
    files = [cwd.parent / f'{stem}.{name}' for name in ('out', 'err')]
    names = str(python or sys.executable), *map(str, files)
    process = context.Process(
        target=_run, args=([*command], str(cwd), {**env}, limit, *names)
    )
    process.start()
    return process, files


@cache
def preloaded_context() -> multiprocessing.context.ForkServerContext:
    """Return a context of `multiprocessing` whose processes are such forks."""
    context = multiprocessing.get_context('forkserver')
    # The second one needs packages that may be missing.
    context.set_forkserver_preload(['tests.preloaded', 'mmskelseg_studio.server'])
    before = {**os.environ}
    # Where the server finds it.
    os.environ['PYTHONPATH'] = PATH
    os.environ[IN_SERVER] = '1'
    ensure_running()
    os.environ.clear()
    os.environ.update(before)
    return context


def _run(
    command: list[str],
    cwd: str,
    env: dict[str, str],
    limit: int | None,
    python: str,
    *files: str,
) -> None:
    for number, file in enumerate(files, start=1):
        with open(file, 'wb') as opened:
            os.dup2(opened.fileno(), number)
    if limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    _enter(cwd, env, python)
    _run_script(*command)


@contextmanager
def serve_commands(folder: Path) -> Iterator[None]:
    """Write an ``mmskelseg`` and a ``python`` whose commands run in forks.

    This ``python`` is their ``sys.executable``, so that commands that they start are
    forks as well.
    """
    # On Linux, such an address names no file, whose path might be too long.
    address = f'\0mmskelseg{os.getpid()}{folder}'
    for name in ('mmskelseg', 'python'):
        (folder / name).write_text(
            _CLIENT.format(
                python=sys.executable,
                address=address,
                modules=_MODULES,
                tools=str(ROOT / 'tools'),
            )
        )
        (folder / name).chmod(0o755)
    # Not in several threads at once.
    preloaded_context()
    with _Server(address, _Handler) as server:
        Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        yield
        server.shutdown()


class _Server(socketserver.ThreadingUnixStreamServer):
    """A server whose clients send their call as one message."""

    socket_type = socket.SOCK_SEQPACKET
    daemon_threads = True


class _Handler(socketserver.BaseRequestHandler):
    """Has a fork run the call of a client, and tells the client how it ended."""

    def handle(self) -> None:
        process = preloaded_context().Process(target=_answer, args=(self.request,))
        process.start()
        process.join()
        self.request.send(str(process.exitcode).encode())


def _answer(request: socket.socket) -> None:
    call, streams, *_ = socket.recv_fds(request, 1 << 20, 2)
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
    # Those of the server may be files, and these a terminal.
    sys.stdout = open(1, 'w', buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, 'w', buffering=1, closefd=False)  # noqa: SIM115
    path, (*is_module, name), words, cwd, env = json.loads(call)
    _enter(cwd, env, str(Path(path).with_name('python')))
    if is_module:
        sys.argv = [path, *words]
        runpy.run_module(name, run_name='__main__')
    else:
        _run_script(name, *words)


def _run_script(*command: str) -> None:
    sys.argv = [*command]
    sys.path.insert(0, str(Path(command[0]).parent))
    runpy.run_path(command[0], run_name='__main__')


def _enter(cwd: str, env: Mapping[str, str], python: str) -> None:
    """Make this process one of a Python that was started in a folder."""
    sys.executable = python
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    import torch

    # The environment was read when it was imported.
    torch.set_num_threads(int(env['OMP_NUM_THREADS']))
    multiprocessing.current_process().name = 'MainProcess'
