"""The kinds of inputs of ``make fuzz``: random programs, and changes of real files."""

import io
import json
import pickle
import pickletools
import random
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from mmskelseg.checkpoints.reading import (
    load_checkpoint,
    meta_of,
    save_weights,
    tensors_of,
)
from mmskelseg.evaluation.predictions import load_samples
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.pickles import load_pickle
from mmskelseg_io.poses import read_poses
from tests.test_faults.children import Kind
from tests.test_faults.formats import FORMATS
from tests.test_faults.mutations import CODECS, changed_bytes, changed_tree
from tests.test_faults.opcodes import changed_ops, parts
from tests.test_faults.programs import program, real_pickles
from tests.test_faults.torch_layouts import legacy, zipped

Change = Callable[[bytes, random.Random], bytes]


def _load_weights(path: Path) -> Any:
    """Read a checkpoint or the state of an optimizer, and its parts."""
    content = load_checkpoint(path)
    if isinstance(content, dict) and 'param_groups' in content:
        return content
    return content, meta_of(content), tensors_of(content, path)


def _legacy_program(seed: int, number: int) -> bytes:
    """Return a file of torch's older layout; in some, the header is a program."""
    content = program(seed, number)
    return legacy(content, 3 if number % 8 else number // 8 % 5)


PROGRAMS = {
    'program-annotations': Kind(program, load_pickle, '.pkl'),
    'program-dump': Kind(program, load_samples, '.pkl'),
    'program-zip': Kind(lambda *at: zipped(program(*at)), load_checkpoint, '.pth'),
    'program-legacy': Kind(_legacy_program, load_checkpoint, '.pth'),
}


# Changes by what a kind of file consists of.


def _of_pickle(content: bytes, rng: random.Random) -> bytes:
    """Change opcodes."""
    others = parts(rng.choice(real_pickles()))
    return changed_ops(parts(content), rng, others)


def _of_legacy(content: bytes, rng: random.Random) -> bytes:
    """Change opcodes of one of the pickles of torch's older layout."""
    pickles, stream = [], io.BytesIO(content)
    for _ in range(5):
        begin = stream.tell()
        for _ in pickletools.genops(stream):
            pass
        pickles.append(content[begin : stream.tell()])
    place = rng.choice((0, 1, 2, 3, 3, 3, 3, 4))
    pickles[place] = _of_pickle(pickles[place], rng)
    return b''.join(pickles) + stream.read()


def _of_zip(content: bytes, rng: random.Random) -> bytes:
    """Change, drop or double a record of torch's layout."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = [(name, archive.read(name)) for name in archive.namelist()]
    place = rng.randrange(len(records)) if rng.random() < 0.3 else 0
    name, record = records[place]
    is_pickle = name.endswith('data.pkl')
    kind = rng.choice(('ops', 'ops', 'bytes')) if is_pickle else rng.choice(_RECORDS)
    if kind == 'ops':
        records[place] = (name, _of_pickle(record, rng))
    elif kind == 'bytes':
        records[place] = (name, changed_bytes(record, rng))
    elif kind == 'drop':
        del records[place]
    elif kind == 'double':
        records.append((name, changed_bytes(record, rng)))
    else:
        records.append((f'archive/{rng.choice(_ADDED)}', b'\x80\x02}.'))
    stream = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if rng.random() < 0.05 else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, 'w', packing) as archive:
        for name, record in records:
            archive.writestr(zipfile.ZipInfo(name), record, packing)
    return stream.getvalue()


_RECORDS = ('bytes', 'drop', 'double', 'add')
_ADDED = ('constants.pkl', 'data.pkl', 'data/99', '../x', 'version', 'code/a.py', '')


def _of_protobuf(content: bytes, rng: random.Random) -> bytes:
    """Change fields anywhere in the graph of an ONNX file."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        message = model.graph if rng.random() < 0.9 else model
        # Deeper and deeper, to where a field holds no message.
        while fields := message.ListFields():
            field, value = rng.choice(fields)
            if field.type != field.TYPE_MESSAGE:
                _change_field(message, field, value, rng)
                break
            if not field.is_repeated:
                message = value
                continue
            place = rng.randrange(len(value))
            if rng.random() < 0.1:
                value.add().CopyFrom(rng.choice(value))
                break
            if rng.random() < 0.1:
                del value[place]
                break
            message = value[place]
    return model.SerializeToString()


def _change_field(message: Any, field: Any, value: Any, rng: random.Random) -> None:
    """Give a field of a protobuf message another value of its type, or none."""
    if field.type == field.TYPE_STRING:
        other: Any = rng.choice(_NAMES)
    elif field.type == field.TYPE_BYTES:
        old = value if isinstance(value, bytes) else b''.join(value)
        other = changed_bytes(old[:100_000], rng)
    elif field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        other = rng.choice((0.0, -1.0, 1e30, float('nan'), float('inf')))
    elif field.type == field.TYPE_ENUM:
        other = rng.choice(field.enum_type.values).number
    else:
        other = rng.choice((0, 1, 2, 7, 8, 16, 100, 2**20, 2**31 - 1))
    if not field.is_repeated:
        setattr(message, field.name, other)
    elif rng.random() < 0.5:
        value[rng.randrange(len(value))] = other
    else:
        value.append(other)


# Of operators whose inputs or work may be without bound, and of places.
_NAMES = (
    '', 'x', 'Loop', 'Scan', 'If', 'Resize', 'Tile', 'Expand', 'ConstantOfShape',
    'Range', 'Upsample', 'Pad', 'OneHot', 'NonZero', 'Gather', 'Identity', 'Cast',
    'StringNormalizer', 'com.microsoft', 'location', 'ai.onnx.ml', '/etc/passwd',
    'skeleton', 'mmskelseg', '{"format": 1}', '\0',
)  # fmt: skip


def _of_header(content: bytes, rng: random.Random) -> bytes:
    """Change the JSON header of a file of safetensors."""
    size = int.from_bytes(content[:8], 'little')
    tree = changed_tree(json.loads(content[8 : 8 + size]), rng)
    header = json.dumps(tree).encode('utf-8', 'surrogatepass')
    return len(header).to_bytes(8, 'little') + header + content[8 + size :]


def _of_tree(codec: str, content: bytes, rng: random.Random) -> bytes:
    """Change what a file holds."""
    with TemporaryDirectory(dir='.', prefix='tree-') as folder:
        path = Path(folder, 'input')
        path.write_bytes(content)
        try:
            CODECS[codec].dump(changed_tree(_tree(codec, content), rng), path)
        except Exception:
            # What no program could have written either.
            return changed_bytes(content, rng)
        return path.read_bytes()


@cache
def _tree(codec: str, content: bytes) -> Any:
    with TemporaryDirectory(dir='.', prefix='tree-') as folder:
        path = Path(folder, 'input')
        path.write_bytes(content)
        return CODECS[codec].load(path)


def _of_torch(content: bytes, rng: random.Random) -> bytes:
    return (_of_zip if content[:2] == b'PK' else _of_legacy)(content, rng)


def _changed(
    changes: tuple[Change, ...], folder: Path, seed: int, number: int
) -> bytes:
    """Return one of the valid files in a folder, changed in one of some ways."""
    rng = random.Random(f'{folder.name}/{seed}/{number}')
    content = rng.choice(_contents(folder))
    return rng.choice((changed_bytes, *changes))(content, rng)


@cache
def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


_TORCH = (_of_torch, _of_torch, partial(_of_tree, 'torch'))
_PICKLE = (_of_pickle, _of_pickle, partial(_of_tree, 'pickle'))
_MUTATED: dict[str, tuple[Callable[[Path], Any], str, tuple[Change, ...]]] = {
    'annotations': (load_annotations, '.pkl', _PICKLE),
    'dump': (load_samples, '.pkl', _PICKLE),
    'checkpoint': (_load_weights, '.pth', _TORCH),
    'mmengine': (_load_weights, '.pth', _TORCH),
    'reference': (_load_weights, '.pth', _TORCH),
    'onnx': (
        FORMATS['exported model'].read,
        '.onnx',
        (_of_protobuf, _of_protobuf, partial(_of_tree, 'onnx')),
    ),
    'hdf5': (read_poses, '.h5', (partial(_of_tree, 'hdf5'),)),
    'safetensors': (_load_weights, '.safetensors', (_of_header,)),
}


def mutations(folder: Path) -> dict[str, Kind]:
    """Return the kinds of changed files, whose valid files are in a folder."""
    return {
        name: Kind(
            partial(_changed, changes, folder / name), read, suffix, folder / name
        )
        for name, (read, suffix, changes) in _MUTATED.items()
    }


# Valid files.


def write_valid_files(folder: Path) -> None:
    """Write valid files of each kind into a folder of its name."""
    from tests.test_checkpoints.test_reading import make_runner

    raw = folder / 'raw'
    for kind in _MUTATED:
        (folder / kind).mkdir()
    for kind, *names in (
        ('annotations', 'annotations'),
        ('dump', 'predictions'),
        ('checkpoint', 'checkpoint'),
        ('onnx', 'exported model'),
        ('hdf5', 'poses/sleap', 'poses/deeplabcut table', 'poses/deeplabcut fixed'),
    ):
        for name in names:
            inside = raw / name.replace('/', ' ')
            inside.mkdir(parents=True)
            made = FORMATS[name].make(inside)
            made.rename(folder / kind / f'{name.replace("/", " ")}{made.suffix}')
    FORMATS['precog (*.csv)'].read(FORMATS['precog (*.csv)'].make(raw))
    (raw / 'out/annotations.pkl').rename(folder / 'annotations/precog.pkl')
    content = pickle.loads((folder / 'annotations/precog.pkl').read_bytes())
    for protocol in (0, 2, 5):
        path = folder / f'annotations/protocol{protocol}.pkl'
        path.write_bytes(pickle.dumps(content, protocol))
    runner = make_runner(raw / 'runner')
    runner.train()
    (raw / 'runner/epoch_2.pth').rename(folder / 'mmengine/epoch_2.pth')
    _write_reference(folder / 'reference')
    state = {'a.weight': torch.ones(2, 3), 'a.steps': torch.tensor(3)}
    state['b'] = torch.zeros(4, dtype=torch.float16)
    meta = {'epoch': 2, 'seed': 3}
    save_weights(folder / 'safetensors/net.safetensors', state, meta)


def _write_reference(folder: Path) -> None:
    """Write what the training of MS-TCN2 and MS-GCN does, by old and new torch."""
    net = torch.nn.Sequential(
        torch.nn.BatchNorm1d(3),
        torch.nn.Conv1d(3, 4, 1),
        torch.nn.ModuleList([torch.nn.Conv1d(4, 4, 3, padding=1) for _ in range(2)]),
    )
    net.register_parameter('edge', torch.nn.Parameter(torch.ones(3, 3)))
    optimizer = torch.optim.Adam(net.parameters())
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, use_zip in (('zip', True), ('legacy', False)):
        for end, content in (('model', net), ('opt', optimizer)):
            torch.save(
                content.state_dict(),
                folder / f'{name}.{end}',
                _use_new_zipfile_serialization=use_zip,
            )
