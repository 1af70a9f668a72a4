"""The two layouts of the files that ``torch.save`` writes, around any pickle."""

import io
import pickle
import zipfile

from tests.test_faults.opcodes import op


def legacy(content: bytes, place: int = 3) -> bytes:
    """Return a file in torch's older layout: several pickles, then the storages.

    Args:
        content: A pickle.
        place: Which of them it is: 3 is the one that holds the tensors.
    """
    keys = [key for key in '01' if op('BINUNICODE', key) in content]
    header = (0x1950A86A20F9469CFC6C, 1001, {'little_endian': True}, None, keys)
    pickles = [pickle.dumps(part, 2) for part in header]
    pickles[place] = content
    storage = (8).to_bytes(8, 'little') + bytes(range(32))
    return b''.join(pickles) + len(keys) * storage


def zipped(content: bytes) -> bytes:
    """Return a file in torch's layout with a pickle and two storages."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('archive/data.pkl', content)
        archive.writestr('archive/byteorder', b'little')
        for name in '01':
            archive.writestr(f'archive/data/{name}', bytes(range(32)))
        archive.writestr('archive/version', b'3\n')
    return stream.getvalue()
