"""The layouts in which repositories share data: their options, files and folders.

mapping.txt                  the classes, one per line: ID NAME
groundTruth/VIDEO.txt        the class of each frame, one per line
splits/train.split1.bundle   the videos of a split, one per line
splits/test.split1.bundle
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmskelseg_io.converters.building import annotation, check_folder
from mmskelseg_io.files.annotations import fold_splits
from mmskelseg_io.files.names import file_name
from mmskelseg_io.files.outputs import claim, record
from mmskelseg_io.files.parsing import as_dicts, read_rows, release_lines
from mmskelseg_io.jobs import chosen
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import MissingFileError, UserError, reads_file, shown
from mmskelseg_io.messages.options import Count, argument, option
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation

# The skeleton of videos with features but no poses: one joint that is never seen.
NO_SKELETON: dict[str, object] = {'joints': ['none'], 'limbs': []}
# Id, feature file, features (T, ...) and class ids (T,) of a video.
LayoutVideo = tuple[str, Path, np.ndarray, np.ndarray]

MAPPINGS = ('mapping.txt', 'mapping/mapping.txt')


@dataclass(frozen=True)
class ImportOptions:
    """Which frames, splits and classes of a layout are read."""

    sample: Count = option('keep only every Nth frame (default: %(default)s, all)', 1)
    cut: int = option(
        'if the lengths of features and labels differ by up to N frames, cut the '
        'longer one (default: %(default)s)',
        0,
    )
    split: int = option(
        'the split that becomes train and test (default: %(default)s); if there are '
        'several, each also becomes a fold',
        1,
    )
    background: str | None = option(
        'class that Edit and F1 ignore (default: none)', None, metavar='NAME'
    )


@dataclass(frozen=True, kw_only=True)
class Exporter(Job[Path]):
    """Writes an annotation file in a layout, and returns the folder."""

    source: Path = argument('an annotation file', metavar='SRC')
    out: Path = argument('folder to create', metavar='OUT')
    unlabelled: str | None = option(
        'class for frames without a label (default: such frames are an error)',
        None,
        metavar='NAME',
    )


def command_of(
    jobs: Mapping[str, type[Job]], description: str | None
) -> Callable[..., int | None]:
    """Return the ``main(argv=None, prog=None)`` of jobs that a first word names."""
    lines = {
        name: str(job.__doc__).partition('\n')[0].rstrip('.')
        for name, job in jobs.items()
    }

    def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int | None:
        words = sys.argv[1:] if argv is None else argv
        prog = prog or Path(sys.argv[0]).name
        name = chosen(lines, words, prog, description)
        return jobs[name].main(words[1:], f'{prog} {name}')

    return main


@reads_file
def read_classes(path: Path, first: int = 0) -> dict[int, str]:
    """Return the name of each class id, in the order of ids, which have no gaps.

    Each line is ``ID NAME``, with ids from 0 or 1, or only a name; ids then start at
    ``first``.

    Raises:
        UserError: If a line has no id while others do, or ids have gaps.
    """
    lines = release_lines(path)
    pairs = [re.fullmatch(r'([0-9]{1,9})\s+(\S.*)', line) for line in lines]
    if any(pairs):
        if None in pairs:
            wrong = pairs.index(None)
            raise UserError(
                f'{path}: line {wrong + 1} is {lines[wrong]!r}, expected an id and a '
                'name as in the other lines.'
            )
        names = [(int(pair[1]), pair[2]) for pair in pairs if pair]
    else:
        names = list(enumerate(lines, first))
    classes = dict(sorted(names))
    ids = sorted(i for i, _ in names)
    low = min(ids[0], 1)
    if ids != list(range(low, low + len(ids))):
        raise UserError(
            f'{path}: the ids are {", ".join(map(str, ids))}, expected each of {low} '
            f'to {low + len(ids) - 1} once.'
        )
    return classes


def read_mapping(root: Path, default: Sequence[str] = ()) -> dict[int, str]:
    """Return the name of each class id from the mapping of a release, if there is one.

    Raises:
        MissingFileError: If there is neither a mapping nor a default.
    """
    for name in MAPPINGS:
        if (root / name).is_file():
            return read_classes(root / name)
    if not default:
        raise MissingFileError(
            f'{root}: there is neither {" nor ".join(MAPPINGS)}; it must contain a '
            'line `ID NAME` for each class.'
        )
    return dict(enumerate(default))


def video_id(name: str) -> str:
    """Return the video's id from the name of a file or a line of a bundle.

    >>> video_id('groundTruth/rgb-01-1.txt'), video_id('2020-04-19_14-03-25')
    ('rgb-01-1', '2020-04-19_14-03-25')
    """
    name = name.replace('\\', '/').rpartition('/')[2]
    return re.sub(r'\.(txt|npy|csv)$', '', name)


def find_labels(
    folder: Path, kind: str = 'a text file for each video, with a class in each line'
) -> dict[str, Path]:
    """Return the label file of each video, sorted by id.

    Raises:
        UserError: If there is none, or a video has two.
    """
    check_folder(folder, f'it must contain {kind}')
    files = [path for path in folder.glob('[!.]*') if path.is_file()]
    labels = {video_id(path.name): path for path in sorted(files)}
    if not labels:
        raise UserError(f'{folder}: empty, expected {kind}.')
    if len(labels) < len(files):
        raise UserError(
            f'{folder}: {len(files)} files for {len(labels)} videos; keep one of '
            'VIDEO and VIDEO.txt.'
        )
    return dict(sorted(labels.items()))


@reads_file
def read_label(path: Path, classes: dict[int, str]) -> np.ndarray:
    """Return the class of each frame, numbered from 0 in order of ``classes``, (T,).

    Each line of the text is the name or the id of a class.

    Raises:
        UserError: If a line is no class; the message names it.
    """
    lines = release_lines(path)
    places = {str(i): place for place, i in enumerate(classes)}
    # Added last, since the name of a class may be a number.
    places.update({name: place for place, name in enumerate(classes.values())})
    wrong = [number for number, line in enumerate(lines, 1) if line not in places]
    if wrong:
        ids = list(classes)
        raise UserError(
            f'{path}: line {wrong[0]} is {lines[wrong[0] - 1]!r}, the first of '
            f'{len(wrong)} that are not a class; expected one of {len(classes)} names '
            f'({classes[ids[0]]}, ...) or ids ({ids[0]} to {ids[-1]}).'
        )
    return np.array([places[line] for line in lines], np.int64)


def read_splits(
    folder: Path, main: int
) -> tuple[dict[str, list[str]], dict[tuple[str, str], Path]]:
    """Return all splits in a folder, as folds, and the file of each split.

    Files are bundles (``train.split1.bundle``) or tables (``train1.csv``) whose column
    ``feature`` has the path of each video. Validation videos (``val``) are added to the
    training split. The files with the number ``main`` become ``train`` and ``test``.

    Raises:
        UserError: If there is no split of the number.
    """
    file = re.compile(r'(train|val|test)(?:\.split)?(\d+)\.(?:bundle|csv)')
    found: dict[tuple[str, int], Path] = {}
    # The sorting prefers a bundle to a table.
    for path in sorted(folder.glob('[!.]*'), key=lambda path: path.suffix):
        if match := file.fullmatch(path.name):
            found.setdefault((match[1], int(match[2])), path)
    numbers = sorted({number for part, number in found if part != 'val'})
    if main not in numbers:
        there = ', '.join(map(str, numbers)) or 'none'
        raise UserError(
            f'{folder}: there is no split {main}, such as train.split{main}.bundle; '
            f'the splits there are {there}.'
        )
    folds = {'': main}
    if len(numbers) > 1:
        folds |= {f'split{number}/': number for number in numbers}
    splits, files = {}, {}
    for fold, number in folds.items():
        for part in ('train', 'test'):
            path = found.get((part, number), folder / f'{part}.split{number}.bundle')
            splits[fold + part] = _members(path)
            files['split', fold + part] = path
        if ('val', number) in found:
            train = splits[f'{fold}train']
            more = _members(found['val', number])
            train += [video for video in more if video not in train]
    return splits, files


def _members(path: Path) -> list[str]:
    """Return the videos that a bundle or a table names."""
    if path.suffix == '.bundle':
        return [video_id(line) for line in release_lines(path)]
    rows = read_rows(path)
    if not rows or 'feature' not in rows[0][1]:
        first = ','.join(rows[0][1]) if rows else ''
        raise UserError(
            f'{path}: line 1 is {shown(first)}, expected column names that include '
            '`feature`.'
        )
    return [video_id(row['feature']) for _, row in as_dicts(rows, path)]


def class_names(data: AnnotationFile, unlabelled: str | None) -> list[str]:
    """Return class names without spaces, since a space ends a name in this layout.

    Raises:
        UserError: If two names become the same.
    """
    names = [re.sub(r'\s+', '_', name.strip()) for name in data['metainfo']['classes']]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise UserError(
                f'two classes are called {name} when spaces become underscores; '
                'rename one in the annotation file.'
            )
    if unlabelled and unlabelled not in names:
        names.append(unlabelled)
    return names


def write_text(path: Path, lines: Sequence[str]) -> None:
    """Write lines, each with a newline, since some readers drop an unfinished line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines), 'utf-8', newline='\n')


