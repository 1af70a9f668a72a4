"""How the files of a folder are read: options that its project keeps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskelseg_io.inputs import OF_OBJECTS, ObjectInput, PoseInput
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.objects import FORMATS
from mmskelseg_io.poses.layouts import checked

#: Those that were given, in types of JSON; the names of files are absolute.
OPTIONS = {
    'person?': str, 'fps?': float, 'kpt_thr?': float, 'skeleton?': (str, dict),
    'objects?': [str], 'object_format?': str, 'object_kinds?': [[str]],
    'object_thr?': float,
}  # fmt: skip


def inputs_of(
    options: Mapping[str, Any], project: Path, notes: list[str]
) -> tuple[PoseInput, ObjectInput]:
    """Return how poses and objects are read; others than the options have defaults.

    That a file of objects is no longer there is noted.

    Raises:
        UserError: If a value in the project does not fit.
    """
    known = {key: value for key, value in options.items() if value is not None}
    if 'skeleton' in known:
        known['skeleton'] = checked(known['skeleton'], f'{project}: --skeleton')
    objects = known.get('objects', ())
    known['objects'] = [path for path in objects if Path(path).exists()]
    notes += [
        f'{path}: is no longer there, so its objects are left out'
        for path in objects
        if path not in known['objects']
    ]
    own = {name: known.pop(name) for name in OF_OBJECTS if name in known}
    kinds, form = own.get('object_kinds', ()), own.get('object_format')
    if any(len(pair) != 2 for pair in kinds) or form not in (None, *FORMATS):
        raise UserError(
            f'{project}: object_kinds {shown(kinds)} and object_format {shown(form)} '
            'do not fit; give --object-kinds and --object-format again.'
        )
    try:
        return PoseInput(**known), ObjectInput(**own)
    except UserError as error:
        raise UserError(f'{project}: its options do not fit: {error}') from None
