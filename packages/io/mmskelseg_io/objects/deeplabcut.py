"""Unique body parts of DeepLabCut: what belongs to no animal, such as a feeder.

In a file of several animals, they are the parts of the individual ``single``. A file
without individuals, of a network for objects alone, has nothing else. Each part is an
object of one point, and its name is that of its kind as well.
"""

import numpy as np

from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects.found import Found, FoundObjects
from mmskelseg_io.objects.reading import OBJECT_FORMATS, video_of
from mmskelseg_io.poses.deeplabcut import ANIMAL, SCENE, points_of, read_columns


@OBJECT_FORMATS.register(
    'deeplabcut',
    {'.csv': lambda line: line.startswith('scorer'), '.h5': None, '.hdf5': None},
)
def read_deeplabcut_objects(path: FilePath) -> list[FoundObjects]:
    """Return the objects of the one video of a file of DeepLabCut."""
    columns, frames, values = read_columns(path)
    owners = dict.fromkeys(owner for owner, *_ in columns)
    owner = next((one for one in (SCENE, ANIMAL) if one in owners), None)
    if owner is None:
        raise UserError(
            f'{path}: has the individuals {", ".join(owners)}, but no body parts of no '
            f'animal ({SCENE}), which are the objects; give another file.'
        )
    parts = dict.fromkeys(part for one, part, _ in columns if one == owner)
    found = []
    for part in parts:
        xyc = points_of(columns, values, owner, part, str(path))
        seen = np.isfinite(xyc).all(axis=1) & (xyc[:, 2] > 0)
        found += [
            Found(frame, part, point[None, :2], point[2], part, ('point',))
            for frame, point in zip(np.array(frames)[seen], xyc[seen], strict=True)
        ]
    return [FoundObjects(video_of(path), str(path), found)]
