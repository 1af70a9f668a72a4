"""Config text from checkpoints."""

import pytest
from mmengine.config import Config

from mmskelseg.checkpoints.config_texts import reduce_config_text
from tests.errors import raises_naming


def test_plain_text_is_returned_as_it_is():
    config = Config(
        {
            'lr': -0.1,
            'name': "it's",
            'betas': (0.9, 0.99),
            'hooks': [{'type': 'A', 'on': True}, {'steps': [1, [2]]}],
            'by_id': {1: None, 'a-b': {'c': 'd'}},
            'empty': {},
        }
    )
    assert reduce_config_text(config.pretty_text) == config.pretty_text


def test_reduced_text_gives_the_same_config():
    """Bases and imports are dropped, bare names become strings."""
    text = "_base_ = ['x.py']\ncustom_imports = dict(imports=['os'])\na = dict(b=inf)\n"
    reduced = reduce_config_text(text)
    assert Config.fromstring(reduced, '.py').to_dict() == {'a': {'b': 'inf'}}


@pytest.mark.parametrize(
    'text',
    [
        'a = os.system("x")',
        'a = [].__class__.__base__.__subclasses__().x',
        'a = "".format(1).x',
        'a = dict(**{"b": eval("1")})',
        'a = [x for x in ()]',
        'a = {**b}',
        'a = f"{b}"',
        'a: int = b()',
        'a = b = c()',
        'a.b = 1',
        'a += 1',
        'from os import system',
        'with read_base():\n    pass',
        'def f():\n    pass',
        'a = (lambda: 1).x',
        'a = -b()',
        'a = 1 if b() else 2',
    ],
)
def test_text_that_computes_is_refused(text):
    expression = text.removeprefix('a = ').replace('"', "'")
    with raises_naming(ValueError, 'line 1', expression):
        reduce_config_text(text)


@pytest.mark.parametrize('text', ['a = {{ $HOME }}', 'a = (', '\0'])
def test_text_that_is_no_python_is_refused(text):
    """Such text may become executable after MMEngine's substitutions."""
    with raises_naming(ValueError, 'config', 'Python'):
        reduce_config_text(text)


def test_substitutions_within_strings_are_taken_apart(monkeypatch):
    """MMEngine would replace them with text that can end the string."""
    text = """a = '{{$SKELSEG_UNSET:"+x+"}}'\n"""
    config = Config.fromstring(reduce_config_text(text), '.py')
    assert config.a == '{{$SKELSEG_UNSET:"+x+"}}'
