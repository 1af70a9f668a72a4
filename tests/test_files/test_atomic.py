import os
import subprocess
import sys

import pytest
import torch
from mmengine.runner import save_checkpoint

from mmskelseg_io.files import atomic
from mmskelseg_io.files.atomic import (
    atomic_replacement,
    atomic_write,
    atomic_write_text,
    check_can_write,
)
from tests.errors import raises_naming


def test_atomic_write_names_a_file_when_it_is_whole(tmp_path):
    """The file appears when the block ends."""
    path = tmp_path / 'new' / 'scores.json'
    with atomic_write(path) as file:
        file.write(b'scores')
        assert not path.exists()
    assert path.read_bytes() == b'scores'
    assert list(path.parent.iterdir()) == [path]


def test_atomic_write_keeps_the_old_file_when_it_is_interrupted(tmp_path):
    path = tmp_path / 'scores.json'
    path.write_bytes(b'old')

    def write():
        with atomic_write(path) as file:
            file.write(b'new')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_another_program_reads_is_replaced_afterwards(tmp_path, monkeypatch):
    """Windows refuses to replace a file that is open, such as in a virus scanner."""
    path, waited = tmp_path / 'scores.json', []
    replace = os.replace

    def replace_after_a_second(source, target):
        if sum(waited) < 1:
            raise PermissionError(13, 'Access is denied', str(source), 5, str(target))
        replace(source, target)

    monkeypatch.setattr(os, 'replace', replace_after_a_second)
    monkeypatch.setattr(atomic.time, 'sleep', waited.append)
    with raises_naming(OSError, path):
        atomic_write_text(path, 'new')
    assert not waited
    monkeypatch.setattr(sys, 'platform', 'win32')
    atomic_write_text(path, 'new')
    assert path.read_text() == 'new'
    assert sum(waited) < 2


def test_a_path_is_tried_without_a_trace(tmp_path):
    path = tmp_path / 'new' / 'model.onnx'
    check_can_write(path)
    assert list(path.parent.iterdir()) == []
    path.write_bytes(b'old')
    check_can_write(path)
    assert path.read_bytes() == b'old'
    assert list(path.parent.iterdir()) == [path]
    with raises_naming(OSError, path, 'File exists'):
        check_can_write(path / 'other.onnx')


def test_errors_do_not_name_the_temporary_file(tmp_path):
    path = tmp_path / 'folder' / 'scores.json'

    def write():
        with atomic_replacement(path) as aside:
            path.parent.rmdir()
            aside.touch()

    with raises_naming(OSError, f'{path}: No such file'):
        write()


def test_text_is_written_as_it_is(tmp_path):
    """UTF-8, with the same line ends on every system."""
    atomic_write_text(tmp_path / 'new' / 'a.csv', 'é\r\nb\n')
    assert (tmp_path / 'new' / 'a.csv').read_bytes() == b'\xc3\xa9\r\nb\n'


KILLED = """
import os, sys
from mmskelseg_io.files.atomic import atomic_write

with atomic_write(sys.argv[1]) as file:
    file.write(b'half')
    file.flush()
    os._exit(9)
"""


@pytest.mark.skipif(os.name == 'nt', reason='no process can be asked for there')
def test_what_a_killed_program_left_is_removed_by_the_next(tmp_path):
    """Files of running programs and of other machines remain."""
    path = tmp_path / 'scores.json'
    subprocess.run([sys.executable, '-c', KILLED, str(path)], check=False)
    (stray,) = tmp_path.iterdir()
    assert stray.read_bytes() == b'half'
    machine = stray.name.split('-')[0]
    kept = [f'{machine}-{os.getpid()}-0.part.json', f'.ffffffff-{2**22 + 1}-0.part']
    for name in kept:
        (tmp_path / name).touch()
    atomic_write_text(path, 'whole')
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*kept, 'scores.json'])


def test_checkpoints_of_mmengine_are_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / 'epoch_1.pth'
    save_checkpoint({'epoch': 1}, str(path))

    def fail(*_):
        raise OSError('No space left on device')

    monkeypatch.setattr(os, 'replace', fail)
    with raises_naming(OSError, 'No space left'):
        save_checkpoint({'epoch': 2}, str(path))
    assert torch.load(path, weights_only=True) == {'epoch': 1}
    assert list(tmp_path.iterdir()) == [path]
