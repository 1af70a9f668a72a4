"""Checks of options that override settings of a config, before they are merged."""

from collections.abc import Collection, Iterator, Mapping

from mmskelseg_io.messages.errors import shown
from mmskelseg_io.messages.settings import flat_settings


def option_problems(
    config: Mapping[str, object],
    key: str,
    options: Mapping[str, object],
    known: Collection[str],
) -> Iterator[str]:
    """Yield why an option, such as ``model.num_classes``, does not fit a config.

    A config need not have the top-level settings that are ``known``.
    """
    names, now = key.split('.'), config.get(key.partition('.')[0])
    if not all(names):
        yield 'a name in it is empty; write it as in model.num_classes=5.'
    if names[0] not in config and names[0] not in known:
        flat = (name for name, _ in flat_settings(config))
        near = next((n for n in flat if n.split('.')[-1] == names[-1]), None)
        hint = f'; did you mean {near}?' if near else '.'
        yield f'the config has no {names[0]}{hint}'
    if names[0] not in config:
        return
    for i, name in enumerate(names[1:], 1):
        place = '.'.join(names[:i])
        if f'{place}._delete_' in options:
            return
        if isinstance(now, Mapping):
            if name not in now:
                return
            now = now[name]
        elif isinstance(now, list | tuple):
            if not (name.isdecimal() and int(name) < len(now)):
                yield (
                    f'{place} is a list of {len(now)} items; name one by its '
                    'number, from 0.'
                )
            now = now[int(name)]
        else:
            yield f'{place} is {shown(now)} in the config, and has no settings.'
    value = options[key]
    if isinstance(now, Mapping) and isinstance(value, int | float):
        yield 'the config has a dict there; name one of the settings in it.'
    if isinstance(now, float) and isinstance(value, str):
        yield f'the config has {now} there; give a number.'
