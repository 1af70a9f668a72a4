"""Numbers and names of things in messages."""

from collections.abc import Mapping, Sequence


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1.

    >>> counted(1, 'video'), counted(1200, 'video')
    ('1 video', '1,200 videos')
    """
    return f'{count:,} {noun}{"s" * (count != 1)}'


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of a list, 'none' if it is empty.

    >>> listed(['a', 'b', 'c'], most=2), listed([])
    ('a, b, ...', 'none')
    """
    more = ['...'] if len(names) > most else []
    return ', '.join([*names[:most], *more]) or 'none'


def duration(seconds: float) -> str:
    """Return a time in words, rounded.

    >>> duration(0.4), duration(100), duration(7300)
    ('0 s', '2 min', '2 h 2 min')
    """
    if seconds < 60:
        return f'{seconds:.0f} s'
    minutes = round(seconds / 60)
    return f'{minutes} min' if minutes < 60 else f'{minutes // 60} h {minutes % 60} min'


def with_names(notes: Mapping[str, Sequence[str]], count: int) -> list[str]:
    """Return notes with the names that they are about, unless of none or all ``count``.

    >>> with_names({'no size': ['a', 'b'], 'no rate': ['b']}, 2)
    ['no size', 'no rate (b)']
    """
    return [
        note if len(names) in (0, count) else f'{note} ({listed(names, 3)})'
        for note, names in notes.items()
    ]
