"""Structured mutations of valid files: of what they hold, and of their bytes.

A codec turns a file into a tree of dicts, lists, arrays and plain values, and back, so
that a mutation is written once for JSON, XML, tables, arrays, HDF5, pickles, torch's
files and configs.
"""

import atexit
import gzip
import json
import os
import pickle
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import onnx
import torch
from mmengine.config import Config

Tree = Any


class Codec(NamedTuple):
    """Converts a kind of file into a tree, and back."""

    load: Callable[[Path], Tree]
    dump: Callable[[Tree, Path], None]


def _load_rows(path: Path) -> Tree:
    text = path.read_text('utf-8')
    mark = max('\t;,', key=text.count)
    return {'mark': mark, 'rows': [line.split(mark) for line in text.splitlines()]}


def _dump_rows(tree: Tree, path: Path) -> None:
    rows, mark = tree.get('rows', []), str(tree.get('mark', ','))
    rows = rows if isinstance(rows, list) else [rows]
    lines = [mark.join(map(str, r)) if isinstance(r, list) else str(r) for r in rows]
    path.write_text('\n'.join(lines) + '\n', 'utf-8', errors='surrogateescape')


def _load_xml(path: Path) -> Tree:
    def tree(element: ElementTree.Element) -> Tree:
        return [element.tag, dict(element.attrib), element.text, [*map(tree, element)]]

    return tree(ElementTree.parse(path).getroot())


def _dump_xml(tree: Tree, path: Path) -> None:
    def element(node: Tree) -> ElementTree.Element:
        if not (isinstance(node, list) and len(node) == 4):
            made = ElementTree.Element('a')
            made.text = str(node)
            return made
        tag, attributes, text, children = node
        made = ElementTree.Element(str(tag).split(' ')[0] or 'a')
        if isinstance(attributes, dict):
            made.attrib.update({str(k): str(v) for k, v in attributes.items()})
        made.text = None if text is None else str(text)
        made.extend(map(element, children if isinstance(children, list) else ()))
        return made

    path.write_bytes(ElementTree.tostring(element(tree), 'utf-8'))


def _load_npz(path: Path) -> Tree:
    with np.load(path) as arrays:
        return dict(arrays)


def _dump_npz(tree: Tree, path: Path) -> None:
    np.savez(path, **{str(k).replace('/', '_'): v for k, v in tree.items()})


def _load_hdf5(path: Path) -> Tree:
    import h5py

    def tree(node: Any) -> Tree:
        attributes = dict(node.attrs)
        if isinstance(node, h5py.Dataset):
            return {'attributes': attributes, 'data': node[()]}
        items = {key: tree(item) for key, item in node.items()}
        return {'attributes': attributes, 'items': items}

    with h5py.File(path) as file:
        return tree(file)


def _link(target: str) -> Any:
    """Return a link of HDF5: within the file, or to a pipe, which none may open."""
    import h5py

    if target.startswith('/'):
        return h5py.SoftLink(target)
    pipe = Path(tempfile.gettempdir(), f'pipe-{os.getpid()}')
    if not pipe.exists():
        os.mkfifo(pipe)
        atexit.register(pipe.unlink, missing_ok=True)
    return h5py.ExternalLink(pipe, '/')


def _dump_hdf5(tree: Tree, path: Path) -> None:
    import h5py

    def write(node: Tree, parent: Any, name: str) -> None:
        if not isinstance(node, dict):
            is_link = isinstance(node, str) and node in _LINKS
            parent[name] = _link(node) if is_link else node
            return
        if 'data' in node:
            parent[name] = node['data']
        elif name != '/':
            parent.create_group(name)
        here = parent[name]
        for key, value in node.get('attributes', {}).items():
            here.attrs[str(key)] = value
        for key, item in (node.get('items') or {}).items():
            write(item, here, str(key))

    with h5py.File(path, 'w') as file:
        write(tree, file, '/')


def _load_onnx(path: Path) -> Tree:
    model = onnx.load(path)
    ours = {item.key: item.value for item in model.metadata_props}
    texts = {k: json.loads(v) if v[:1] == '{' else v for k, v in ours.items()}
    return {'graph': model.graph.SerializeToString(), 'texts': texts, 'path': str(path)}


def _dump_onnx(tree: Tree, path: Path) -> None:
    model = onnx.load(path)
    model.graph.ParseFromString(tree['graph'])
    del model.metadata_props[:]
    for key, value in tree['texts'].items():
        text = value if isinstance(value, str) else json.dumps(value)
        model.metadata_props.add(key=str(key), value=text)
    onnx.save(model, path)


def _load_zip(path: Path) -> Tree:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _dump_zip(tree: Tree, path: Path) -> None:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, value in tree.items():
            content = value if isinstance(value, bytes) else str(value).encode()
            archive.writestr(zipfile.ZipInfo(str(name)), content, zipfile.ZIP_DEFLATED)


