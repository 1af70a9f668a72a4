"""Compares mmskelseg with other tools on the same splits, by the same scorer."""

import json
import os
import subprocess
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_behaviour.functional.report import evaluate_videos
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_io.files.annotations import load_annotations, videos_of_split
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_io.structures.segments import resolve_background

SCORES = {'F1@10': 'f1@10', 'F1@50': 'f1@50', 'Edit': 'edit', 'Acc': 'acc'}
# Digits of each.
COSTS = {'Seconds': 0, 'Memory, GB': 1, 'Installed, GB': 1}
# Labels that post-processing then changes, if a tool writes them.
RAW = 'raw.npz'
SETS = ('precog', 'utkinect', 'gestures', 'uwiom', 'rats')
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Tool:
    """A tool, and the words of each `pip install` of its environment."""

    title: str
    installs: Sequence[Sequence[str]]


CLONE = [f'{ROOT}/packages/{name}' for name in ('io', 'runtime', 'behaviour')]
LIGHTNING_NEEDS = (
    'jaxtyping lightning~=2.5 numpy>=2 opencv-python-headless pandas pyyaml '
    'scikit-learn tensorboard torch torchvision transformers<5.9'
)
TOOLS = {
    'mmskelseg': Tool('mmskelseg, the default', [[*CLONE, f'{ROOT}[lite]']]),
    # It also requires nvidia-dali-cuda110, for videos, which is not on PyPI itself.
    'lightning_action': Tool(
        'lightning-action 1.1, dilated TCN',
        [['--no-deps', 'lightning-action==1.1.0'], LIGHTNING_NEEDS.split()],
    ),
    # It imports matplotlib.cm.get_cmap, which 3.9 removed.
    'dlc2action': Tool(
        'DLC2Action 1.0, C2F-TCN', [['dlc2action==1.0', 'matplotlib<3.9']]
    ),
    'jabs': Tool(
        'JABS 0.49, XGBoost of windows', [['jabs-behavior-classifier==0.49.0']]
    ),
}


def installed(tool: str, work_dir: Path) -> tuple[Path, float]:
    """Return the Python of a tool and the size of its environment in GB; make it."""
    folder = work_dir / 'environments' / tool
    python, size = folder / 'bin' / 'python', folder / 'size.txt'
    if not size.is_file():
        venv.create(folder, clear=True, with_pip=True)
        for words in TOOLS[tool].installs:
            subprocess.run([python, '-m', 'pip', 'install', '-q', *words], check=True)
        files = (file.lstat() for file in folder.rglob('*') if not file.is_symlink())
        size.write_text(str(sum(file.st_size for file in files)))
    return python, float(size.read_text()) / 1e9


def prepare(file: Path, fold: str, folder: Path) -> dict[str, Any]:
    """Write the recordings of a fold as arrays; return facts about the set.

    Args:
        file: Annotation file.
        fold: Name of the fold.
        folder: Gets ``set.json`` with the facts, and ``<recording>.npz`` with
            ``keypoint`` (M, T, V, 2), NaN where a joint is missing, ``score``
            (M, T, V), ``fps`` and, of training recordings alone, ``label`` (T,).
    """
    data = load_annotations(file)
    parts = {
        part: videos_of_split(data, f'{fold}/{part}', file)
        for part in ('train', 'test')
    }
    folder.mkdir(parents=True, exist_ok=True)
    for part, videos in parts.items():
        for video in videos:
            missing = (video['keypoint_score'] == 0)[..., None]
            arrays: dict[str, Any] = {
                'keypoint': np.where(missing, np.nan, video['keypoint']),
                'score': video['keypoint_score'],
                'fps': video['fps'],
            }
            if part == 'train':
                arrays['label'] = video['label']
            np.savez(folder / f'{video["frame_dir"]}.npz', **arrays)
    meta = data['metainfo']
    facts = {
        'annotations': str(file),
        'fold': fold,
        'classes': list(meta['classes']),
        'background': resolve_background(meta['background'], meta['classes']),
        'img_shape': list(parts['train'][0]['img_shape']),
        **{part: [v['frame_dir'] for v in videos] for part, videos in parts.items()},
    }
    (folder / 'set.json').write_text(json.dumps(facts))
    return facts


