"""Outputs that are inputs, under any name and spelling: never overwritten."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmskelseg_behaviour.commands.agree import main as agree
from mmskelseg_behaviour.commands.bouts import main as bouts
from mmskelseg_io.converters.keypoints import main as keypoints
from mmskelseg_io.files.annotations import save_annotations
from tests.oracle import check_sentence
from tests.small_data import small_annotations

# Each draws a picture.
EXAMPLES = int(os.environ.get('SKELSEG_FUZZ_EXAMPLES', '10'))
TABLE = 'video,start,end,label\nvideo_0,0,2,walk\nvideo_0,2,4,groom\n'
PLACES = 'name,shape,x,y,radius\nbowl,circle,100,100,40\n'
# What commands write, or leave alone.
NAMES = (
    'bouts.csv', 'transitions.csv', 'overall.csv', 'measures.csv', 'confusion.csv',
    'places.csv', 'behaviours_by_place.csv', 'time_budget.csv', 'groups.csv', 'x.csv',
)  # fmt: skip


def words_of(command: str, read: str, out: str) -> tuple[object, list[str]]:
    """Return a command and its words, with the file that it reads beside the data."""
    by_place = ['--by-place', '--places', read]
    return {
        'bouts': (bouts, [read, '--out', out]),
        'places': (bouts, ['ann.pkl', '--out', out, *by_place]),
        'agree': (agree, [read, 'other.csv', '--names', 'a', 'b', '--out', out]),
        'keypoints': (keypoints, ['ann.pkl', out, '--labels', read]),
    }[command]


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp('data') / 'ann.pkl'
    save_annotations(small_annotations(), path)
    return path


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    command=st.sampled_from(['bouts', 'places', 'agree', 'keypoints']),
    name=st.sampled_from(NAMES),
    spelling=st.sampled_from(['plain', 'dots', 'absolute', 'symbolic', 'hard']),
    again=st.booleans(),
)
def test_no_command_overwrites_what_it_reads(data, command, name, spelling, again):
    before = Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            _check(data, command, Path('d', name), spelling, again)
        finally:
            os.chdir(before)


def _check(data: Path, command: str, file: Path, spelling: str, again: bool) -> None:
    Path('ann.pkl').write_bytes(data.read_bytes())
    Path('other.csv').write_text(TABLE)
    file.parent.mkdir()
    file.write_text(PLACES if command == 'places' else TABLE)
    read = {'dots': f'd/../{file}', 'absolute': str(file.absolute())}.get(spelling)
    if spelling in ('symbolic', 'hard'):
        read = 'linked.csv'
        (os.symlink if spelling == 'symbolic' else os.link)(file, read)
    content = file.read_bytes()
    for _ in range(1 + again):
        main, words = words_of(command, read or str(file), 'd')
        try:
            main(words, prog=command)
        except SystemExit as end:
            if isinstance(end.code, str):
                check_sentence(end.code.removeprefix('error: '), (file.name, read))
        assert file.read_bytes() == content
