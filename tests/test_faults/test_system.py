"""Full disks, unusable folders and signals."""

import os
import resource
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.messages.errors import UnavailableError
from tests.errors import raises_naming
from tests.small_data import PATH, TOY, small_annotations, small_training
from tests.test_faults.formats import FORMATS

DATA = 'my data/annotations.pkl'
SMALL = small_training(DATA)


@pytest.fixture
def data(tmp_path):
    """A small data set in a folder with a space in its name."""
    save_annotations(small_annotations((20, 15, 18)), tmp_path / DATA)
    return tmp_path


def command(*argv, folder):
    """Start a command as a user does."""
    return subprocess.Popen(
        [sys.executable, '-m', 'mmskelseg', *map(str, argv)],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, they ignore it, and what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def told(run_tool):
    """Return the last line of a command that fails.

    A file that it writes may have ``limit`` bytes.
    """

    def run(*argv, limit=None):
        error = run_tool('mmskelseg', *argv, code=1, limit=limit).stderr
        assert 'Traceback' not in error, error
        # A progress bar ends its line before.
        last = error.rstrip('\n').rpartition('\n')[2]
        assert last.startswith('error: '), error
        return last

    return run


def strays(folder):
    return list(folder.rglob('.*.part*'))


@pytest.mark.slow
@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (('browse', 's3://a/b.pkl'), 's3:/a/b.pkl: is an address'),
        (('browse', DATA, '--out', 's3://a'), 's3:/a/time_budget.csv: is an address'),
        (('train', TOY, '--work-dir', 's3://a/b'), 's3://a/b: is an address'),
        (('train', TOY, '--resume', 's3://a/b.pth'), 's3:/a/b.pth: is an address'),
        (('test', TOY, 's3://a/b.pth'), 's3:/a/b.pth: is an address'),
        (('segment', DATA, 's3://a/b.pth'), 's3://a/b.pth: is an address'),
        (('browse', 'one'), 'one: Too many levels of symbolic links'),
        (('browse', 'one/a.pkl'), 'one/a.pkl: Too many levels of symbolic links'),
        (('browse', DATA, '--out', 'one/b'), 'Too many levels of symbolic links'),
        (('train', TOY, '--resume', 'one'), 'one: Too many levels of symbolic links'),
    ],
)
def test_place_where_no_file_can_be_is_named(data, told, argv, message):
    """Addresses, and circles of links."""
    (data / 'one').symlink_to('two')
    (data / 'two').symlink_to('one')
    assert message in told(*argv)
    assert not (data / 's3:').exists()


def test_full_disk_names_the_file(tmp_path):
    path = tmp_path / 'a.npy'
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UnavailableError) as error, atomic_write(path) as file:
            np.save(file, np.zeros(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(error.value).startswith(f'{path}: File too large; make room on the disk')
    assert not list(tmp_path.iterdir())


def test_folder_or_file_in_the_place_of_another_is_named(tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').touch()
    for path, named in (
        ('folder', 'folder: | Is a directory'),
        ('file/b.json', 'file: | File exists'),
    ):
        with (
            raises_naming(UnavailableError, named),
            atomic_write(tmp_path / path) as file,
        ):
            file.write(b'1')
    assert not strays(tmp_path)


def test_converter_on_a_full_disk_leaves_nothing(tmp_path, told):
    """Neither half a file nor an empty one."""
    source = FORMATS['dest (*.npy)'].make(tmp_path)
    message = told('convert', 'dest', 'import', source, tmp_path / 'out', limit=5000)
    assert message.startswith(f'error: {tmp_path}/out/')
    assert 'File too large; make room on the disk' in message
    assert not (tmp_path / 'out/annotations.pkl').exists()
    assert not strays(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('limit', [1000, 30_000, 200_000])
def test_training_on_a_full_disk_names_the_file(data, told, limit):
    """Its log, its features or its checkpoint, whichever comes first."""
    message = told('train', TOY, '--cfg-options', *SMALL, limit=limit)
    assert message.startswith('error: ')
    assert 'make room on the disk' in message
    assert not strays(data)
    assert not list(data.rglob('*.pth'))


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_folder_without_rights_is_named(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a').chmod(stat.S_IRUSR | stat.S_IXUSR)
    with (
        raises_naming(UnavailableError, f'{tmp_path / "a"}: ', 'Permission denied'),
        atomic_write(tmp_path / 'a' / 'b' / 'c.json') as file,
    ):
        file.write(b'1')


@pytest.mark.slow
@pytest.mark.parametrize(
    ('argv', 'place'),
    [
        (('train', TOY, '--work-dir', 'file', '--cfg-options', *SMALL), 'file'),
        (('browse', DATA, '--out', 'file'), 'file'),
        (('browse', DATA, '--json', 'folder'), 'folder'),
        (('browse', DATA, '--videos', 'none'), 'none'),
        (('make-config', DATA, 'file/a.py'), 'file'),
        (('convert', 'toy', 'file', '--no-videos'), 'file'),
    ],
)
def test_output_that_cannot_be_written_is_named(data, told, argv, place):
    (data / 'file').touch()
    (data / 'folder').mkdir()
    message = told(*argv)
    assert place in message
    assert len(message) < 500


@pytest.mark.slow
def test_stopped_training_says_how_to_go_on(data):
    options = ('--cfg-options', *SMALL, 'train_cfg.max_epochs=200')
    process = command('train', TOY, *options, folder=data)
    work = data / 'work_dirs/toy_joint_limb'
    begin = time.monotonic()
    while not (work / 'last_checkpoint').exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() - begin < 120
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert error.endswith(
        '\nStopped: finished features and checkpoints are kept; add --resume to '
        'continue.\n'
    )
    assert 'Traceback' not in error


def test_output_that_nobody_reads_ends_quietly(data):
    """As with `mmskelseg browse FILE | head -1`."""
    process = command('browse', DATA, '--no-pictures', folder=data)
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(timeout=120) in (0, 141)
    assert 'Traceback' not in error
    assert load_annotations(data / DATA)