def write_layout(data: AnnotationFile, out: Path, unlabelled: str | None) -> list[str]:
    """Write groundTruth/, mapping.txt and splits/, and return lines about them.

    Raises:
        UserError: If a frame has no label, and no class is given for these.
    """
    names = class_names(data, unlabelled)
    for video in data['annotations']:
        without = np.flatnonzero(video['label'] == -1)
        if without.size and not unlabelled:
            raise UserError(
                f'video {video["frame_dir"]}: frame {without[0]} has no label, the '
                f'first of {without.size}, and the layout needs a label for each; name '
                'a class with --unlabelled NAME.'
            )
        lines = [names[k] if k >= 0 else str(unlabelled) for k in video['label']]
        file = out / 'groundTruth' / f'{file_name(video["frame_dir"])}.txt'
        write_text(file, lines)
    write_text(out / 'mapping.txt', [f'{i} {name}' for i, name in enumerate(names)])
    videos = counted(len(data['annotations']), 'video')
    notes = [f'{videos}, {len(names)} classes']
    for number, pair in enumerate(fold_splits(data), 1):
        for part, split in zip(('train', 'test'), pair, strict=True):
            bundle = out / f'splits/{part}.split{number}.bundle'
            members = data['split'][split]
            write_text(bundle, [f'{file_name(video)}.txt' for video in members])
        notes.append(f'split {number}: {" and ".join(pair)}')
    return notes


