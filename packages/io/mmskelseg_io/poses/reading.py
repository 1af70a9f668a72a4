"""What all readers of poses share: their formats, and the names of their files."""

import re
from pathlib import Path

from mmskelseg_io.files.arrays import read_npz
from mmskelseg_io.files.formats import FOLDER, Formats, options_of, suffix_of
from mmskelseg_io.files.hdf5 import open_hdf5
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.names import is_of_studio, recording_of
from mmskelseg_io.files.parsing import FilePath, Rows, read_rows
from mmskelseg_io.messages.errors import UserError, check_name
from mmskelseg_io.poses.layouts import arranged
from mmskelseg_io.poses.poses import Layout, Poses

_READ_FOR_KEYS = 65536
# Files with the same name in every video's folder.
_IN_FOLDERS = ('alphapose-results',)
_HDF5 = ('.h5', '.hdf5')


def _json_keys(path: Path) -> list[str]:
    with regular_file(path).open('rb') as file:
        start = file.read(_READ_FOR_KEYS).decode('utf-8', 'replace')
    return re.findall(r'"([\w-]+)"\s*:', start)


def _hdf5_items(path: Path) -> list[dict[str, bool]]:
    with open_hdf5(path) as file:
        return [{name: 'pandas_type' in item.attrs for name, item in file.items()}]


#: The formats of pose files. A hint is a key of a JSON file (the first known one
#: decides); the header of a table, in lower case; whether each item of an HDF5 file is
#: a table of pandas; the names of the arrays in an npz file; or a folder.
POSE_FORMATS: Formats[Poses] = Formats(
    'poses',
    '--pose-format',
    {
        '.json': _json_keys,
        **dict.fromkeys(
            ('.csv', '.tsv'),
            lambda path: [[name.lower() for name in read_table_rows(path)[0][1]]],
        ),
        **dict.fromkeys(_HDF5, _hdf5_items),
        '.npz': lambda path: [set(read_npz(path))],
        FOLDER: lambda path: [path],
    },
    'frame, joint, x, y',
)
recognise = POSE_FORMATS.recognise


def read_poses(
    path: FilePath,
    format: str | None = None,
    *,
    skeleton: Layout | None = None,
    unnamed: Layout | None = None,
    img_shape: tuple[int, int] | None = None,
    first_frame: int | None = None,
) -> Poses:
    """Return the poses of one video, from a file or folder of any known format.

    Options that do not apply to the format are ignored.

    Args:
        path: The file or folder that the tracker wrote.
        format: One of ``FORMATS``; by default recognised by name and content.
        skeleton: The layout of the joints, if the file does not state it.
        unnamed: The layout of joints without names, such as that of a model, unless
            there are 17 as in COCO. Limbs that the file lacks are then not noted.
        img_shape: Height and width in pixels, for coordinates that are fractions.
        first_frame: The ``image_id`` of the first frame of COCO results.

    Raises:
        RuntimeError: If a package for reading the format is missing.
        ValueError: If the format is unknown, or the file violates it.
    """
    options = {'img_shape': img_shape, 'first_frame': first_frame}
    read = POSE_FORMATS.reader(path, format or recognise(path))
    found = read(path, **{k: options[k] for k in options_of(read) if k in options})
    poses = arranged(found, skeleton, str(path), unnamed)
    for name in poses.people:
        check_name(name, f'{path}: the name of a person')
    return poses


def read_table_rows(path: FilePath) -> Rows:
    """Return line number and cells of each row: a header and at least one more row."""
    rows = read_rows(path)
    if len(rows) < 2:
        raise UserError(f'{path}: {len(rows)} rows, expected a header and frames.')
    return rows


def video_of(path: Path) -> str:
    """Return the name of the video of a keypoint file.

    >>> video_of(Path('take1DLC_resnet50_kitchenMay1shuffle1_5000.csv'))
    'take1'
    >>> video_of(Path('DLC_sample_tracks.csv'))
    'DLC_sample_tracks'
    >>> video_of(Path('take1/alphapose-results.json'))
    'take1'
    """
    name = path.name if path.is_dir() else recording_of(path)
    if name in _IN_FOLDERS:
        name = path.resolve().parent.name
    return re.sub(f'(?<=.)({"|".join(POSE_FORMATS.endings)})$', '', name)


def is_poses(path: Path) -> bool:
    """Return whether a path has the suffix of a pose file, or is a folder of one.

    Trackers write the same poses as HDF5 and CSV; then only the CSV file counts. What
    the studio writes beside recordings is none.
    """
    if is_of_studio(path):
        return False
    if not path.is_dir():
        is_tracked = suffix_of(path) in _HDF5 and video_of(path) != path.stem
        is_second = is_tracked and path.with_suffix('.csv').is_file()
        return suffix_of(path) in POSE_FORMATS.file_suffixes and not is_second
    checks = POSE_FORMATS.suffixes[FOLDER].values()
    return any(is_own is not None and is_own(path) for is_own in checks)
