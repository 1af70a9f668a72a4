"""Any change of any file ends in a clear error or in a valid result."""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mmskelseg_io.entry_points import commands, commands_in
from mmskelseg_io.labels import READERS as LABEL_READERS
from mmskelseg_io.objects import FORMATS as OBJECT_FORMATS
from mmskelseg_io.places import PLACE_FORMATS
from mmskelseg_io.poses import FORMATS as POSE_FORMATS
from tests.oracle import judge
from tests.test_faults.folders import FORMATS
from tests.test_faults.formats import Format
from tests.test_faults.mutations import (
    CODECS,
    KINDS,
    TEXTS,
    changed_bytes,
    changed_tree,
)

# `make fuzz` raises it.
EXAMPLES = int(os.environ.get('SKELSEG_FUZZ_EXAMPLES', '20'))
# Of a file that links lead to.
OTHER = 'precious'
HARD = 'SKELSEG_FUZZ_EXAMPLES' in os.environ


def _target(format: Format, path: Path) -> list[Path]:
    """Return the files that may be changed."""
    if not format.mutated:
        return [path]
    return sorted(file for file in path.rglob(format.mutated) if file.is_file())


def _change(name: str, file: Path, other: Path, rng: random.Random) -> None:
    """Change one file, by what it holds or by its bytes, or put something else there.

    ``other`` is a file that a link may lead to.
    """
    by_name = KINDS.get(file.name) or KINDS.get(file.suffix, 'text')
    kind = FORMATS[name].kind or by_name
    codec = CODECS.get(kind)
    if rng.random() < 0.04:
        file.unlink()
        if target := rng.choice((None, other, file, other.with_name('none'))):
            file.symlink_to(target)
        else:
            file.mkdir()
    elif codec and rng.random() < 0.5:
        tree = changed_tree(codec.load(file), rng)
        try:
            codec.dump(tree, file)
        except Exception:
            # What no program could have written either.
            file.write_bytes(b'')
    else:
        is_text = kind in TEXTS
        file.write_bytes(changed_bytes(file.read_bytes(), rng, is_text))


@pytest.mark.parametrize('name', FORMATS)
def test_valid_input_is_read(name, copied):
    """So a finding is due to its mutation."""
    format, path = FORMATS[name], copied(name)
    files = _target(format, path)
    assert files
    format.check(format.read(path))


@pytest.mark.parametrize('name', FORMATS)
@pytest.mark.filterwarnings('ignore')
def test_changed_input_is_a_clear_error_or_a_valid_result(name, valid):
    format = FORMATS[name]

    @settings(
        max_examples=max(EXAMPLES // format.cost, 1),
        deadline=None,
        database=None,
        print_blob=True,
        report_multiple_bugs=HARD,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(rng=st.randoms(note_method_calls=True))
    def run(rng):
        source = valid(name)
        with tempfile.TemporaryDirectory(prefix='mmskelseg-fuzz-') as top:
            folder = shutil.copytree(source.parent, Path(top, 'folder'))
            other = Path(top, 'other')
            other.write_text(OTHER)
            path = folder / source.name
            file = rng.choice(_target(format, path))
            _change(name, file, other, rng)
            names = (file.name, file.stem, path.name, str(path), *format.names)
            judge(format.read, path, format.check, names)
            assert other.read_text() == OTHER

    run()


def test_every_format_is_tried():
    """A new reader or converter needs a valid file in ``formats.py``."""
    tried = {format.covers for format in FORMATS.values()}
    wanted = {f'labels/{name}' for name in LABEL_READERS}
    wanted |= {f'poses/{name}' for name in POSE_FORMATS}
    wanted |= {f'places/{name}' for name in PLACE_FORMATS.readers}
    wanted |= {f'objects/{name}' for name in OBJECT_FORMATS}
    # The toy data set is made of nothing.
    converters = {**commands('converters')}
    # Tried as checkpoints; the toy data set is made of nothing.
    for name in ('toy', *commands_in('mmskelseg.converters.checkpoints')):
        del converters[name]
    wanted |= {f'converters/{name}' for name in converters}
    assert not wanted - tried
