"""Executes the notebooks of docs/tutorials and keeps their outputs in them.

python docs/execute_tutorials.py [NOTEBOOK...]

Each runs in an empty folder of its own, and its file is replaced if all of it worked.
"""

import os
import re
import sys
import sysconfig
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

TUTORIALS = Path(__file__).resolve().parent / 'tutorials'
_SHELL_LINE = re.compile(r'^!(?:.*\\\n)*.*$', re.M)
# Of a progress bar, with the time it took.
_PROGRESS = re.compile(r'ETA:|[\d.?]+(it/s|s/it)\]')


def execute(
    path: Path, folder: str | os.PathLike, commands: str | os.PathLike | None = None
) -> NotebookNode:
    """Return a notebook with the outputs of running it in a folder.

    Its commands are those in the folder ``commands``, or else those of this Python,
    whether or not its environment is active.

    Raises:
        CellExecutionError: If a cell raises an error or a command fails.
    """
    notebook = nbformat.read(path, as_version=4)
    sources = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        if cell.cell_type == 'code':
            # IPython goes on where a command fails.
            cell.source = _SHELL_LINE.sub(r'\g<0>\nassert _exit_code == 0', cell.source)
    first = os.fspath(commands or sysconfig.get_path('scripts'))
    search = os.pathsep.join([first, os.environ['PATH']])
    NotebookClient(
        notebook,
        timeout=1800,
        kernel_name='python3',
        record_timing=False,
        coalesce_streams=True,
        resources={'metadata': {'path': os.fspath(folder)}},
    ).execute(env={**os.environ, 'PATH': search, 'OMP_NUM_THREADS': '1'})
    for cell, source in zip(notebook.cells, sources, strict=True):
        cell.source = source
        for output in cell.get('outputs', ()):
            if output.output_type == 'stream':
                output.text = _without_progress(output.text)
    # The version of the Python that happened to run it.
    notebook.metadata.language_info = {'name': 'python'}
    return notebook


def _without_progress(text: str) -> str:
    """Return what is left on a terminal, without progress bars."""
    lines = []
    for line in text.replace('\r\n', '\n').split('\n'):
        shown = line.rpartition('\r')[2]
        if (shown or '\r' not in line) and not _PROGRESS.search(shown):
            lines.append(shown)
    return re.sub(r'\n{3,}', '\n\n', '\n'.join(lines))


def main(names: list[str]) -> None:
    """Execute the notebooks of these paths, or all."""
    for path in map(Path, names) if names else sorted(TUTORIALS.glob('*.ipynb')):
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(path, folder)
        nbformat.write(notebook, path)
        print(f'{path}: executed, {path.stat().st_size // 1024} kB')


if __name__ == '__main__':
    main(sys.argv[1:])
