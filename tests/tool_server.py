"""Runs of tools in processes that have imported PyTorch and OpenMMLab already.

A process that imported them once is forked for every run, which saves seconds.
Whether a tool imports what it needs is shown by tests that start Python themselves.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired, run

from mmengine.config import config

from tests.small_data import ROOT

# MMEngine writes its config with each checkpoint. To set it in lines takes most of the
# time of a small training; without, it is valid Python as well.
config.FormatCode = lambda text, **_: (f'{text}\n', True)

# Windows cannot fork, and the frameworks of macOS need not survive it.
IS_POSSIBLE = sys.platform == 'linux'
CAPTURED = {'capture_output': True, 'text': True, 'check': False}


def run_python(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    limit: int | None = None,
) -> CompletedProcess[str]:
    """Run a Python script with its arguments, and return the finished process.

    A file that it writes may have ``limit`` bytes.
    """
    if not IS_POSSIBLE:
        words = [sys.executable, *command]
        return run(words, cwd=cwd, env=env, timeout=timeout, **CAPTURED)
    # Those of two ranks are written at once.
    stem = f'.{cwd.name}{env.get("RANK", "")}'
    files = [cwd.parent / f'{stem}.{name}' for name in ('out', 'err')]
    process = _context().Process(
        target=_run, args=([*command], str(cwd), {**env}, limit, *map(str, files))
    )
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutExpired(command, timeout)
    out, err = (file.read_text('utf-8') for file in files)
    return CompletedProcess(command, process.exitcode, out, err)


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['tests.preloaded'])
    before = {**os.environ}
    # Where the server finds it.
    os.environ['PYTHONPATH'] = str(ROOT)
    ensure_running()
    os.environ.clear()
    os.environ.update(before)
    return context


def _run(
    command: list[str], cwd: str, env: dict[str, str], limit: int | None, *files: str
) -> None:
    for number, file in enumerate(files, start=1):
        with open(file, 'wb') as opened:
            os.dup2(opened.fileno(), number)
    if limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    import torch

    # The environment was read when it was imported.
    torch.set_num_threads(int(env['OMP_NUM_THREADS']))
    sys.argv = command
    sys.path.insert(0, str(Path(command[0]).parent))
    multiprocessing.current_process().name = 'MainProcess'
    runpy.run_path(command[0], run_name='__main__')
