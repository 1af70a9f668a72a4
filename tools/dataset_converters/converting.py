"""What the converters beside this file share, from their arguments to their last line.

One error for every fault of a release, the choice of test videos, and the summary.
"""

import argparse
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mmskelseg.datasets.annotations import save_annotations
from mmskelseg.fileio.video import is_video

# Splits of more videos are counted in the summary, not listed.
_LISTED = 20


class ReleaseError(ValueError):
    """A file of a release that is missing or not what it must be."""


@contextmanager
def faults() -> Iterator[None]:
    """End the program with one sentence for a fault of the data or of the disk."""
    try:
        yield
    except (ReleaseError, OSError) as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')


@contextmanager
def folder_whole(folder: Path) -> Iterator[Path]:
    """Make a folder to fill, which takes its name, and its place, when all went well.

    Args:
        folder: What it will be called; what is there now stays as it is until then.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside, old = (
        folder.with_name(f'.{secrets.token_hex(8)}.{end}') for end in ('part', 'old')
    )
    aside.mkdir()
    try:
        yield aside
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def converter_parser(description: str, examples: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_paths(parser: argparse.ArgumentParser, source: str) -> None:
    """Add SRC, with its help, and OUT."""
    parser.add_argument('source', metavar='SRC', type=Path, help=source)
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='folder for annotations.pkl'
    )


def add_videos(parser: argparse.ArgumentParser) -> None:
    """Add --videos, what :func:`name_videos` takes."""
    parser.add_argument(
        '--videos',
        type=Path,
        metavar='DIR',
        help='folder of the video files, for RGB features: for each video one file '
        'with its id as name, or as the only such part of its name',
    )


def name_videos(annotations: Sequence[dict], folder: Path | None, out: Path) -> None:
    """Set ``filename`` of each video to its file, relative to OUT."""
    if folder is None:
        return
    if not folder.is_dir():
        raise ReleaseError(f'{folder}: no such folder; name that of the video files.')
    files = sorted(f for f in folder.rglob('*') if is_video(f))
    for video in annotations:
        name = video['frame_dir']
        # Not a part of a longer number or word.
        part = re.compile(rf'(?<![^\W_]){re.escape(name)}(?![^\W_])')
        found = [f for f in files if f.stem == name] or [
            f for f in files if part.search(f.stem)
        ]
        if len(found) != 1:
            which = f' ({", ".join(f.name for f in found[:3])})' if found else ''
            raise ReleaseError(
                f'{folder}: {len(found)} of its {len(files)} video files have the id '
                f'{name} in their names{which}, expected one; name the file of each '
                f'video by its id, such as {name}.mp4.'
            )
        video['filename'] = Path(os.path.relpath(found[0], out)).as_posix()


def positive(text: str) -> float:
    """Return a number of the command line that must be above 0."""
    number = float(text)
    if not 0 < number < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is not above 0')
    return number


def image_size(text: str) -> tuple[int, int]:
    """Return height and width of a text such as 640x480, which has the width first."""
    found = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)', text.lower())
    if not found:
        raise argparse.ArgumentTypeError(f'{text} is not a size such as 640x480')
    return int(found[2]), int(found[1])


def read_array(path: Path) -> np.ndarray:
    """Return the array of a .npy file."""
    try:
        array = np.load(path)
    except FileNotFoundError:
        raise ReleaseError(f'{path}: missing; copy the release again.') from None
    except (ValueError, EOFError) as error:
        raise ReleaseError(
            f'{path}: not a complete .npy file of numbers ({error}); copy it again.'
        ) from None
    if not isinstance(array, np.ndarray):
        raise ReleaseError(f'{path}: an archive of arrays, expected a .npy file.')
    return array


def choose_test(
    wanted: str | None, videos: Sequence[str], root: Path, default: Sequence[str] = ()
) -> list[str]:
    """Return the test videos: those of --test, of the release, or every fifth.

    Args:
        wanted: Ids between commas; a number may lack its leading zero.
        videos: The ids of all videos, sorted.
        root: The folder of the release, for messages.
        default: The test videos of the release itself, where it names any.
    """
    names = [name.strip() for name in wanted.split(',')] if wanted else default
    if not names:
        names = videos[4::5] or videos[-1:]
    test = sorted({name if name in videos else name.zfill(2) for name in names})
    missing = [video for video in test if video not in videos]
    if missing and not wanted:
        raise ReleaseError(
            f"{root}: the release's test videos {', '.join(missing)} are not among the "
            f'{len(videos)} videos here; choose others, for example '
            f'--test {",".join(videos[::5])}.'
        )
    if missing:
        raise ReleaseError(
            f'--test names {", ".join(missing)}, but {root} has the videos '
            f'{", ".join(videos)}.'
        )
    if len(test) == len(videos):
        raise ReleaseError(
            f'--test names all {len(videos)} videos of {root}; leave some to train on.'
            if wanted
            else f'{root}: video {videos[0]} alone; a test needs a second one.'
        )
    return test


def add_folds(parser: argparse.ArgumentParser) -> None:
    """Add --folds, what :func:`name_folds` takes."""
    parser.add_argument(
        '--folds',
        type=int,
        metavar='N',
        default=0,
        help='add N folds for cross-validation, fold1 to foldN, that test every Nth '
        'video in turn',
    )


def name_folds(data: dict, count: int) -> None:
    """Add folds to the splits of annotations, so that each video is tested once."""
    videos = [video['frame_dir'] for video in data['annotations']]
    if count == 0:
        return
    if not 2 <= count <= len(videos):
        raise ReleaseError(
            f'--folds is {count}, but {len(videos)} videos make 2 to {len(videos)}.'
        )
    for fold in range(count):
        test = videos[fold::count]
        for name, members in split_by_test(videos, test).items():
            data['split'][f'fold{fold + 1}/{name}'] = members


def split_by_test(videos: Sequence[str], test: Sequence[str]) -> dict[str, list[str]]:
    return {'train': [v for v in videos if v not in test], 'test': list(test)}


def summary(data: dict) -> str:
    """Return lines about annotations: their size, and each split."""
    labels = [video['label'] for video in data['annotations']]
    segments = sum(1 + np.count_nonzero(np.diff(label)) for label in labels)
    meta = data['metainfo']
    assumed = ' (assumed)' if 'fps' in meta.get('assumed', {}) else ''
    lines = [
        f'{len(labels)} videos, {sum(map(len, labels)):,} frames at '
        f'{data["annotations"][0]["fps"]:g} fps{assumed}, {len(meta["classes"])} '
        f'classes, {segments:,} segments'
    ]
    for name, members in data['split'].items():
        listed = f' ({", ".join(members)})' if len(members) <= _LISTED else ''
        lines.append(f'{name}: {len(members)} videos{listed}')
    return '\n'.join(lines)


def write(data: dict, out: Path) -> None:
    """Write OUT/annotations.pkl and print what is in it."""
    path = out / 'annotations.pkl'
    save_annotations(data, path)
    print(f'{summary(data)}\nwritten to {path}')
