"""Tables of MOTChallenge: detections, tracks, or the truth of a sequence.

A row is a box, without a header::

    frame,id,left,top,width,height,confidence,class,visibility

Frames and pixels count from 1. Cells after the height may be missing, or -1; a
confidence of 0 marks a row to be ignored. Classes are called by their numbers, or by
the names in ``labels.txt``, as CVAT writes it. Rows of ten cells have no class, but
places in the world.
"""

from pathlib import Path

from mmskelseg_io.files.parsing import FilePath, number, read_lines, read_rows, whole
from mmskelseg_io.messages.errors import UserError, unlike
from mmskelseg_io.objects.found import Found, FoundObjects, corners
from mmskelseg_io.objects.reading import OBJECT_FORMATS, class_name, video_of

_NEEDED = ('frame', 'id', 'left', 'top', 'width', 'height')


@OBJECT_FORMATS.register('mot', {'.txt': None, '.csv': None})
def read_mot(path: FilePath) -> list[FoundObjects]:
    """Return the objects of the one video of a table."""
    # Files of names elsewhere are of other tools, which count classes from 0.
    file = Path(path).with_name('labels.txt')
    names = read_lines(file) if file.is_file() else []
    found = []
    for line, cells in read_rows(path):
        place = f'{path}: line {line}'
        # Some programs separate them by spaces.
        row = cells[0].split() if len(cells) == 1 else cells
        if len(row) < len(_NEEDED):
            raise UserError(unlike(place, row, f'at least {", ".join(_NEEDED)}'))
        frame, track = (
            whole(cell, place, name)
            for cell, name in zip(row[:2], _NEEDED[:2], strict=True)
        )
        if frame < 1:
            raise UserError(f'{place}: frame is {frame}, but the first one is 1.')
        left, top, width, height = (
            number(cell, place, name)
            for cell, name in zip(row[2:6], _NEEDED[2:], strict=True)
        )
        score = number(row[6], place, 'confidence') if len(row) > 6 else -1
        has_class = len(row) in (8, 9)
        kind = whole(row[7], place, 'class') if has_class else -1
        if score == 0:
            continue
        box = corners(left - 1, top - 1, left - 1 + width, top - 1 + height)
        found.append(
            Found(
                frame - 1,
                'object' if kind < 0 else class_name(names, kind, 1),
                box,
                1 if score == -1 else min(score, 1),
                None if track < 0 else str(track),
            )
        )
    return [FoundObjects(video_of(path), str(path), found)]
