"""The console command: which commands there are, and how they are found."""

import subprocess
import sys

import pytest

from mmskelseg_io.entry_points import commands, commands_in
from mmskelseg_io.jobs import main
from mmskelseg_io.version import __version__
from tests.errors import assert_names, raises_naming
from tests.small_data import ROOT

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
        *(
            f'convert-model {name}'
            for name in commands_in('mmskelseg.converters.checkpoints')
        ),
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
        (['qwk'], "error: there is no 'qwk'; expected one of agree, angles, app"),
        (
            ['convert-model', 'ms-tcn'],
            "mmskelseg convert-model: error: there is no 'ms-tcn'; did you mean "
            "'ms_tcn2'?",
        ),
        ([], 'mmskelseg: error: the following arguments are required: NAME'),
    ],
)
def test_unknown_command_names_the_nearest_or_all(capsys, words, fault):
    with raises_naming(SystemExit, 2):
        main(words)
    assert fault in capsys.readouterr().err
