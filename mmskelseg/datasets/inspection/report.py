"""Summary and suspicions of an annotation file, as text and as a page."""

import html
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from mmskelseg.datasets.inspection.sanity_checks import Suspicion

# Lines a check shows at most.
SHOWN = 6


def report(source: str, summary: dict[str, Any], found: Sequence[Suspicion]) -> str:
    """Return the summary of an annotation file and what is suspicious, as lines."""
    parts = (
        _overview(source, summary),
        _classes(summary),
        _joints(summary),
        _splits(summary),
        _suspicions(found),
    )
    return '\n\n'.join('\n'.join(part) for part in parts)


def _overview(source: str, summary: dict[str, Any]) -> Iterator[str]:
    frames = summary['frames']
    (short, least), (long, most) = summary['shortest'], summary['longest']
    empty = summary['frames_without_person']
    files = summary['files']
    rows = {
        'data set': f'{summary["dataset"]} ({source})',
        'videos': f'{summary["videos"]}, from {_duration(least)} ({short}) to '
        f'{_duration(most)} ({long}), {_duration(summary["seconds"])} in all',
        'frames': f'{frames:,}',
        'fps': _counted(summary['fps']),
        'images': _counted(summary['images']),
        'skeleton': f'{summary["skeleton"]}, {len(summary["missing_by_joint"])} joints',
        'persons': _counted(summary['persons']),
        'no one seen': f'in {empty:,} frames{_share(empty, frames)}',
        'missing': f'{summary["missing"]:.1f} % of the joints of persons who are there',
        'segments': f'{summary["segments"]:,} of {len(summary["classes"])} classes',
        'background': summary['background'] or 'none',
        'unlabelled': f'{summary["unlabelled"]:,} frames'
        f'{_share(summary["unlabelled"], frames)}',
        'video files': f'{files["named"]} named, {len(files["missing"])} of them '
        'missing'
        if files['named']
        else 'none named',
    }
    for name, value in rows.items():
        yield f'{name:12}{value}'


def _classes(summary: dict[str, Any]) -> Iterator[str]:
    header = ('class', 'frames', '', 'segments', 'median', 'videos')
    rows = [header]
    labelled = max(summary['frames'] - summary['unlabelled'], 1)
    for row in summary['classes']:
        median = row['median_seconds']
        rows.append(
            (
                f'{row["id"]:2}  {row["name"]}',
                f'{row["frames"]:,}',
                f'{100 * row["frames"] / labelled:.1f} %',
                f'{row["segments"]:,}',
                '-' if median is None else f'{median:.1f} s',
                f'{row["videos"]}',
            )
        )
    yield from _table(rows)
    ends = summary['imbalance']
    if ends:
        yield (
            f'{ends["most"]} has {ends["ratio"]:.1f} times the frames of '
            f'{ends["least"]}'
        )


def _joints(summary: dict[str, Any]) -> Iterator[str]:
    missing = summary['missing_by_joint']
    if not any(missing.values()):
        yield 'no joint is missing'
        return
    rows = [('joint', 'missing')]
    rows += [(name, f'{percent:.1f} %') for name, percent in missing.items()]
    yield from _table(rows)


def _splits(summary: dict[str, Any]) -> Iterator[str]:
    rows = [('split', 'videos', 'frames', 'lacks the classes')]
    for name, split in summary['splits'].items():
        rows.append(
            (
                name,
                f'{split["videos"]}',
                f'{split["frames"]:,}',
                ', '.join(split['lacks']) or '-',
            )
        )
    yield from _table(rows, last_left=True)
    if summary['without_split']:
        yield f'in no split: {", ".join(summary["without_split"])}'


def _suspicions(found: Sequence[Suspicion]) -> Iterator[str]:
    if not found:
        yield 'nothing suspicious'
        return
    yield f'suspicious: {len(found)}'
    for check, group in groupby(found, key=lambda one: one.check):
        alike = list(group)
        yield f'  {check}'
        for text, videos in _same_texts(alike[:SHOWN] if _distinct(alike) else alike):
            names = ', '.join(videos)
            yield f'    {names}: {text}' if names else f'    {text}'
        if _distinct(alike) and len(alike) > SHOWN:
            yield f'    and {len(alike) - SHOWN} more (--json FILE has all)'


def _distinct(found: Sequence[Suspicion]) -> bool:
    return len({one.text for one in found}) > 1


def _same_texts(found: Sequence[Suspicion]) -> Iterator[tuple[str, list[str]]]:
    """Yield each text with the videos that it is said of."""
    for text, group in groupby(found, key=lambda one: one.text):
        yield text, [one.video for one in group if one.video is not None]


def page(title: str, text: str, pictures: Sequence[tuple[str, str]]) -> str:
    """Return a page with a text and pictures, each a caption and a relative address."""
    figures = '\n'.join(
        f'<h2>{html.escape(caption)}</h2>\n'
        f'<img src="{html.escape(address)}" alt="{html.escape(caption)}">'
        for caption, address in pictures
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<title>{html.escape(title)}</title>\n'
        '<style>body { font-family: sans-serif; margin: 2em; } '
        'pre { overflow-x: auto; } img { max-width: 100%; }</style>\n'
        f'<h1>{html.escape(title)}</h1>\n<pre>{html.escape(text)}</pre>\n'
        f'{figures}\n</html>\n'
    )


def _table(rows: Sequence[Sequence[str]], last_left: bool = False) -> Iterator[str]:
    """Yield rows in columns, the first to the left, the others to the right."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        for i in range(1, len(row)):
            left = last_left and i == len(row) - 1
            cells.append(row[i].ljust(widths[i]) if left else row[i].rjust(widths[i]))
        yield '   '.join(cells).rstrip()


def _counted(counts: dict[str, int]) -> str:
    """Return values, with their numbers of videos where they differ.

    >>> _counted({'30': 5, '25': 1}), _counted({'30': 6})
    ('30 (5 videos), 25 (1 video)', '30')
    """
    if len(counts) == 1:
        return next(iter(counts))
    shown = [
        f'{value} ({count} video{"s" * (count > 1)})'
        for value, count in islice(counts.items(), 8)
    ]
    more = len(counts) - len(shown)
    return ', '.join(shown) + (f' and {more} others' if more else '')


def _duration(seconds: float) -> str:
    """Return a length of time for reading.

    >>> _duration(27.5), _duration(754)
    ('27.5 s', '12 min 34 s')
    """
    if seconds < 60:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f'{minutes} min {rest} s'
    return f'{minutes // 60} h {minutes % 60} min'


def _share(part: int, whole: int) -> str:
    return f' ({100 * part / whole:.1f} %)' if part else ''
