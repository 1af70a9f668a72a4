"""Inputs are read in child processes, and bad ends are kept."""

import os
import signal
import time

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from tests.test_faults import children
from tests.test_faults.children import Input, Kind, outcomes
from tests.test_faults.programs import program


def _read(path):
    deed = path.read_text()
    if deed == 'signal':
        os.kill(os.getpid(), signal.SIGSEGV)
    if deed == 'hang':
        time.sleep(60)
    while deed == 'work':
        pass
    if deed == 'memory':
        np.ones(1 << 28)
    if deed == 'hidden memory':
        try:
            np.ones(1 << 28)
        except MemoryError:
            raise UserError(f'{path}: too large.') from None
    if deed == 'command':
        os.system('true')
    if deed == 'error':
        raise UserError(f'{path}: is wrong.')
    if deed == 'no sentence':
        raise UserError('wrong')
    if deed == 'other error':
        raise KeyError('a')


def _outcomes(folder, *deeds):
    kinds = {'deed': Kind(lambda seed, number: b'', _read, '.txt')}
    inputs = [
        Input('deed', f'deed.0.{k}.txt', deed.encode) for k, deed in enumerate(deeds)
    ]
    return [outcome for _, outcome in outcomes(kinds, inputs, folder)]


@pytest.mark.parametrize(
    ('deed', 'reason'),
    [
        ('signal', 'SIGSEGV'),
        ('hang', 'over 1 seconds'),
        ('work', 'SIGPROF'),
        ('memory', 'MemoryError'),
        ('hidden memory', 'over 1 GiB'),
        ('command', 'os.system'),
        ('no sentence', 'names none of'),
        ('other error', "KeyError: 'a'"),
    ],
)
def test_bad_end_is_kept_and_the_run_goes_on(tmp_path, monkeypatch, deed, reason):
    monkeypatch.setattr(children, 'SECONDS', 1)
    monkeypatch.setattr(children, 'BUSY', 1 if deed == 'hang' else 20)
    first, second, third = _outcomes(tmp_path, 'fine', deed, 'error')
    assert first.word == 'value'
    assert second.word == 'finding'
    assert reason in second.reason
    assert third.word == 'error'
    assert (tmp_path / 'deed.0.1.txt').read_text() == deed
    assert reason in (tmp_path / 'deed.0.1.txt.txt').read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_program_follows_from_seed_and_number():
    made = [program(3, k) for k in range(20)]
    program.cache_clear()
    assert made == [program(3, k) for k in range(20)]
    assert made != [program(4, k) for k in range(20)]
