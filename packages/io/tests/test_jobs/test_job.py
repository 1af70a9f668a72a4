"""Jobs, and the command lines that are made from their fields."""

import argparse
import signal
from pathlib import Path

import pytest

from mmskelseg_io.jobs.declared import add_fields
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.jobs.stopping import stoppable
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_jobs import Say


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_fields(parser, Say)
    return vars(parser.parse_args(words))


def test_fields_are_arguments_and_options():
    """Names, types, defaults and choices are those of the fields."""
    words = ['--last', 'b', '--loud', '--times', '2', '3', '--tone', 'high']
    assert parsed('a', *words) == {
        'texts': ['a'], 'fault': None, 'seconds': 0, 'last': Path('b'), 'loud': True,
        'times': [2, 3], 'tone': 'high',
    }  # fmt: skip
    assert parsed('a')['times'] == (1,)


@pytest.mark.parametrize(
    'words', [[], ['a', '--tone', 'shrill'], ['a', '--times', '-1'], ['a', '--x']]
)
def test_what_does_not_fit_is_refused(words):
    with raises_naming(SystemExit, 2):
        parsed(*words)


def test_help_is_the_docstring_and_the_help_of_fields(capsys):
    with raises_naming(SystemExit, 0):
        Say.main(['-h'], 'mmskelseg say')
    shown = capsys.readouterr().out
    assert '\nSays some texts.\n\nmmskelseg say TEXT\n' in shown
    assert 'what goes wrong at the end' in shown
    assert '\nmusic:\n' in shown


def test_command_prints_events_and_errors(capsys):
    assert Say.main(['a', 'b']) is None
    assert capsys.readouterr().out == '[1/2] a\n[2/2] b\n'
    with raises_naming(SystemExit, 'error: bad.'):
        Say.main(['a', '--fault', 'bad.'])


def test_python_gets_the_result():
    assert Say(texts=['a', 'b']).run(PrintedEvents()) == 'a b'


@pytest.mark.parametrize(
    ('given', 'line'),
    [
        (('x', 0, None), 'x ...'),
        (('x', 1, 4), '[2/4] x'),
        (('x', 4, 4), '[4/4] x'),
        (('x', 1, 4, 90.4), '0:00:00 passed, about 0:01:30 left  x: 1 of 4 finished'),
    ],
)
def test_progress_is_a_line(capsys, given, line):
    PrintedEvents().progress(*given)
    assert capsys.readouterr().out == f'{line}\n'


def test_warning_is_no_result(capsys):
    PrintedEvents().warning('Nobody is seen.')
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ('', 'warning: Nobody is seen.\n')


def test_value_that_does_not_fit_its_field_is_named():
    with raises_naming(UserError, 'Say', 'loud=1'):
        Say(texts=['a'], loud=1)


def test_signal_that_arrives_at_once_ends_with_a_sentence(monkeypatch, capsys):
    """As soon as there is a handler, and before anything has run."""
    install = signal.signal

    def and_send(number, handler):
        before = install(number, handler)
        if callable(handler):
            signal.raise_signal(number)
        return before

    monkeypatch.setattr(signal, 'signal', and_send)
    with pytest.raises(SystemExit) as end, stoppable('nothing was started.'):
        pytest.fail('it was stopped before')
    assert end.value.code == 143
    assert 'nothing was started.' in capsys.readouterr().err
