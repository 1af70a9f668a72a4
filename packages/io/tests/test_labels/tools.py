"""Label files of a video, written for each tool."""

from mmskelseg_io.labels import (
    write_boris,
    write_boris_events,
    write_csv_segments,
    write_elan,
    write_label_studio,
)

# By the end of the file's name: a function of the path, the video and its classes.
WRITERS = {
    '.boris': lambda path, video, classes: write_boris(path, [video], classes),
    '.events.csv': lambda path, video, _: write_boris_events(path, [video]),
    '.eaf': write_elan,
    '.json': lambda path, video, _: write_label_studio(path, [video]),
    '.csv': lambda path, video, _: write_csv_segments(path, [video]),
}


def write_labels(ending, folder, video, classes):
    """Write a video's labels; return the file and the options to read it with."""
    path = folder / f'{video.name}{ending}'
    WRITERS[ending](path, video, classes)
    return path, {'part': 'predictions'} if ending == '.json' else {}
