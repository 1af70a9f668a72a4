"""Python files that only assign values, read without running them."""

import ast
from collections.abc import Iterator, Mapping

from mmskelseg_io.messages.errors import shown

# Lists of MMPose have at most 300 items.
_LONGEST = 10_000


def assignments(text: str) -> Iterator[tuple[str, ast.expr, object]]:
    """Yield the name, the expression and the value of each assignment of a program.

    Values are literals, ``dict(...)``, sums and multiples of lists, items of values
    that were assigned before, and these themselves. Another bare name, such as
    ``torch.float32`` or ``inf``, becomes a string.

    Raises:
        ValueError: If the text holds anything else; the message states line and text.

    >>> lines = 'limbs = [(0, 1)] * 2', 'info = dict(limbs=limbs, kind=torch.half)'
    >>> [value for _, _, value in assignments(chr(10).join(lines))]
    [[(0, 1), (0, 1)], {'limbs': [(0, 1), (0, 1)], 'kind': 'torch.half'}]
    """
    statements = None
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f'the text is not valid Python ({shown(error)})') from None
    except (RecursionError, MemoryError):
        # The parser's own limits; it asks for no memory.
        pass
    if statements is None:
        raise ValueError('the text is nested too deeply')
    known: dict[str, object] = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=node):
                known[name] = _value(node, known)
                yield name, node, known[name]
            case _:
                raise _not_plain(statement)


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    def of(one: ast.expr) -> object:
        return _value(one, known)

    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known.get(name, name)
        case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=name):
            return f'{of(owner)}.{name}'
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Constant(value=int() | float() as v)
        ):
            return -v
        case ast.List(elts=items):
            return [of(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(of(item) for item in items)
        case ast.Set(elts=items):
            return {of(item) for item in items}
        case ast.Dict(keys=keys, values=items) if all(keys):
            names = [of(key) for key in keys if key]
            return dict(zip(names, map(of, items), strict=True))
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=pairs):
            if all(pair.arg for pair in pairs):
                return {str(pair.arg): of(pair.value) for pair in pairs}
        case ast.Call(
            func=ast.Name(id='dict'), args=[ast.Dict() as mapping], keywords=[]
        ):
            return of(mapping)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = of(left), of(right)
            if isinstance(first, list) and isinstance(second, list):
                return [*first, *second]
        case ast.BinOp(
            left=left, op=ast.Mult(), right=ast.Constant(value=int() as times)
        ):
            repeated = of(left)
            if isinstance(repeated, list) and len(repeated) * times <= _LONGEST:
                return repeated * times
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
            of_name = known.get(name)
            if isinstance(of_name, dict) and key in of_name:
                return of_name[key]
    raise _not_plain(node)


def _not_plain(node: ast.AST) -> ValueError:
    return ValueError(
        f'line {getattr(node, "lineno", 1)} is not an assignment of values: '
        f'`{ast.unparse(node)[:60]}`'
    )
