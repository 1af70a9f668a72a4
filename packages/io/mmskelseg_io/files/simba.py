"""What the project folder of SimBA says about a table in it."""

import configparser
from pathlib import Path
from typing import NamedTuple

from mmskelseg_io.files.inputs import check_fps, is_file
from mmskelseg_io.files.parsing import FilePath, number, read_dicts, read_text
from mmskelseg_io.messages.errors import reading


class SimbaVideo(NamedTuple):
    """A video of a project: frames per second, height and width, and the behaviors."""

    fps: float | None = None
    img_shape: tuple[float, float] | None = None
    behaviors: tuple[str, ...] = ()


#: The columns of a table.
EXPECTED = (
    'a number without a name, then x, y and p of each joint, such as Nose_x, Nose_y '
    'and Nose_p'
)


def is_simba(header: list[str]) -> bool:
    """Return whether the first joint of a table is that of SimBA: x, y and p.

    >>> is_simba(['', 'Nose_1_x', 'Nose_1_y', 'Nose_1_p', 'Attack'])
    True
    """
    joint = header[1][:-2] if len(header) > 3 else ''
    return (
        header[:1] in ([''], ['Unnamed: 0'], ['unnamed: 0'])
        and header[1:4] == [f'{joint}_{axis}' for axis in 'xyp']
        and joint != ''
    )


def simba_video(path: FilePath) -> SimbaVideo:
    """Return what is known of the video of ``project_folder/csv/FOLDER/VIDEO.csv``.

    That is nothing if the table lies elsewhere.
    """
    file = Path(path).resolve()
    if len(file.parents) < 3 or file.parents[1].name != 'csv':
        return SimbaVideo()
    fps, shape, project = None, None, file.parents[2]
    if is_file(info := project / 'logs' / 'video_info.csv'):
        for place, row in read_dicts(info, 'video', 'fps'):
            if row['video'] == file.stem:
                fps = check_fps(number(row['fps'], place, 'fps'), place)
                sides = [row.get(f'resolution_{s}', '') for s in ('height', 'width')]
                if all(sides):
                    height, width = (number(s, place, 'Resolution') for s in sides)
                    shape = height, width
    config = project / 'project_config.ini'
    return SimbaVideo(fps, shape, _behaviors(config) if is_file(config) else ())


def _behaviors(path: Path) -> tuple[str, ...]:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    with reading(path, configparser.Error):
        config.read_string(read_text(path))
    names = []
    if config.has_section('SML settings'):
        stated = config.items('SML settings')
        names = [v.strip() for k, v in stated if k.startswith('target_name_')]
    return tuple(filter(None, names))