def _load_header(path: Path) -> Tree:
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], 'little')
    header = json.loads(content[8:end])
    meta = {k: json.loads(v) for k, v in header.pop('__metadata__', {}).items()}
    return {'header': header, 'metadata': meta, 'data': content[end:]}


def _dump_header(tree: Tree, path: Path) -> None:
    meta = {str(k): json.dumps(v) for k, v in tree['metadata'].items()}
    header = json.dumps({**tree['header'], '__metadata__': meta}).encode()
    path.write_bytes(len(header).to_bytes(8, 'little') + header + tree['data'])


def _load_lines(path: Path) -> Tree:
    return [json.loads(line) for line in path.read_text('utf-8').splitlines()]


def _dump_lines(tree: Tree, path: Path) -> None:
    path.write_text(''.join(f'{json.dumps(line)}\n' for line in tree), 'utf-8')


def _dump_config(tree: Tree, path: Path) -> None:
    lines = [f'{key} = {value!r}' for key, value in tree.items()]
    text = '\n'.join(lines).replace('inf', "float('inf')")
    path.write_text(text.replace('nan', "float('nan')"), 'utf-8')


CODECS = {
    'json': Codec(
        lambda path: json.loads(path.read_text('utf-8-sig')),
        lambda tree, path: path.write_text(json.dumps(tree), 'utf-8'),
    ),
    'lines': Codec(_load_lines, _dump_lines),
    'rows': Codec(_load_rows, _dump_rows),
    'xml': Codec(_load_xml, _dump_xml),
    'packed json': Codec(
        lambda path: json.loads(gzip.decompress(path.read_bytes())),
        lambda tree, path: path.write_bytes(gzip.compress(json.dumps(tree).encode())),
    ),
    'onnx': Codec(_load_onnx, _dump_onnx),
    'zip': Codec(_load_zip, _dump_zip),
    'safetensors': Codec(_load_header, _dump_header),
    'npz': Codec(_load_npz, _dump_npz),
    'npy': Codec(np.load, lambda tree, path: np.save(path, np.asarray(tree))),
    'hdf5': Codec(_load_hdf5, _dump_hdf5),
    'pickle': Codec(
        lambda path: pickle.loads(path.read_bytes()),
        lambda tree, path: path.write_bytes(pickle.dumps(tree, 4)),
    ),
    'torch': Codec(lambda path: torch.load(path, weights_only=False), torch.save),
    'config': Codec(lambda path: Config.fromfile(path).to_dict(), _dump_config),
}
# Of kinds whose files are texts.
TEXTS = ('json', 'lines', 'rows', 'xml', 'config', 'text')
#: The kinds of files by their names or suffixes.
KINDS = {
    'studio.json': 'lines', 'studio.bob.json': 'lines',
    '.json': 'json', '.csv': 'rows', '.eaf': 'xml', '.boris': 'json', '.txt': 'text',
    '.pkl': 'pickle', '.pth': 'torch', '.safetensors': 'safetensors', '.zip': 'zip',
    '.onnx': 'onnx', '.npz': 'npz', '.npy': 'npy', '.py': 'config', '': 'text',
}  # fmt: skip

# What becomes a link in HDF5 files: to a pipe, to the whole file, to itself.
_LINKS = ('|', '/', '/tracks')

HOSTILE = (
    *_LINKS,
    None, True, '', ' ', 'x' * 5000, 'a\0b', 'Ärger ☃', '../../etc/passwd', '__class__',
    'os.system', '{{ fileDirname }}', 0, -1, 2, 33.7, -1e9, 10**12, 10**18, 10**400,
    1e308, float('nan'), float('inf'), '9' * 400, '1e400', '1_000', '-0', 'nan', '٣',
    [], {}, [[]], [None], [0, [1, [2]]], {'a': {'b': {}}}, ['a', 'a'], 'a,b', '"', "'",
    '"a', 'a\nb', '<a>', '&lt;', '%s', '=1+1', '-' * 70000,
)  # fmt: skip