def run_tool(tool: str, data: Path, folder: Path, work_dir: Path) -> None:
    """Train a tool and label the test recordings; write what it costs."""
    python, size = installed(tool, work_dir)
    script = Path(__file__).with_name(f'train_{tool}.py')
    folder.mkdir(parents=True, exist_ok=True)
    threads = ('OMP', 'MKL', 'OPENBLAS', 'NUMEXPR')
    # A tool shall see its own packages alone.
    kept = {key: text for key, text in os.environ.items() if key != 'PYTHONPATH'}
    env = {**kept, **{f'{name}_NUM_THREADS': '1' for name in threads}}
    with (folder / 'log.txt').open('w') as log:
        process = subprocess.Popen(
            [python, script, data, folder / 'found.npz'],
            cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise UserError(f'{folder / "log.txt"}: {tool} failed; its output is there.')
    # Linux counts memory in kilobytes.
    cost = (used.ru_utime + used.ru_stime, 1024 * used.ru_maxrss / 1e9, size)
    (folder / 'cost.json').write_text(json.dumps(cost))


def score(file: Path, facts: Mapping[str, Any]) -> list[float]:
    """Return the scores of labels of the test recordings, in the order of SCORES."""
    data = load_annotations(facts['annotations'])
    classes = facts['classes']
    split = f'{facts["fold"]}/test'
    videos = {}
    with np.load(file) as found:
        for video in videos_of_split(data, split, facts['annotations']):
            pred = found[video['frame_dir']]
            one_hot = np.eye(len(classes))[pred].T
            videos[video['frame_dir']] = Video(pred, video['label'], one_hot)
    report = evaluate_videos(videos, classes, background=facts['background'])
    return [report['metrics'][name] for name in SCORES.values()]


def table(
    scores: Mapping[str, Mapping[str, Sequence[float]]],
    costs: Mapping[str, Mapping[str, Sequence[float]]],
) -> str:
    """Return scores and costs as Markdown, with the best of each score in bold.

    Args:
        scores: Of each tool and set, in the order of SCORES.
        costs: Of each tool and set, in the order of COSTS. The least and the largest
            are shown.
    """
    sets = [*next(iter(scores.values()))]
    shown = {
        tool: np.round([own[name] for name in sets], 1) for tool, own in scores.items()
    }
    best = np.max([*shown.values()], axis=0)
    rows = [['/'.join(SCORES), *sets, *COSTS]]
    for tool, values in shown.items():
        cells = []
        for pair in zip(values, best, strict=True):
            texts = (
                f'**{x:.1f}**' if x == top else f'{x:.1f}'
                for x, top in zip(*pair, strict=True)
            )
            cells.append('/'.join(texts))
        spent = np.transpose([*costs[tool].values()])
        for digits, one in zip(COSTS.values(), spent, strict=True):
            ends = dict.fromkeys(f'{x:.{digits}f}' for x in (one.min(), one.max()))
            cells.append(' to '.join(ends))
        rows.append([tool, *cells])
    return '\n'.join(markdown_table(rows))


@dataclass(frozen=True, kw_only=True)
class Peers(Job[None]):
    """Compares mmskelseg with other tools on the same splits, by the same scorer.

        nice python -m benchmarks.peers DATA WORK_DIR
        nice python -m benchmarks.peers DATA WORK_DIR --sets gestures --tools jabs

    DATA has a folder for each data set, with its annotations.pkl, as for
    `benchmarks.candidates`. Each tool is installed in an environment of its own, in
    WORK_DIR/environments, and trained with seed 0 on one thread, on the 2D joints and
    labels of the training recordings of a fold. Other tools than mmskelseg, which reads
    the annotation file, are not given the labels of test recordings. The last epoch
    counts.

    Seconds are those of a processor from the start of Python to the labels of the test
    recordings. Finished runs in WORK_DIR are not repeated; the output of a run is in
    WORK_DIR/<set>/<tool>/log.txt. It needs Linux.
    """

    kept = 'finished runs are kept; the same command continues.'
    writes = ()
    data: Path = argument('folder with a folder for each data set', metavar='DATA')
    work_dir: Path = argument('folder of environments and runs', metavar='WORK_DIR')
    sets: Sequence[str] = option('data sets (default: all)', SETS, choices=SETS)
    tools: Sequence[str] = option('default: all', (*TOOLS,), choices=TOOLS)
    fold: str = option('default: %(default)s', 'fold1', metavar='NAME')

    def run(self, events: Events) -> None:
        """Run what is not finished, and print the table."""
        work_dir = self.work_dir.absolute()
        scores: dict[str, dict[str, list[float]]] = {}
        costs: dict[str, dict[str, list[float]]] = {}
        for i, name in enumerate(self.sets):
            file = self.data.absolute() / name / 'annotations.pkl'
            if not file.is_file():
                raise MissingFileError(f'{file}: there is no such file.')
            given = work_dir / name / 'data'
            facts = prepare(file, self.fold, given)
            for tool in self.tools:
                events.progress(f'{name}, {tool}', i, len(self.sets))
                folder = work_dir / name / tool
                cost = folder / 'cost.json'
                if not cost.is_file():
                    run_tool(tool, given, folder, work_dir)
                title = TOOLS[tool].title
                files = {title: 'found.npz', f'{title}, before post-processing': RAW}
                for row, labels in files.items():
                    if (folder / labels).is_file():
                        found = score(folder / labels, facts)
                        scores.setdefault(row, {})[name] = found
                        spent = json.loads(cost.read_text())
                        costs.setdefault(row, {})[name] = spent
        events.note(table(scores, costs))


if __name__ == '__main__':
    Peers.main()
