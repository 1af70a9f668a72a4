"""The commands, a module each: a job, or what runs one."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mmskelseg import check_dependencies
from mmskelseg.runtime import jobs
from mmskelseg.runtime.messages.errors import user_errors


def _sentence(file: Path) -> str:
    """Return the first line of the docstring of a module, without importing it."""
    with file.open(encoding='utf-8') as lines:
        return next(lines).strip().strip('".')


#: What each command does. It is imported when it is used, and has `main(argv, prog)`.
COMMANDS = {
    file.stem.replace('_', '-'): _sentence(file)
    for file in sorted(Path(__file__).parent.glob('[!_]*.py'))
}
# Files in tools/ and demo/ with other names.
TOOLS = {**jobs.TOOLS, 'browse-dataset': 'browse', 'extract-features': 'features'}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command that the first argument names."""
    words = sys.argv[1:] if argv is None else argv
    # The doctor lists all problems, where this check would stop.
    if [*words][:1] != ['doctor']:
        with user_errors():
            check_dependencies()
    jobs.dispatch(__name__, COMMANDS, words, TOOLS)
