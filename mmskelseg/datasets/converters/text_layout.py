"""The text files of action segmentation's common layout: classes, labels and splits.

mapping.txt                  a class a line: its id, a space, its name
groundTruth/VIDEO.txt        the class of each frame, a line each
splits/train.split1.bundle   the videos of a split, a line each
splits/test.split1.bundle
"""

import re
from pathlib import Path

import numpy as np

from mmskelseg.interchange.parsing import read_text
from mmskelseg.utils.errors import MissingFileError, UserError

MAPPINGS = ('mapping.txt', 'mapping/mapping.txt')


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text without the space around them, nor empty last ones."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise MissingFileError(f'{path}: missing; copy the release again.') from None
    return [line.strip() for line in text.rstrip().split('\n')]


def read_classes(path: Path, first: int = 0) -> dict[int, str]:
    """Return the name of each class id, in the order of the ids, without a gap.

    Each line has ``ID NAME``, with ids from 0 or 1, or a name alone; then ids are
    counted from ``first``.
    """
    lines = read_lines(path)
    pairs = [re.fullmatch(r'(\d+)\s+(\S.*)', line) for line in lines]
    if any(pairs):
        if None in pairs:
            wrong = pairs.index(None)
            raise UserError(
                f'{path}: line {wrong + 1} is {lines[wrong]!r}, expected an id and a '
                'name as in other lines.'
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


def find_mapping(root: Path) -> Path | None:
    """Return the file of class names in a release, if there is one."""
    return next((root / name for name in MAPPINGS if (root / name).is_file()), None)


def video_name(name: str) -> str:
    """Return the id of the video that a file or a line of a bundle names.

    >>> video_name('groundTruth/rgb-01-1.txt'), video_name('2020-04-19_14-03-25')
    ('rgb-01-1', '2020-04-19_14-03-25')
    """
    return name.replace('\\', '/').rpartition('/')[2].removesuffix('.txt')


def find_labels(folder: Path) -> dict[str, Path]:
    """Return the label file of each video, sorted by the videos' ids."""
    if not folder.is_dir():
        raise MissingFileError(
            f'{folder}: no such folder; it must hold a text for each video, with the '
            'class of each frame in a line.'
        )
    files = [path for path in folder.glob('[!.]*') if path.is_file()]
    labels = {video_name(path.name): path for path in sorted(files)}
    if not labels:
        raise UserError(f'{folder}: empty, expected a text for each video.')
    if len(labels) < len(files):
        raise UserError(
            f'{folder}: {len(files)} files for {len(labels)} videos; keep one of '
            'VIDEO and VIDEO.txt.'
        )
    return dict(sorted(labels.items()))


def read_label(path: Path, classes: dict[int, str]) -> np.ndarray:
    """Return the class of each frame, from 0 in the order of ``classes``, (T,).

    Each line has the name or the id of a class; ``classes`` has the name of each id.
    """
    lines = read_lines(path)
    places = {str(i): place for place, i in enumerate(classes)}
    # A class may have a number for its name.
    places.update({name: place for place, name in enumerate(classes.values())})
    wrong = [number for number, line in enumerate(lines, 1) if line not in places]
    if wrong:
        ids = list(classes)
        raise UserError(
            f'{path}: line {wrong[0]} is {lines[wrong[0] - 1]!r}, the first of '
            f'{len(wrong)} that are no class; expected one of {len(classes)} names '
            f'({classes[ids[0]]}, ...) or ids ({ids[0]} to {ids[-1]}).'
        )
    return np.array([places[line] for line in lines], np.int64)


def read_splits(
    folder: Path, main: int
) -> tuple[dict[str, list[str]], dict[tuple[str, str], Path]]:
    """Return every split in a folder of bundles, a fold each, and the splits' files.

    The bundles with the number ``main`` become ``train`` and ``test``.
    """
    bundle = r'(?:train|test)\.split(\d+)\.bundle'
    found = [re.fullmatch(bundle, path.name) for path in folder.glob('*.bundle')]
    numbers = sorted({int(match[1]) for match in found if match})
    if main not in numbers:
        there = ', '.join(map(str, numbers)) or 'none'
        raise UserError(
            f'{folder}: there is no train.split{main}.bundle, nor test; the splits '
            f'there are {there}.'
        )
    folds = {'': main}
    if len(numbers) > 1:
        folds |= {f'split{number}/': number for number in numbers}
    splits, files = {}, {}
    for fold, number in folds.items():
        for part in ('train', 'test'):
            path = folder / f'{part}.split{number}.bundle'
            splits[fold + part] = [video_name(line) for line in read_lines(path)]
            files['split', fold + part] = path
    return splits, files
