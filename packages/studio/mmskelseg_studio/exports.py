"""Export of labels or predictions of all recordings as files for other tools."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.labels import VideoSegments
from mmskelseg_io.labels.text import write_csv_classes
from mmskelseg_io.labels.writing import EXPORTS, write_recordings
from mmskelseg_io.messages.errors import UserError, unlike
from mmskelseg_io.structures.tiers import metainfo_of
from mmskelseg_studio.folder import Folder, training_data

_ANNOTATIONS, _CLASSES = 'annotations', 'classes'
# Formats of point events.
_WITH_POINTS = ('boris', 'boris-events', 'csv')
#: What can be written without labels.
OF_CLASSES = {_CLASSES, 'boris', 'elan'}
#: What the page offers, by format: what it is.
TITLES = {
    **{
        name: export.title + ', a file for each recording' * ('video' in export.needs)
        for name, export in EXPORTS.items()
        if export.needs <= {'video', 'videos', 'classes'} and export.is_there
    },
    _ANNOTATIONS: 'Annotation file, for all commands',
    _CLASSES: 'Classes with keys and colors (CSV)',
}


def write_files(
    formats: Sequence[str], videos: Sequence[VideoSegments], folder: Folder, what: str
) -> list[Path]:
    """Write segments, ``labels`` or ``predictions``, in formats; return the files.

    Raises:
        UserError: If there is no such format, or it cannot hold the segments.
    """
    for name in formats:
        if name not in TITLES:
            raise UserError(unlike('a format', name, f'one of {", ".join(TITLES)}'))
    return [file for name in formats for file in _written(name, videos, folder, what)]


def _written(
    name: str, videos: Sequence[VideoSegments], folder: Folder, what: str
) -> list[Path]:
    out = folder.work / 'files'
    if name == _ANNOTATIONS:
        names = [one.name for one in videos if folder.recordings[one.name].has_poses]
        if what == 'predictions' or not names:
            raise UserError(f'{name}: holds labels where there are poses, not {what}.')
        save_annotations(training_data(folder, names), out / 'annotations.pkl')
        return [out / 'annotations.pkl']
    if name == _CLASSES:
        write_csv_classes(out / 'classes.csv', folder.project.infos())
        return [out / 'classes.csv']
    export = EXPORTS[name]
    if name not in _WITH_POINTS:
        videos = [
            replace(v, segments=[s for s in v.segments if not s.is_point])
            for v in videos
        ]
    videos = videos if export.is_of_one else _together(videos, folder)
    meta = metainfo_of([tier.plain() for tier in folder.project.states])
    return write_recordings(export, videos, folder.project.classes, out, what, meta)


def _together(videos: Sequence[VideoSegments], folder: Folder) -> list[VideoSegments]:
    """Join the individuals of each recording."""
    groups: dict[str, list[VideoSegments]] = {}
    for video in videos:
        name = folder.recordings[video.name].of or video.name
        groups.setdefault(name, []).append(video)
    joined = []
    for name, own in groups.items():
        segments = sorted(
            (segment for one in own for segment in one.segments),
            key=lambda segment: segment.start,
        )
        joined.append(replace(own[0], name=name, segments=segments))
    return joined
