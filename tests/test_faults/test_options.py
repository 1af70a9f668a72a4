"""Options of every command: each value is taken, or refused in a sentence."""

import argparse
import contextlib
import inspect
import io
import signal
from importlib import import_module
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmskelseg_io.entry_points import commands
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.jobs.settings import parse_setting
from mmskelseg_io.jobs.stopping import stoppable
from tests.small_data import TOY
from tests.test_faults.mutations import HOSTILE

# What the others dispatch to is among these.
DISPATCHERS = {'convert'}
MAINS = [
    one.module
    for known in (commands('commands'), commands('converters'))
    for name, one in known.items()
    if name not in DISPATCHERS
]
TEXTS = [text for text in map(str, HOSTILE[:-1]) if len(text) < 10_000]


class Captured(BaseException):
    """Ends a command before it reads its arguments."""


def parsers(name):
    """Return the parsers of a command: its own, or those of its jobs."""
    module = import_module(name)
    jobs = [
        one.main
        for one in vars(module).values()
        if inspect.isclass(one) and issubclass(one, Job) and one.__module__ == name
    ]

    def capture(self, *_, **__):
        raise Captured(self)

    found = []
    with mock.patch.multiple(
        argparse.ArgumentParser, parse_args=capture, parse_intermixed_args=capture
    ):
        for main in jobs or [module.main]:
            with pytest.raises(Captured) as end:
                main([], prog='command')
            found.append(end.value.args[0])
    return found


@pytest.mark.parametrize('name', sorted(MAINS))
def test_numbers_have_bounds(name):
    for parser in parsers(name):
        for action in parser._actions:
            assert action.type not in (int, float), action.option_strings


@pytest.mark.parametrize('name', sorted(MAINS))
def test_every_value_is_taken_or_refused(name):
    actions = [a for p in parsers(name) for a in p._actions if a.type is not None]

    @settings(max_examples=40, deadline=None, database=None)
    @given(text=st.sampled_from(TEXTS) | st.text(max_size=30))
    def run(text):
        for action in actions:
            with contextlib.suppress(argparse.ArgumentTypeError, ValueError):
                action.type(text)

    run()


def refused(command, *argv):
    """Return the last line of a command's error, and its status."""
    output = io.StringIO()
    known = commands('commands') | commands('converters')
    main = import_module(known[command].module).main
    with contextlib.redirect_stderr(output), pytest.raises(SystemExit) as end:
        main([str(word) for word in argv], prog='command')
    code = end.value.code
    text = output.getvalue() + (code if isinstance(code, str) else '')
    assert 'Traceback' not in text
    return text.splitlines()[-1], 1 if isinstance(code, str) else code


@pytest.mark.parametrize(('command', 'argv', 'message'), [
    ('train', ['--seed', '-1'], "--seed: '-1' is not a whole number from 0"),
    ('train', ['--seed', '9' * 5000], "--seed: '99999"),
    ('train', ['--cfg-options', 'a'], "'a' is not of the form key=value"),
    ('train', ['--cfg-options', '=3'], "'=3' is not of the form key=value"),
    ('train', ['--cfg-options', 'a=[(1,2]'], 'an unmatched closing bracket'),
    ('train', ['--cfg-options', 'a=[1,2'], 'an unmatched opening bracket'),
    ('train', ['--launcher', 'pytorch'], 'RANK is not set, so pytorch did'),
    ('train', ['--launcher', 'slurm'], 'SLURM_PROCID is not set, so slurm'),
    ('test', ['x.pth', '--interval', '0'], "--interval: '0' is not a whole"),
    ('test', ['x.pth', '--wait-time', 'nan'], "'nan' is not a number from"),
    ('segment', ['--model', 'precog', '--device', 'foo'], "'foo': not avail"),
    ('segment', ['--model', 'precog', '--device', 'cuda:99'], "'cuda:99': no"),
    ('segment', ['a', 'x', '--batch-size', '0'], "'0' is not a whole number"),
    ('segment', ['a', 'x', '--min-score', '2'], "'2' is not a number from 0"),
    ('segment', ['a', 'x', '--fps', '0'], "--fps: '0' is not above 0"),
    ('fit', ['--group-by', 'a{99999999999}'], "'a{99999999999}' is not a reg"),
    ('fit', ['--group-by', '(' * 3000], '(((... is not a regular expression'),
    ('fit', ['--group-by', '[[]]'], "'[[]]' is not a regular expression"),
    ('compare', ['b', '--group-by', '(?P<a'], "'(?P<a' is not a regular"),
    ('studio', ['--port', '70000'], "'70000' is not a whole number from 1 to"),
    ('cross_validate', ['--seeds', '1.5'], "'1.5' is not a whole number"),
    ('bouts', ['--out', 'o', '--duration', '1e12'], "'1e12' is not a number"),
    ('browse', ['--frames', '٣'], "'٣' is not a whole number from 1"),
    ('browse', ['--frames', '999999'], 'a whole number from 1 to 100'),
    ('toy', ['--seconds', 'inf'], "'inf' is not a number from 2"),
    ('toy', ['--seconds', '1e7'], "'1e7' is not a number from 2 to 3600"),
    ('fit', ['--out', 'o', '--minutes', '1e308'], "'1e308' is not a number"),
    ('tum_kitchen', ['o', '--fps', '-1'], 'a number from 0'),
])  # fmt: skip
def test_misuse_is_told(command, argv, message, monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    first = TOY if command in commands('commands') else 'out'
    text, code = refused(command, first, *argv)
    assert message in text
    assert code in (1, 2)
    assert len(text) < 1000


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('/my data/a b.pkl', '/my data/a b.pkl'),
        (' 3 ', 3),
        ('(1, 2)', (1, 2)),
        ('[(a,b),(c,d)]', [('a', 'b'), ('c', 'd')]),
        ('(a,b),(c,d)', [('a', 'b'), ('c', 'd')]),
        ('1,2,x y', [1, 2, 'x y']),
        ("'/data/a, b (1).pkl'", '/data/a, b (1).pkl'),
        ('"1"', '1'),
        ('/data/run (1)/a.pkl', '/data/run (1)/a.pkl'),
        ("it's", "it's"),
        ('a(1,2)', 'a(1,2)'),
        ('a,', ['a']),
        ('[]', []),
        ('()', ()),
        ('(1,)', (1,)),
        ('None', None),
        ('true', True),
        ('', ''),
    ],
)
def test_setting_is_read_with_its_spaces(text, value):
    read = parse_setting(text)
    assert (read, type(read)) == (value, type(value))


@given(text=st.text('[]()\'", a1=', max_size=12) | st.text(max_size=20))
@settings(max_examples=150, deadline=None, database=None)
def test_any_setting_is_read_or_refused(text):
    """argparse turns a ValueError into an error of the option."""
    with contextlib.suppress(ValueError):
        parse_setting(text)


@pytest.mark.parametrize(
    ('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_stopped_command_says_what_is_kept(number, status, capsys, request):
    """With a shell's exit status; the handler is restored."""
    # A shell lets what runs in the background ignore Ctrl-C.
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, kept))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end, stoppable('epochs are kept.'):
        signal.raise_signal(number)
    assert end.value.code == status
    assert capsys.readouterr().err == '\nStopped: epochs are kept.\n'
    assert signal.getsignal(signal.SIGTERM) is before
