"""Config texts in checkpoints, which MMEngine executes, reduced to assignments."""

import ast

from mmskelseg_io.files.assignments import assignments

# Keys that make MMEngine read other files or import modules.
_DROPPED = ('_base_', 'custom_imports')


def reduce_config_text(text: str) -> str:
    """Return a config as assignments of literals, without imports and bases.

    MMEngine stores a run's config as Python text in its checkpoints, and executes it
    when a run is resumed or an inferencer is built from just a checkpoint.

    A bare name such as ``torch.float32`` or ``inf`` becomes a string. Text that only
    assigns literals is returned unchanged.

    Raises:
        ValueError: If the text holds anything but assignments of literals and calls of
            ``dict``.

    >>> reduce_config_text('lr = 1e-3\\nopt = dict(type="Adam", dtype=torch.half)')
    "lr = 0.001\\nopt = {'type': 'Adam', 'dtype': 'torch.half'}\\n"
    >>> reduce_config_text('import os')
    Traceback (most recent call last):
    ValueError: in its config, line 1 is not an assignment of values: `import os`
    """
    # MMEngine replaces {{...}} in the text before it is parsed.
    is_plain = '{{' not in text
    values = {}
    try:
        for name, node, value in assignments(text):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            is_plain &= name not in _DROPPED and names <= {'dict'}
            values[name] = value
    except ValueError as error:
        raise ValueError(f'in its config, {error}') from None
    if is_plain:
        return text
    return ''.join(
        f'{name} = {value!r}\n'.replace('{{', r'{\x7b')
        for name, value in values.items()
        if name not in _DROPPED
    )
