"""Says what a file is, or whether all required packages are installed."""

import platform
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mmskelseg import compat
from mmskelseg.compat.dependencies import DEPENDENCIES, problems
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job, function_of
from mmskelseg_io.messages.dependencies import Dependency
from mmskelseg_io.messages.options import argument
from mmskelseg_io.messages.tables import Rows, text_table
from mmskelseg_io.version import __version__

_OPTIONAL = {
    'rtmlib': 'poses in videos',
    'mediapipe': 'poses in videos; needs NumPy 1 (docs/pose_estimation.md)',
    'mmpose': 'poses in videos, with mmdet',
    'onnx': 'mmskelseg export, with onnxruntime',
    'onnxruntime': 'exported models',
    'starlette': 'mmskelseg studio and app, with uvicorn and av',
    'av': 'mmskelseg studio and app, and --codec avc1',
    'h5py': 'HDF5 files of DeepLabCut and SLEAP, of movement and NWB',
    'submitit': 'cross-validations on a cluster',
}


def report() -> str:
    """Return the whole report as text."""
    versions = [('package', 'found', 'needed', '')]
    for needed in DEPENDENCIES:
        name, version = needed.found()
        state = 'UNSUITABLE' if version else 'MISSING'
        state = state if needed.problem() else 'ok'
        versions.append((name or needed.name, version or '-', needed.needed, state))
    optional = [('package', 'found', 'for')]
    for name, purpose in _OPTIONAL.items():
        optional.append((name, Dependency(name, '0').found()[1] or '-', purpose))
    active = [(r.name, r.upstream, r.mends) for r in compat.active()]
    repairs = (
        [('repair', 'of', 'without the repair'), *active] if active else [('none',)]
    )
    remedies = ''.join(f'\n  {line}' for line in problems())
    ready = 'All required packages are installed.'
    parts = [
        f'mmskelseg {__version__}, Python {platform.python_version()}',
        _indented(versions),
        _torch(),
        _mmcv(),
        'Optional packages:\n' + _indented(optional),
        'Repairs of dependencies that are active:\n' + _indented(repairs),
        f'To fix:{remedies}' if remedies else ready,
    ]
    return '\n\n'.join(part for part in parts if part)


def _torch() -> str:
    try:
        import torch
    except (ImportError, OSError) as error:
        return f'torch cannot be imported: {error}'
    cuda = torch.version.cuda or 'none'
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    devices = ', '.join(names) or 'CPU only'
    return f'torch build: CUDA {cuda}; devices: {devices}'


def _mmcv() -> str:
    spec = find_spec('mmcv')
    folders = (spec and spec.submodule_search_locations) or ()
    if not folders:
        return ''
    is_full = any(any(Path(folder).glob('_ext*')) for folder in folders)
    kind = 'full, with compiled operators' if is_full else 'lite, without operators'
    return f'mmcv build: {kind}'


def _indented(rows: Rows) -> str:
    return '\n'.join(f'  {line}' for line in text_table(rows, range(len(rows[0]))))


@dataclass(frozen=True, kw_only=True)
class Doctor(Job[None]):
    """Says what a file is, or whether all required packages are installed.

        %(prog)s data/ntu60_hrnet.pkl

    Of a file, it prints what it holds, what was assumed, and which commands can use it.
    Without one, it prints the versions of required and optional packages, and active
    repairs; if a dependency is missing or unsuitable, also the remedies, and exits
    with 1.
    """

    file: Path | None = argument('annotations, poses, labels, a video or model', None)

    def run(self, events: Events) -> None:
        """Tell about the file, or the versions; SystemExit if one is unsuitable."""
        if self.file is not None:
            describe = function_of('mmskelseg.datasets.inspection.kinds:described')
            events.note(describe(self.file))
            return
        events.note(report())
        if any(problems()):
            sys.exit(1)


main = Doctor.main
