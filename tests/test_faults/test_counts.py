"""Small files that claim much: what is counted is bounded before it is read."""

import json
import tracemalloc
import zipfile

import pytest

from mmskelseg_io.files.workbooks import read_sheets
from mmskelseg_io.labels.reading import read_segments
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects import read_objects
from mmskelseg_io.places.reading import read_places
from tests.errors import raises_naming
from tests.test_labels.labs import workbook

MEGABYTE = 1 << 20
LONG_TEXT = f'<si><t xml:space="preserve"> {"x" * 50_000} </t></si>'


@pytest.fixture
def peak():
    """A function that returns the most bytes of memory since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def changed_sheet(path, rows, texts=''):
    """Replace the rows of a workbook, as XML, and its shared texts."""
    pytest.importorskip('openpyxl', reason='openpyxl is not installed')
    workbook(path, [['a']])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name).decode() for name in old.namelist()}
    sheet = parts['xl/worksheets/sheet1.xml']
    begin, end = sheet.index('<sheetData>') + 11, sheet.index('</sheetData>')
    parts['xl/worksheets/sheet1.xml'] = sheet[:begin] + rows + sheet[end:]
    if texts:
        space = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
        types = parts['[Content_Types].xml']
        if 'sharedStrings' not in types:
            office = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
            part = (
                '<Override PartName="/xl/sharedStrings.xml" '
                f'ContentType="{office}.sharedStrings+xml"/></Types>'
            )
            parts['[Content_Types].xml'] = types.replace('</Types>', part)
        parts['xl/sharedStrings.xml'] = f'<sst xmlns="{space}">{texts}</sst>'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ('count', 'cell', 'text'),
    [
        # XFD is the last column: 16,384 cells for each row of a few bytes.
        (4000, '<c r="XFD{}"><v>1</v></c>', ''),
        (8_000, '<c r="A{}" t="s"><v>0</v></c>', LONG_TEXT),
    ],
    ids=['far to the right', 'long texts'],
)
def test_cells_of_a_workbook_take_no_memory(count, cell, text, tmp_path, peak):
    rows = [f'<row r="{i}">{cell.format(i)}</row>' for i in range(1, count + 1)]
    path = changed_sheet(tmp_path / 'a.xlsx', ''.join(rows), text)
    with raises_naming(UserError, path, 'memory'):
        read_sheets(path)
    assert peak() < 600 * MEGABYTE


def test_plain_workbooks_are_read(tmp_path):
    path = changed_sheet(tmp_path / 'a.xlsx', '<row r="3"><c r="B3"><v>7</v></c></row>')
    assert read_sheets(path) == [[(3, ['', '7'])]]


@pytest.mark.parametrize('ids', ['-1', '{i}'])
def test_crowds_of_objects_are_named(ids, tmp_path, peak):
    """Linking compares each box with each of the last second."""
    path = tmp_path / 'a.txt'
    rows = [
        f'{frame},{ids.format(i=i)},{i},1,5,5,1'
        for frame in (1, 2) for i in range(5000)
    ]  # fmt: skip
    path.write_text('\n'.join(rows))
    (found,) = read_objects(path)
    with raises_naming(UserError, path, "'object'", 5000):
        found.tracked(2, 25.0)
    assert peak() < 200 * MEGABYTE


def features(path, count, corners=3):
    line = [[i, i % 7] for i in range(corners)]
    geometry = {'type': 'LineString', 'coordinates': line}
    made = [
        {'type': 'Feature', 'geometry': geometry, 'properties': {'name': f'p{i}'}}
        for i in range(count)
    ]
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': made}))
    return path


def test_places_are_counted_before_they_are_compared(tmp_path):
    path = features(tmp_path / 'a.geojson', 5000)
    with raises_naming(UserError, path, 5000):
        read_places(path)
    path = features(tmp_path / 'a.geojson', 1, 50_000)
    with raises_naming(UserError, path, "'p0'", 50_000):
        read_places(path)
    assert len(read_places(features(tmp_path / 'a.geojson', 900))['']) == 900


def test_label_of_a_hundred_thousand_letters_is_refused(tmp_path):
    """It would be drawn into each picture."""
    path = tmp_path / 'take1.csv'
    path.write_text(f'start,end,label\n0,1,{"x" * 100_000}\n')
    with raises_naming(UserError, path, 100_000):
        read_segments(path)


def test_classes_of_observers_are_counted_before_they_are_compared(tmp_path):
    """Each is compared with each, so that 8,000 would take gigabytes."""
    from mmskelseg_behaviour.commands.agree import main

    for name in ('ann', 'bob'):
        rows = [f'take1,{i},{i + 1},c{i}' for i in range(2000)]
        text = '\n'.join(['video,start,end,label', *rows])
        (tmp_path / f'{name}.csv').write_text(text)
    files = [str(tmp_path / f'{name}.csv') for name in ('ann', 'bob')]
    with pytest.raises(SystemExit) as error:
        main([*files, '--out', str(tmp_path / 'out')])
    assert '2000 classes' in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_drawing_many_recordings_shows_progress(tmp_path, capsys, monkeypatch):
    from mmskelseg_behaviour.commands.agree import main

    monkeypatch.setattr('mmskelseg_io.messages.progress._SHORT', 0.0)
    for name in ('ann', 'bob'):
        rows = [f'take{i},0,1,{k}' for i in range(3) for k in 'a']
        text = '\n'.join(['video,start,end,label', *rows])
        (tmp_path / f'{name}.csv').write_text(text)
    main(
        [str(tmp_path / f'{n}.csv') for n in ('ann', 'bob')] + ['--out', str(tmp_path)]
    )
    assert 'Drawing recordings' in capsys.readouterr().err
