"""Export of labels or predictions of all recordings as files for other tools."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mmskelseg.runtime.files.annotations import save_annotations
from mmskelseg.runtime.files.names import file_names
from mmskelseg.runtime.labels import (
    VideoSegments,
    write_boris,
    write_boris_events,
    write_csv_segments,
    write_elan,
    write_label_studio,
    write_srt,
)
from mmskelseg.runtime.labels.bouts import bout_rows, to_bouts, write_table
from mmskelseg.runtime.labels.segments import Classes, by_tier
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.tiers import flat_classes
from mmskelseg.studio.folder import Folder, training_data


def _write_bouts(file: Path, videos: Sequence[VideoSegments], classes: Classes) -> None:
    names = flat_classes(by_tier(classes))
    rows: list[dict[str, object]] = []
    for video in videos:
        statistics = to_bouts(video, classes, video.name).statistics(len(names))
        rows += [{'video': video.name, **row} for row in bout_rows(statistics, names)]
    write_table(file, rows)


#: What each format is, its file, and what writes it: of all recordings at once, or, if
#: the name begins with a dot, of each one.
FORMATS: dict[str, tuple[str, str, Callable[..., None] | None]] = {
    'csv': (
        'Table of segments (CSV)',
        'segments.csv',
        lambda file, videos, _: write_csv_segments(file, videos),
    ),
    'boris': ('BORIS project', 'project.boris', write_boris),
    'boris-events': (
        'BORIS, aggregated events',
        'boris_events.csv',
        lambda file, videos, _: write_boris_events(file, videos),
    ),
    'elan': ('ELAN, a file for each recording', '.eaf', write_elan),
    'label-studio': (
        'Label Studio',
        'label_studio.json',
        lambda file, videos, _: write_label_studio(file, videos),
    ),
    'srt': (
        'Subtitles, a file for each recording',
        '.srt',
        lambda file, video, _: write_srt(file, video.segments),
    ),
    'bouts': ('Bout statistics (CSV)', 'bouts.csv', _write_bouts),
    'annotations': ('Annotation file, for all commands', 'annotations.pkl', None),
}

# Formats that do not say whose labels they are have each individual by itself.
_APART = ('srt', 'bouts', 'annotations')


def write_files(
    formats: Sequence[str], videos: Sequence[VideoSegments], folder: Folder, what: str
) -> list[Path]:
    """Write segments, ``labels`` or ``predictions``, in formats; return the files.

    Raises:
        UserError: If there is no such format, or it cannot hold the segments.
    """
    for name in formats:
        if name not in FORMATS:
            raise UserError(
                f'formats has {name!r}, expected some of {", ".join(FORMATS)}.'
            )
    return [file for name in formats for file in _written(name, videos, folder, what)]


def _written(
    name: str, videos: Sequence[VideoSegments], folder: Folder, what: str
) -> Iterator[Path]:
    _, end, write = FORMATS[name]
    videos = videos if name in _APART else _together(videos, folder)
    out, classes = folder.work / 'files', folder.project.classes
    if write is None:
        names = [one.name for one in videos if folder.recordings[one.name].has_poses]
        if what == 'predictions' or not names:
            raise UserError(
                f'{name}: holds labels of recordings with poses, not {what}.'
            )
        file = out / end
        save_annotations(training_data(folder, names), file)
        yield file
    elif end.startswith('.'):
        files = file_names([video.name for video in videos])
        for video in videos:
            file = out / f'{files[video.name]}_{what}{end}'
            write(file, video, classes)
            yield file
    else:
        file = out / f'{what}_{end}'
        write(file, videos, classes)
        yield file


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