def _arrays(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield variants of an array."""
    numbers = array.dtype.kind in 'fiub'
    yield array[:0]
    yield array.reshape(-1)
    yield array[None]
    yield array[..., None]
    yield array.T
    yield np.array(3)
    yield np.array('text')
    yield np.array([], 'S1')
    if array.ndim:
        yield array[:1]
        yield np.concatenate([array, array])
    if numbers:
        yield array.astype(np.int8)
        yield array.astype(np.complex64)
        yield array.astype(np.str_)
        yield np.full(array.shape, np.nan)
        yield np.full(array.shape, np.inf)
        yield np.full(array.shape, -1)
        yield np.full(array.shape, 2**40)
        yield array.astype(np.float16)
        yield array.astype(array.dtype.newbyteorder('>'))
        yield array.astype(object)


def _places(tree: Tree, above: tuple = ()) -> Iterator[tuple]:
    """Yield the keys that lead to each part of a tree."""
    items: Any = ()
    if isinstance(tree, dict):
        items = list(tree.items())
    elif isinstance(tree, list | tuple):
        items = list(enumerate(tree))
    for key, item in items[:60]:
        yield (*above, key)
        yield from _places(item, (*above, key))


def _changed(tree: Tree, place: tuple, change: Callable[[Tree, Any], None]) -> Tree:
    """Return a tree with the part at a place changed, sharing what is not."""
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    key, *rest = place
    if rest:
        copy[key] = _changed(tree[key], tuple(rest), change)
    else:
        change(copy, key)
    return tuple(copy) if isinstance(tree, tuple) else copy


def changed_tree(tree: Tree, rng: random.Random) -> Tree:
    """Return a tree with one to three of its parts changed."""
    for _ in range(rng.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            return _leaf(tree, rng)
        # What lies beside large parts is changed as well.
        place = rng.choice(places) if rng.random() < 0.5 else _descent(tree, rng)
        part = tree
        for key in place:
            part = part[key]
        kind = rng.choice(('replace', 'drop', 'double', 'rename'))
        value = _leaf(part, rng) if kind == 'replace' else None
        name = rng.choice(('', 'x', 'a\0b', 'Ä', 'type'))

        def change(parent, key, kind=kind, value=value, name=name):
            if kind == 'drop':
                del parent[key]
            elif kind == 'double' and isinstance(parent, list):
                parent.insert(key, parent[key])
            elif kind == 'rename' and isinstance(parent, dict):
                parent[name] = parent.pop(key)
            elif kind == 'replace':
                parent[key] = value

        tree = _changed(tree, place, change)
    return tree


def _descent(tree: Tree, rng: random.Random) -> tuple:
    """Return the keys that lead down to a part, chosen on each level."""
    place: list[Any] = []
    while isinstance(tree, dict | list | tuple) and len(tree):
        key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        place.append(key)
        tree = tree[key]
        if rng.random() < 0.3:
            break
    return tuple(place)


def _leaf(part: Any, rng: random.Random) -> Any:
    if isinstance(part, np.ndarray) and part.ndim and rng.random() < 0.5:
        return rng.choice(list(_arrays(part)))
    return rng.choice(HOSTILE)


# What may stand anywhere among bytes.
_BYTES = (
    b'', b'\0', b'\0' * 512, b'\xff', b'\xff\xfe', b'"', b'[' * 100_000,
    b'{"a":' * 50_000, b'9' * 5000, b'<a>' * 50_000, b'\r', b'\n', b'PK\x03\x04',
    b'\x80\x04', b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    b'<?xml version="1.0" encoding="klingon"?>', b'\x93NUMPY', b'NaN', b'\xe4',
)  # fmt: skip


# What lengths and offsets may claim.
_LENGTHS = (
    0, 1, 2**7, 2**8 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**61 - 1,
    2**63 - 1, 2**64 - 1,
)  # fmt: skip


def changed_bytes(content: bytes, rng: random.Random, is_text: bool = False) -> bytes:
    """Return the content of a file with some of its bytes changed."""
    kinds = ['cut', 'insert', 'flip', 'overwrite', 'length', 'repeat', 'splice']
    kinds += ['empty', 'zeros'] if rng.random() < 0.1 else []
    if is_text:
        kinds += ['utf-16', 'utf-16-le', 'latin-1', 'cp437', 'utf-8-sig', 'crlf']
    kind = rng.choice(kinds)
    # Formats describe themselves at their beginning.
    most = len(content) if rng.random() < 0.7 else min(len(content), 512)
    place = rng.randrange(max(most, 1))
    piece = b''
    if kind == 'cut':
        return content[:place]
    if kind == 'insert':
        return content[:place] + rng.choice(_BYTES) + content[place:]
    if kind == 'flip' and content:
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 3, 10))):
            changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 'overwrite':
        piece = rng.randbytes(rng.randint(0, 16))
    if kind == 'length':
        size = rng.choice((1, 2, 4, 8))
        length = rng.choice(_LENGTHS) % 256**size
        piece = length.to_bytes(size, rng.choice(('little', 'big')))
    if kind == 'splice':
        begin = rng.randrange(max(len(content), 1))
        piece = content[begin : begin + rng.randint(1, 64)]
    if kind in ('overwrite', 'length', 'splice'):
        return content[:place] + piece + content[place + len(piece) :]
    if kind == 'repeat':
        return content + content[place:]
    if kind == 'zeros':
        return b'\0' * len(content)
    if kind == 'crlf':
        return content.replace(b'\n', b'\r\n')
    if kind in ('flip', 'empty'):
        return b''
    text = content.decode('utf-8', 'replace') + 'Ä'
    return text.encode(kind, 'replace')
