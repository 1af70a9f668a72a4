"""Config texts in checkpoints, which MMEngine executes, reduced to assignments."""

import ast

from mmskelseg.runtime.messages.errors import shown

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
    ValueError: line 1 of its config is not an assignment of values: `import os`
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f'its config is not valid Python ({shown(error)})') from None
    # MMEngine replaces {{...}} in the text before it is parsed.
    is_plain = '{{' not in text
    values = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=node):
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                is_plain &= name not in _DROPPED and names <= {'dict'}
                values[name] = _value(node)
            case _:
                raise _not_plain(statement)
    if is_plain:
        return text
    return ''.join(
        f'{name} = {value!r}\n'.replace('{{', r'{\x7b')
        for name, value in values.items()
        if name not in _DROPPED
    )


def _value(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=name):
            return f'{_value(owner)}.{name}'
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Constant(value=int() | float() as v)
        ):
            return -v
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Set(elts=items):
            return {_value(item) for item in items}
        case ast.Dict(keys=keys, values=items) if all(keys):
            names = [_value(key) for key in keys if key]
            return dict(zip(names, map(_value, items), strict=True))
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=pairs):
            if all(pair.arg for pair in pairs):
                return {str(pair.arg): _value(pair.value) for pair in pairs}
        case ast.Call(
            func=ast.Name(id='dict'), args=[ast.Dict() as mapping], keywords=[]
        ):
            return _value(mapping)
    raise _not_plain(node)


def _not_plain(node: ast.AST) -> ValueError:
    return ValueError(
        f'line {getattr(node, "lineno", 1)} of its config is not an assignment of '
        f'values: `{ast.unparse(node)[:60]}`'
    )
