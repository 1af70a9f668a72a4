"""Outputs that are inputs, and files of others in folders of outputs."""

import pytest

from mmskelseg.commands.browse import main as browse
from mmskelseg_behaviour.commands.agree import main as agree
from mmskelseg_behaviour.commands.bouts import main as bouts
from mmskelseg_io.commands.convert import main as convert
from mmskelseg_io.files.annotations import save_annotations
from tests.errors import assert_names
from tests.small_data import small_annotations

TABLE = 'video,start,end,label\nm1,0,30,walk\nm1,30,90,groom\n'


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Run a command in a folder with data; it must name a file and change none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'd').mkdir()
    (tmp_path / 'b').mkdir()
    save_annotations(small_annotations(), tmp_path / 'ann.pkl')

    def run(main, named, *words):
        before = {p: p.read_bytes() for p in tmp_path.rglob('*') if p.is_file()}
        with pytest.raises(SystemExit) as end:
            main(words, prog='command')
        assert_names(end.value.code, *named)
        assert {path: path.read_bytes() for path in before} == before

    return run


def test_tables_that_are_read_are_not_replaced(refused, tmp_path):
    """By bouts and agree, though agree replaces its own files."""
    for name in ('d/overall.csv', 'b/overall.csv', 'b/bouts.csv'):
        (tmp_path / name).write_text(TABLE)
    refused(bouts, ['b/bouts.csv'], 'b/bouts.csv', '--out', 'd/../b')
    for name in ('transitions.csv', 'overall.csv'):
        (tmp_path / 'b' / name).rename(tmp_path / name)
    refused(bouts, ['b/bouts.csv'], 'b', '--out', 'b')
    (tmp_path / 'overall.csv').rename(tmp_path / 'b/overall.csv')
    agree(['d/overall.csv', 'b/overall.csv', '--out', 'new'], prog='agree')
    agree(['d/overall.csv', 'b/overall.csv', '--out', 'new'], prog='agree')
    words = ('d/overall.csv', 'b/overall.csv', '--names', 'x', 'y', '--out', 'd')
    refused(agree, ['d/overall.csv'], *words)


def test_places_that_are_read_are_not_replaced(refused, tmp_path):
    text = 'name,shape,x,y,radius\nbowl,circle,100,100,40\n'
    (tmp_path / 'd/places.csv').write_text(text)
    words = ('ann.pkl', '--out', 'd', '--by-place', '--places', 'd/places.csv')
    refused(bouts, ['d/places.csv'], *words)


@pytest.mark.parametrize('name', ['bouts.csv', 'transitions.csv', 'ethogram.png'])
def test_files_of_others_are_not_replaced(refused, tmp_path, name):
    (tmp_path / 'd' / name).write_text('mine')
    refused(bouts, [f'd/{name}'], 'ann.pkl', '--out', 'd')


def test_files_of_others_are_not_removed(refused, tmp_path):
    """Though an earlier run has written such files, which are removed."""
    (tmp_path / 'groups.csv').write_text(
        'video,group\nvideo_0,a\nvideo_1,b\nvideo_2,b\n'
    )
    bouts(['ann.pkl', '--out', 'd', '--groups', 'groups.csv'], prog='bouts')
    (tmp_path / 'd/risk.csv').write_text('mine')
    comparison = tmp_path / 'd/comparison.csv'
    comparison.write_text(comparison.read_text() + 'edited')
    assert [*(tmp_path / 'd').glob('comparison_*.png')]
    bouts(['ann.pkl', '--out', 'd'], prog='bouts')
    assert (tmp_path / 'd/risk.csv').read_text() == 'mine'
    assert comparison.read_text().endswith('edited')
    assert not [*(tmp_path / 'd').glob('comparison_*.png')]


def test_other_commands_follow_the_same_rule(refused, tmp_path):
    (tmp_path / 'd/index.html').write_text('mine')
    refused(browse, ['d/index.html'], 'ann.pkl', '--out', 'd')
    (tmp_path / 'd/annotations.pkl').write_bytes(b'mine')
    refused(convert, ['d/annotations.pkl'], 'toy', 'd', '--no-videos')
