"""How the files of a folder are read: options that its project keeps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from mmskelseg_io.inputs import OF_OBJECTS, ObjectInput, PoseInput
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.objects import FORMATS
from mmskelseg_io.poses.layouts import checked


class Options(TypedDict, total=False):
    """Those that were given, in types of JSON; the names of files are absolute."""

    person: str
    fps: float
    kpt_thr: float
    skeleton: str | dict[str, Any]
    objects: list[str]
    object_format: str
    object_kinds: list[tuple[str, str]]
    object_thr: float


def inputs_of(
    options: Mapping[str, Any], project: Path, notes: list[str]
) -> tuple[PoseInput, ObjectInput]:
    """Return how poses and objects are read; others than the options have defaults.

    That a file of objects is no longer there is noted.

    Raises:
        UserError: If a value in the project does not fit.
    """
    known = dict(options)
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
    if (form := own.get('object_format')) not in (None, *FORMATS):
        expected = f'one of {", ".join(FORMATS)}'
        raise misfit(project, 'object_format', form, expected, 'give it again')
    try:
        return PoseInput(**known), ObjectInput(**own)
    except UserError as error:
        raise UserError(f'{project}: its options do not fit: {error}') from None
