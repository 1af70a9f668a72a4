"""The names of mice in files of JABS, whose poses and annotations are apart."""


def mouse_name(identity: object) -> str:
    """Return the name of a mouse, of which JABS mostly states a number.

    >>> mouse_name(7), mouse_name('Ada')
    ('mouse7', 'Ada')
    """
    text = str(identity)
    return f'mouse{text}' if text.isdecimal() else text
