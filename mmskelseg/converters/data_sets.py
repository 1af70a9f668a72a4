"""Public data sets: what is known of each, and which command makes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from mmskelseg.converters import downloading
from mmskelseg_io.entry_points import commands
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.skeleton import Layout


@dataclass(frozen=True)
class DataSet:
    """A public data set, which the module of its converter describes.

    Args:
        name: Its name, which its module has, too.
        layout: Its skeleton.
        up: The axis of its joints in 3D that points upwards, such as ``z``.
        view: From where it is seen, such as ``top``; None where poses tell.
        background: The class of frames without an action.
        remedy: What makes it, after ``mmskelseg convert NAME``, with ``{out}`` for the
            folder of its annotation file.
        variants: The same for folders of other names, which configs read.
        url: The archive of its release, if that can be downloaded.
        member: Pattern of the files in the archive; group 1 is where they belong.
    """

    name: str
    layout: Layout
    up: str | None = None
    view: str | None = None
    background: str | None = None
    remedy: str = 'SRC {out}'
    variants: Mapping[str, str] = field(default_factory=dict)
    url: str = ''
    member: str = ''

    def metainfo(self, stated: Metainfo) -> Metainfo:
        """Return the metainfo of an annotation file, with what it states itself."""
        own: Metainfo = {'skeleton': self.layout, 'dataset': self.name}
        own['background'] = self.background
        if self.up:
            own['up'] = self.up
        if self.view:
            own['view'] = self.view
        return {**own, **stated}

    def download(self, url: str, folder: Path, is_there: bool, events: Events) -> None:
        """Download the release to a folder, unless it is there already."""
        archive = folder / f'{self.name}.zip'
        downloading.download(url, archive, self.member, is_there, events)


def find_data_set(name: str) -> DataSet | None:
    """Return the data set that a folder or a config is named after, if there is one.

    >>> find_data_set('precog_body12').name
    'precog'
    """
    for known, converter in commands('converters').items():
        if f'{name}_'.startswith(f'{known}_'):
            data = getattr(import_module(converter.module), 'DATA', None)
            if data is not None:
                return data
    return None


def remedy_of(folder: Path) -> str | None:
    """Return the command that makes the data set in a folder, by the folder's name."""
    data = find_data_set(folder.name)
    if data is None:
        return None
    words = data.variants.get(folder.name, data.remedy).format(out=folder)
    return f'mmskelseg convert {data.name} {words}'