def read_videos(
    source: Path,
    labels: Mapping[str, Path],
    read: Callable[[Path], np.ndarray],
    read_label: Callable[[Path], np.ndarray],
    given: ImportOptions,
    hint: str = '',
) -> Iterator[LayoutVideo]:
    """Yield the videos of a layout, with every ``given.sample``-th frame.

    Their features and labels are read by two functions. The lengths of both may differ
    by ``given.cut`` frames; ``hint`` is another possible reason, for the message.

    Raises:
        UserError: If they differ by more.
    """
    for name, path in labels.items():
        file = source / 'features' / f'{name}.npy'
        features, label = read(file), read_label(path)
        if abs(len(features) - len(label)) > given.cut:
            raise UserError(
                f'{file}: features of {len(features)} frames, but {path.name} has '
                f'{len(label)} labels; both must come from the same frames. If they '
                'only differ by a few frames at the end, --cut N cuts the longer one'
                f'{hint}.'
            )
        kept = slice(0, min(len(features), len(label)), given.sample)
        yield name, file, features[kept], label[kept]


@contextmanager
def saved_features(
    target: Path, videos: Iterable[LayoutVideo], fps: float, events: Events
) -> Iterator[list[VideoAnnotation]]:
    """Write features (T, D) for LoadFrameFeatures; yield annotations without poses.

    The folder ``target`` only appears if the block succeeds. It replaces one that this
    command has written.

    Raises:
        UserError: If videos have different numbers of features.
    """
    for file in target.glob('*'):
        claim(file)
    annotations: list[VideoAnnotation] = []
    width = None
    with folder_whole(target) as folder:
        for name, file, features, label in videos:
            frames, found = features.shape
            if width not in (None, found):
                raise UserError(
                    f'{file}: {found} features per frame, but the previous videos have '
                    f'{width}; take all from the same network or sensors.'
                )
            width = found
            array = np.ascontiguousarray(features, np.float32)
            np.save(folder / f'{file_name(name)}.npy', array)
            joint = np.zeros((1, frames, 1, 2), np.float32)
            shared: VideoAnnotation = {'img_shape': (1, 1), 'fps': fps}
            annotations.append(annotation(shared, name, joint, joint[..., 0], label))
        yield annotations
    for file in target.iterdir():
        record(file, file)
    events.note(f'{width} features per frame in {target}')


@contextmanager
def folder_whole(folder: Path) -> Iterator[Path]:
    """Yield a new folder, which replaces the one of this name if the block succeeds."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix='.', dir=folder.parent) as aside:
        new = Path(aside, 'new')
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(Path(aside, 'old'))
        new.rename(folder)


@contextmanager
def folder_new(folder: Path) -> Iterator[Path]:
    """Yield a folder that does not exist yet; it appears if the block succeeds.

    Raises:
        UserError: If it exists.
    """
    if folder.exists():
        raise UserError(
            f'{folder}: exists already; name a new folder, or delete this one.'
        )
    with folder_whole(folder) as new:
        yield new
