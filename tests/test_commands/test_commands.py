"""The console command: which commands there are, and how they are found."""

import subprocess
import sys

import pytest

from mmskelseg_io.entry_points import commands
from mmskelseg_io.jobs import main
from mmskelseg_io.version import __version__
from tests.errors import assert_names, raises_naming
from tests.small_data import ROOT

GROUPS = 'label', 'train', 'use', 'measure', 'research', 'other'
HELP = """
import sys
from mmskelseg_io.jobs import main

for line in sys.argv[1:]:
    try:
        main([*line.split(), '--help'])
    except SystemExit as end:
        assert not end.code, line
    assert 'torch' not in sys.modules, line
"""


def test_help_comes_before_slow_imports():
    """Neither --help nor the list of commands imports torch."""
    lines = [
        '',
        *(name.replace('_', '-') for name in commands('commands')),
        *(f'convert {name}' for name in commands('converters')),
    ]
    done = subprocess.run(
        [sys.executable, '-c', HELP, *lines], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for line in lines:
        assert f'usage: {" ".join(("mmskelseg", *line.split()))} ' in done.stdout


def test_version_is_said(capsys):
    with raises_naming(SystemExit, 0):
        main(['--version'])
    assert capsys.readouterr().out == f'mmskelseg {__version__}\n'


def test_a_bare_name_shows_every_command_in_a_group(capsys):
    with raises_naming(SystemExit, 0):
        main([])
    shown = capsys.readouterr().out
    places = [shown.index(f'\n{group}:\n') for group in GROUPS]
    assert places == sorted(places)
    for name in commands('commands'):
        assert shown.count(f'\n  {name.replace("_", "-")} ') == 1, name
    fit = shown.index('\n  fit ')
    assert places[1] < fit < places[2]


@pytest.mark.parametrize('folder', ['tools', 'demo'])
def test_each_tool_is_a_command(folder, capsys):
    for tool in {*(ROOT / folder).glob('*.py')} - {*(ROOT / folder).glob('*_demo.py')}:
        with raises_naming(SystemExit, 0):
            main([tool.stem, '--help'])
        assert capsys.readouterr().out.startswith('usage: mmskelseg '), tool


@pytest.mark.parametrize('name', ['long_video_demo', 'webcam_demo'])
def test_demos_take_the_arguments_of_mmaction2(name, call_tool):
    shown = call_tool(f'demo/{name}.py', '--help').stdout
    assert_names(shown, f'usage: {name}.py', 'config checkpoint | [label] | mmskelseg')


@pytest.mark.parametrize(
    ('words', 'fault'),
    [
        (['trian'], "mmskelseg: error: there is no 'trian'; did you mean 'train'?"),
        (['demoo'], "mmskelseg: error: there is no 'demoo'; did you mean 'segment'?"),
        (['qwk'], "error: there is no 'qwk'; expected one of agree, angles, bouts"),
        (
            ['convert', 'ms-tcn'],
            "mmskelseg convert: error: there is no 'ms-tcn'; did you mean 'ms_tcn2'?",
        ),
    ],
)
def test_unknown_command_names_the_nearest_or_all(capsys, words, fault):
    with raises_naming(SystemExit, 2):
        main(words)
    assert fault in capsys.readouterr().err
