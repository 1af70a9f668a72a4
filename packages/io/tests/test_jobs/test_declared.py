"""Options of commands that are fields of dataclasses."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from mmskelseg_io.jobs.declared import add_fields, from_options
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Fraction, grouped, like, option
from tests.errors import assert_names


def vowels(text):
    if set(text) - set('aeiou'):
        raise UserError(f'{text} has other letters than vowels')
    return text


@dataclass(frozen=True)
class Wish:
    folder: Path = option('a folder', flag='folder')
    size: tuple[int, int] = option('a size')
    share: Fraction | None = option('a share', None)
    kind: Literal['a', 'b'] = option('a kind (default: %(default)s)', 'a')
    words: Sequence[str] = option('words', (), action='append', type=vowels)
    is_new: bool = option('whether it is new', False)
    seed: int = 3


def parsed(owner, *words):
    parser = ArgumentParser()
    add_fields(parser, owner)
    return from_options(Wish, vars(parser.parse_args(words)))


def test_options_are_read_as_their_fields():
    words = ['--size', '640x480', '--share', '0.5', '--kind', 'b', '--is-new']
    words += ['out', '--words', 'a', '--words', 'oo']
    wish = Wish(Path('out'), (480, 640), 0.5, 'b', ['a', 'oo'], True)
    assert parsed(Wish, *words) == wish
    assert parsed(Wish, 'out', '--size', '2x1') == Wish(Path('out'), (1, 2))


def test_instance_gives_other_defaults():
    wish = Wish(Path('here'), (1, 2), kind='b')
    assert parsed(wish) == wish


@dataclass(frozen=True, kw_only=True)
class SharedWish(Wish):
    share: Fraction = option('a share')


def test_field_may_lack_the_default_of_the_one_that_it_replaces(capsys):
    with pytest.raises(SystemExit):
        parsed(SharedWish, 'out', '--size', '2x1')
    assert_names(capsys.readouterr().err, '--share')


@dataclass(frozen=True)
class Letter:
    share: Fraction | None = like(Wish, 'share')
    kind: str = like(Wish, 'kind', group='content', default='b')


def test_field_is_like_that_of_another_dataclass_but_for_what_differs():
    parser = ArgumentParser()
    add_fields(parser, Letter)
    assert '\ncontent:\n  --kind ' in parser.format_help()
    assert from_options(Letter, vars(parser.parse_args([]))) == Letter(None, 'b')
    given = vars(parser.parse_args(['--share', '1', '--kind', 'a']))
    assert from_options(Letter, given) == Letter(1, 'a')


@dataclass(frozen=True)
class Stamp:
    price: Fraction = option('a price')
    kind: str = like(Wish, 'kind')


@dataclass(frozen=True)
class Parcel:
    name: str = option('its name', 'parcel')
    stamp: Stamp = grouped('stamp', Stamp(0.5))


def test_field_may_be_a_dataclass_of_options():
    """With a title, and other defaults."""
    parser = ArgumentParser()
    add_fields(parser, Parcel)
    assert '\nstamp:\n  --price ' in parser.format_help()
    assert from_options(Parcel, vars(parser.parse_args([]))) == Parcel()
    given = vars(parser.parse_args(['--kind', 'b', '--name', 'c']))
    assert from_options(Parcel, given) == Parcel('c', Stamp(0.5, 'b'))


@pytest.mark.parametrize(
    ('words', 'named'),
    [
        ([], '--size'),
        (['--share', '2'], "--share: '2' is not a number from 0 to 1"),
        (['--kind', 'c'], "--kind | 'c'"),
        (['--words', 'x'], '--words: x has other letters'),
    ],
)
def test_options_that_do_not_fit_are_named(words, named, capsys):
    with pytest.raises(SystemExit):
        parsed(Wish, *words)
    assert_names(capsys.readouterr().err, named)
