"""`mmskelseg studio` in a process of its own, which has imported it already."""

import io
import sys
from contextlib import contextmanager
from multiprocessing import forkserver, get_context

from mmskelseg_io.jobs import main, processes
from mmskelseg_studio import jobs
from tests.tool_server import IS_POSSIBLE, preloaded_context


@contextmanager
def served(folder, *words, few_steps=False):
    """Yield the server's process and the address of its page.

    With ``few_steps``, trainings have few.
    """
    context = preloaded_context() if IS_POSSIBLE else get_context('spawn')
    reader, writer = context.Pipe(duplex=False)
    words = ('studio', str(folder), '--no-browser', *words)
    process = context.Process(target=_serve, args=(words, writer, few_steps))
    process.start()
    # Without another writer, the end of the process is that of the pipe.
    writer.close()
    try:
        lines = iter(reader.recv, None)
        line = next(line for line in lines if 'The page is at ' in line)
        yield process, line.split()[-1]
    finally:
        process.terminate()
        process.join(30)


class _Sent(io.TextIOBase):
    """A stream whose texts go to another process."""

    def __init__(self, pipe):
        self.write = pipe.send


def _serve(words, writer, few_steps):
    sys.stdout = _Sent(writer)
    if few_steps:
        jobs.execute = _execute_quickly
    if IS_POSSIBLE:
        # What has forked this process forks those of its jobs.
        forkserver._forkserver.ensure_running = lambda: None
        processes.get_context = lambda _: get_context('forkserver')
    main(words)


def _execute_quickly(*given):
    from mmskelseg.automl import fit
    from tests.small_fits import small_fits

    # Few steps are slow for their number.
    fit.paces = lambda *given: {one.kind: 1.0 for one in given[-1]}
    with small_fits(4):
        return processes.execute(*given)
