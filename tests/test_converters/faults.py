"""Parts of releases, changes that break them, and what converters say of these."""

import numpy as np

from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming


def save(name, array):
    return lambda root: np.save(root / name, array)


def text(name, content):
    def change(root):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)

    return change


def replace(name, old, new):
    def change(root):
        path = root / name
        path.write_text(path.read_text().replace(old, new, 1))

    return change


def remove(name):
    return lambda root: (root / name).unlink()


def rename(old, new):
    return lambda root: (root / old).rename(root / new)


def truncate(name):
    def change(root):
        (root / name).write_bytes((root / name).read_bytes()[:-50])

    return change


def check_refused(convert, root, out, change, named):
    """A changed release is refused in a sentence with these words; nothing is written.

    Args:
        convert: The job, or what makes it of the folders of release and output.
        root: The release.
        out: The output.
        change: What changes the release.
        named: File, place and value, separated by `` | ``.
    """
    change(root)
    with raises_naming(UserError, named) as error:
        convert(source=root, out=out).run(PrintedEvents())
    message = str(error.value)
    assert message.startswith(str(root))
    assert '\n' not in message
    assert not (out / 'annotations.pkl').exists()
