"""Numbers of things in messages."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1.

    >>> counted(1, 'video'), counted(1200, 'video')
    ('1 video', '1,200 videos')
    """
    return f'{count:,} {noun}{"s" * (count != 1)}'
