"""Reading and checking HDF5 files of other tools.

Every fault raises a :class:`UserError` that names the file, the place in it, the value
and the remedy.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from mmskelseg_io.files.inputs import check_claim, regular_file
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError, misfit, reading

if TYPE_CHECKING:
    import h5py

# What h5py raises for a damaged file, besides errors of types and values.
_DAMAGED = (MemoryError, OSError, RuntimeError)
# The most soft links that lead to one another, and the most groups in a file.
_MOST_LINKS, _MOST_GROUPS = 16, 100_000
# The most texts of a data set, which are names of joints, people and columns.
_MOST_TEXTS = 100_000
# About how many bytes of them are read at once.
_TEXT_BLOCK = 1 << 24
# The largest number that is plausible anywhere, or can be read.
_LARGEST = float(np.finfo(np.float32).max)
_REMEDY = 'export the file again'
# How a heap of what has a variable length begins: with its version.
_HEAP = b'GCOL\1\0\0\0'


class Group(Mapping[str, Any]):
    """A group of an open HDF5 file, which reads nothing but this file.

    Items are groups and data sets. A link is looked at before it is followed: one to
    another file, which the user did not name, is refused, as are data sets whose values
    lie elsewhere. All that is read must be plausible for the size of the file.
    """

    def __init__(
        self, group: 'h5py.Group', path: FilePath, spent: list[int] | None = None
    ) -> None:
        self._group = group
        self._path = path
        # The bytes of memory that the data sets of the file have taken so far.
        self._spent = [0] if spent is None else spent
        self.attrs = group.attrs
        self.name = str(group.name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)

    def __getitem__(self, name: str) -> Any:
        import h5py

        item = self._follow(self._group, name, _MOST_LINKS)
        if isinstance(item, h5py.Group):
            return Group(item, self._path, self._spent)
        # Before its shape, for which HDF5 opens the other files.
        if item.is_virtual or item.external:
            raise self._elsewhere(item.name)
        return item

    def _follow(self, place: Any, target: str, hops: int) -> Any:
        """Return the item at a path, which is relative unless it begins with a /."""
        import h5py

        if target.startswith('/'):
            place = place.file['/']
        for part in filter(None, target.split('/')):
            link = place.get(part, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise self._elsewhere(f'{place.name}/{part}'.replace('//', '/'))
            if link is None or hops == 0:
                raise KeyError(f'{place.name} has no {part}')
            if isinstance(link, h5py.SoftLink):
                place = self._follow(place, link.path, hops - 1)
            else:
                place = place[part]
        return place

    def _elsewhere(self, name: str) -> UserError:
        return UserError(
            f'{self._path}: {name} lies in another file; copy it into this one.'
        )

    def groups(self) -> Iterator['Group']:
        """Yield all groups within, but for those that links of other kinds lead to."""
        import h5py

        seen, waiting = set(), [self._group]
        while waiting:
            group = waiting.pop()
            for name in group:
                link = group.get(name, getlink=True)
                item = group[name] if isinstance(link, h5py.HardLink) else None
                if not isinstance(item, h5py.Group):
                    continue
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if len(seen) > _MOST_GROUPS:
                    raise UserError(
                        f'{self._path}: has over {_MOST_GROUPS} groups; export what '
                        'is read here into a file of its own.'
                    )
                waiting.append(item)
                yield Group(item, self._path, self._spent)

    def check_own(self) -> None:
        """Raise a UserError if anything in the group lies in another file.

        For readers of others, which follow all links.
        """
        import h5py

        for group in (self, *self.groups()):
            for name in group:
                link = group._group.get(name, getlink=True)
                if not isinstance(link, h5py.SoftLink):
                    group[name]

    def length(self, name: str) -> int:
        """Return the length of the first axis of a data set that may be read."""
        data = self[name]
        self._check_size(data, None)
        return len(data)

    def array(self, name: str, most: int | None = None) -> np.ndarray:
        """Return the numbers of a data set, or the rows of a table of numbers.

        ``most`` is the largest plausible number of values; by default, any.

        Raises:
            UserError: If it holds anything else, or if its size is implausible.
        """
        data = self[name]
        fields = data.dtype.fields
        kinds = [kind for kind, *_ in fields.values()] if fields else [data.dtype]
        if any(kind.base.kind not in 'biuf' for kind in kinds):
            raise misfit(self._path, data.name, data, 'numbers', _REMEDY)
        self._spent[0] += self._check_size(data, most)
        values = np.asarray(data[()])
        for part in [values[field] for field in fields] if fields else [values]:
            # They become numbers of 32 bits, in which it would count as missing.
            too_large = part[np.isfinite(part) & (np.abs(part) > _LARGEST)]
            if too_large.size:
                what, expected = f'{data.name}, a value,', f'up to {_LARGEST:g}'
                raise misfit(self._path, what, too_large.flat[0], expected, _REMEDY)
        return values

    def number(self, name: str) -> float:
        """Return the number of a data set of a single one."""
        return float(self.array(name, 1).item())

    def texts(self, name: str) -> list[str]:
        """Return the texts of a data set of one axis, or of a single one.

        Raises:
            UserError: If it holds anything else, too many of them, or if they would
                take far more memory than the file.
        """
        import h5py

        data = self[name]
        text = h5py.check_string_dtype(data.dtype)
        if text is None or data.ndim > 1 or data.shape is None:
            raise misfit(self._path, data.name, data, 'a list of texts', _REMEDY)
        self._check_size(data, _MOST_TEXTS)
        # Any number of texts of variable length may share the same bytes of the file.
        step = max(1, _TEXT_BLOCK // os.path.getsize(self._path))
        found: list[str] = []
        for begin in range(0, data.size, step):
            part = data[begin : begin + step] if data.ndim else [data[()]]
            self._spent[0] += sum(map(len, part))
            check_claim(self._spent[0], self._path)
            found += texts(part)
        return found

    def _check_size(self, data: 'h5py.Dataset', most: int | None) -> int:
        """Return the bytes of memory that a data set takes, after checking them."""
        size = data.size or 0
        if most is not None and size > most:
            expected = f'at most {most} values'
            raise misfit(self._path, data.name, data, expected, _REMEDY)
        # They become numbers of 64 bits, in another order. A chunk is unpacked whole.
        width = data.dtype.itemsize
        chunk = math.prod(data.chunks or ()) * width
        claimed = max(2 * size * max(8, width), chunk)
        check_claim(self._spent[0] + claimed, self._path)
        return claimed


@contextmanager
def open_hdf5(path: FilePath) -> Iterator[Group]:
    """Open an HDF5 file for reading.

    Errors of h5py in the block become a UserError that names the file, so the block
    should do nothing but read.
    """
    h5py = import_optional('h5py', f'{path}: an HDF5 file')
    regular_file(path)
    with reading(path, *_DAMAGED), h5py.File(path, 'r') as file:
        _check_heaps(path, file.id.get_create_plist().get_sizes()[1])
        yield Group(file, path)


def _check_heaps(path: FilePath, width: int) -> None:
    """Raise a UserError where HDF5 would walk a heap of the file for ever.

    Heaps hold what has a variable length: texts, and the axes of netCDF. HDF5 steps
    from object to object by their sizes, numbers of ``width`` bytes, without noticing
    that it stands still.
    """
    # A heap and each object in it begin with a head, which ends in the size.
    head = _in_eights(8 + width)
    with open(path, 'rb') as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:

        def size_at(place: int) -> int:
            return int.from_bytes(data[place + 8 : place + 8 + width], 'little')

        heap, total = data.find(_HEAP), 0
        while heap >= 0:
            place, end = heap + head, heap + size_at(heap)
            # HDF5 itself refuses those that are cut off. No two share a byte.
            is_whole = end <= len(data)
            total += is_whole * (end - heap)
            while is_whole and place + head <= end:
                step = size_at(place)
                # Number 0 is what is free, whose size is that with its head.
                if any(data[place : place + 2]):
                    step = head + _in_eights(step)
                if not head <= step <= end - place or total > len(data):
                    raise UserError(
                        f'{path}: not a complete HDF5 file (its heap at byte {heap} is '
                        'damaged); export or copy it again.'
                    )
                place += step
            heap = data.find(_HEAP, heap + 1)


def _in_eights(size: int) -> int:
    """Return a number of bytes, rounded up as HDF5 does.

    >>> _in_eights(8), _in_eights(9)
    (8, 16)
    """
    return -(-size // 8) * 8


def hdf5_attribute(holder: 'Group | h5py.HLObject', name: str, path: FilePath) -> Any:
    """Return an attribute that is a single number or text; None if there is none.

    NetCDF writes a number as a list of one.
    """
    import h5py

    if name not in holder.attrs:
        return None
    attribute = holder.attrs.get_id(name)
    is_text = h5py.check_string_dtype(attribute.dtype) is not None
    if attribute.shape not in ((), (1,)) or not (
        is_text or attribute.dtype.kind in 'biuf'
    ):
        what = f'the attribute {name} of {holder.name}'
        raise misfit(path, what, attribute, 'one number or text', _REMEDY)
    value = holder.attrs[name]
    return value[0] if attribute.shape else value


def texts(values: Iterable[object]) -> list[str]:
    """Return byte strings of an HDF5 file as text.

    >>> texts([b'nose', 'tail'])
    ['nose', 'tail']
    """
    return [v.decode('utf-8') if isinstance(v, bytes) else str(v) for v in values]
