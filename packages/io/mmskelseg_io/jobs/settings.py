"""Settings, as ``key=value`` on the command line."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from mmskelseg_io.messages.errors import shown

# As in MMEngine.
_WORDS = {'true': True, 'false': False, 'None': None}


def parse_setting(text: str) -> object:
    """Return the value of ``key=value``: a number, boolean, None, list or string.

    Lists are as in MMEngine, ``1,2`` or ``[(1,2),(3,4)]``. Unlike in MMEngine, spaces
    within strings are kept, and text in quotes is always a string.

    >>> parse_setting('[(1,a b),None]'), parse_setting('my data/a.pkl')
    ([(1, 'a b'), None], 'my data/a.pkl')
    >>> parse_setting("'a,b'"), parse_setting('1e-3,true'), parse_setting('1_000')
    ('a,b', [0.001, True], '1_000')
    """
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in '\'"'
    inner = text[1:-1] if is_quoted else text
    if inner[:1] + inner[-1:] in ('()', '[]') and len(_items(inner)) == 1:
        parts = [parse_setting(item) for item in _items(inner[1:-1])]
        return tuple(parts) if inner[0] == '(' else parts
    if is_quoted:
        return inner
    # A comma within brackets or quotes is not a separator.
    if ',' in text and (items := _items(text)) != [text]:
        return [parse_setting(item) for item in items]
    # Not 1_000, which is a name.
    for kind in (int, float) if '_' not in text else ():
        with suppress(ValueError):
            return kind(text)
    return _WORDS.get(text if text == 'None' else text.lower(), text)


def _items(text: str) -> list[str]:
    """Split a text at commas outside brackets and quotes."""
    items, begin, quote = [], 0, ''
    closing: list[str] = []
    for i, mark in enumerate(text):
        if quote or mark in '\'"':
            # An apostrophe within a word is not a quote.
            if mark == quote:
                quote = ''
            elif not quote and not text[begin:i].strip(' ([') and mark in text[i + 1 :]:
                quote = mark
        elif mark in '([':
            closing.append(')' if mark == '(' else ']')
        elif mark in ')]':
            if not closing or closing.pop() != mark:
                raise ValueError('an unmatched closing bracket')
        elif mark == ',' and not closing:
            items.append(text[begin:i])
            begin = i + 1
    if closing:
        raise ValueError('an unmatched opening bracket')
    rest = text[begin:]
    return [*items, rest] if rest.strip() else items


def parse_settings(texts: Iterable[str]) -> dict[str, object]:
    """Return the settings that are written as ``key=value``.

    Raises:
        ValueError: If a text has another form; the message says which one.
    """
    settings = {}
    for text in texts:
        name, equals, value = text.partition('=')
        if not (name and equals):
            raise ValueError(
                f'{shown(text)} is not of the form key=value, for example '
                'model.num_classes=5.'
            )
        try:
            settings[name] = parse_setting(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f'{shown(text)} has {shown(error)}; write lists as in '
                'key="[(a,b),(c,d)]", and strings with brackets and commas in '
                'additional quotes, key="\'a(b,c\'".'
            ) from error
    return settings


def setting_texts(settings: Mapping[str, object] | None) -> list[str]:
    """Return settings as ``key=value``, for people."""
    return [f'{key}={value}' for key, value in (settings or {}).items()]


class SettingsAction(argparse.Action):
    """An option with ``key=value ...`` as a dict; other forms are argparse errors."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[str] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the settings to those of the namespace."""
        try:
            settings = parse_settings(values or ())
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from error
        before = getattr(namespace, self.dest, None) or {}
        setattr(namespace, self.dest, {**before, **settings})
