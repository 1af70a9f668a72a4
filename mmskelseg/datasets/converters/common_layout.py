"""Convert from and to the layout that action segmentation's repositories share.

    features/VIDEO.npy           (D, T) features, a column for each frame
    groundTruth/VIDEO.txt        the name of the class of each frame, a line each
    mapping.txt                  a class a line: its id, a space, its name
    splits/train.split1.bundle   the videos of a split, a line each: VIDEO.txt
    splits/test.split1.bundle    (and 2, 3, ...)

`import` makes a data set of it, so that 50Salads, GTEA, Breakfast and the like can be
trained on; `export` writes it, so that other repositories' code can run on data of this
project. See `import --help` and `export --help`, and docs/datasets/common_layout.md.
"""

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mmskelseg.datasets.annotations import fold_splits, load_annotations
from mmskelseg.datasets.converters import building
from mmskelseg.datasets.converters.text_layout import (
    MAPPINGS,
    find_labels,
    find_mapping,
    read_classes,
    read_label,
    read_splits,
)
from mmskelseg.fileio.names import file_name
from mmskelseg.utils.errors import MissingFileError, UserError

EXAMPLES = """examples:
  %(prog)s import RAW/gtea data/gtea --fps 15
  %(prog)s export data/toy/annotations.pkl OUT
"""
IMPORT = """\
Make a data set of features and labels in action segmentation's common layout.

SRC holds features/, groundTruth/, mapping.txt (or mapping/mapping.txt) and splits/. OUT
gets annotations.pkl, whose skeleton is a single joint that is never seen, and the
features as features/MODALITY/VIDEO.npy, which a config's LoadFrameFeatures is told of:

    pipeline = [dict(type='LoadFrameFeatures', folders=dict(rgb='OUT/features/rgb')),
                dict(type='PackSegInputs')]
"""
IMPORT_EXAMPLES = """examples:
  # GTEA: 15 frames a second, the background left out of Edit and F1
  %(prog)s RAW/gtea data/gtea \\
      --fps 15 --background background
  # 50Salads: features of 30 frames a second, of which every second is kept, as is usual
  %(prog)s RAW/50salads data/50salads \\
      --fps 30 --sample 2
"""
EXPORT = """\
Write a data set in the layout that action segmentation's repositories share.

From an annotation file come groundTruth/, mapping.txt and splits/: train and test are
split 1, and folds, if there are any, 2, 3, ... in the order of the file. From a config
come, with those of its annotation file, features/: for each video what the model of the
config would get, (D, T) in float32, made first where it is missing.
"""
EXPORT_EXAMPLES = """examples:
  # labels and splits; frames without a label become a class of their own
  %(prog)s data/toy/annotations.pkl \\
      layout/toy --unlabelled none
  # with the features of a config
  %(prog)s \\
      configs/skelseg/uwiom_joint_limb.py layout/uwiom
"""


@contextmanager
def folder_whole(folder: Path) -> Iterator[Path]:
    """Make a folder to fill, which replaces the one of this name when all went well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix='.', dir=folder.parent) as aside:
        new = Path(aside, 'new')
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(Path(aside, 'old'))
        new.rename(folder)


def read_video(
    video: str, path: Path, classes: dict[int, str], args: argparse.Namespace
) -> tuple[dict[str, Any], np.ndarray]:
    """Return a video's annotation, and its features (T, D)."""
    label = read_label(path, classes)
    source = args.source / 'features' / f'{video}.npy'
    features = read_features(source, args.frames_first)
    frames = min(len(label), len(features))
    if max(len(label), len(features)) - frames > args.cut:
        raise UserError(
            f'{source}: features (D, T) of {len(features)} frames, but {path.name} '
            f'has {len(label)} lines; both must come from the same frames. Where '
            'they differ by a few at the end, --cut N cuts the longer; if the '
            'array is (T, D), give --frames-first.'
        )
    label = label[:frames][:: args.sample]
    annotation = {
        'frame_dir': video,
        'total_frames': len(label),
        'img_shape': (1, 1),
        'fps': args.fps / args.sample,
        'keypoint': np.zeros((1, len(label), 1, 2), np.float32),
        'keypoint_score': np.zeros((1, len(label), 1), np.float32),
        'label': label,
    }
    return annotation, features[:frames][:: args.sample]


def read_features(path: Path, frames_first: bool) -> np.ndarray:
    """Return the features of each frame, shape (T, D)."""
    features = building.read_floats(path, (None, None), '(D, T)')
    features = features if frames_first else features.T
    wrong = ~np.isfinite(features).all(1)
    if wrong.any():
        raise UserError(
            f'{path}: a feature of frame {np.flatnonzero(wrong)[0]} is NaN or '
            f'infinite, the first of {wrong.sum()} such frames; copy the file again.'
        )
    return features


def _run_import(args: argparse.Namespace) -> None:
    mapping = find_mapping(args.source)
    if mapping is None:
        raise MissingFileError(
            f'{args.source}: there is no {" nor ".join(MAPPINGS)}; it must hold a line '
            '`ID NAME` for each class.'
        )
    classes = read_classes(mapping)
    labels = find_labels(args.source / 'groundTruth')
    split, files = read_splits(args.source / 'splits', args.split)
    videos: list[dict[str, Any]] = []
    width = 0
    target = args.out / 'features' / args.modality
    with folder_whole(target) as folder:
        for name, path in labels.items():
            video, features = read_video(name, path, classes, args)
            if videos and features.shape[1] != width:
                raise UserError(
                    f'{args.source}/features/{name}.npy: {features.shape[1]} features '
                    f'a frame, but {videos[0]["frame_dir"]} has {width}; take all from '
                    'the same network.'
                )
            width = features.shape[1]
            array = np.ascontiguousarray(features, np.float32)
            np.save(folder / f'{file_name(name)}.npy', array)
            videos.append(video)
        building.write(
            args.out,
            videos,
            split,
            classes=list(classes.values()),
            skeleton={'joints': ['none'], 'limbs': []},
            dataset=args.source.resolve().name,
            background=args.background,
            source=args.source,
            files=files,
        )
    print(f'{width} features a frame in {target}')


def class_names(data: dict[str, Any], unlabelled: str | None) -> list[str]:
    """Return names without spaces, which readers of the layout take for its end."""
    names = [re.sub(r'\s+', '_', name.strip()) for name in data['metainfo']['classes']]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise UserError(
                f'two classes are called {name} once their spaces are underscores; '
                'rename one in the annotation file.'
            )
    if unlabelled and unlabelled not in names:
        names.append(unlabelled)
    return names


def frame_names(
    video: dict[str, Any], names: list[str], unlabelled: str | None
) -> list[str]:
    """Return the name of each frame's class."""
    without = np.flatnonzero(video['label'] == -1)
    if without.size and not unlabelled:
        raise UserError(
            f'video {video["frame_dir"]}: frame {without[0]} has no label, the first '
            f'of {without.size}, and the layout knows no such frames; give them a '
            'class by --unlabelled NAME.'
        )
    return [names[k] if k >= 0 else str(unlabelled) for k in video['label']]


def frame_features(
    dataset: dict[str, Any], data: dict[str, Any], modality: str | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the id and the features (D, T) of each video in a split of a config."""
    from mmskelseg.registry import DATASETS

    done: set[str] = set()
    for split, members in data['split'].items():
        if done >= set(members):
            continue
        made = DATASETS.build({**dataset, 'split': split, 'indices': None})
        for i in range(len(made)):
            video = made.get_data_info(i)['frame_dir']
            if video in done:
                continue
            done.add(video)
            inputs = made[i]['inputs']
            if modality not in inputs and (modality or len(inputs) != 1):
                raise UserError(
                    f'the config has the modalities {", ".join(inputs)}, not '
                    f'{modality}; choose one by --modality.'
                )
            yield video, inputs[modality or next(iter(inputs))].numpy()


def write_text(path: Path, lines: list[str]) -> None:
    """Write lines, the last of them ended, too: some readers drop what follows it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines), 'utf-8', newline='\n')


def export(
    data: dict[str, Any],
    out: Path,
    unlabelled: str | None,
    dataset: dict[str, Any] | None,
    modality: str | None,
) -> list[str]:
    """Write the layout into a folder; return lines about it."""
    names = class_names(data, unlabelled)
    for video in data['annotations']:
        lines = frame_names(video, names, unlabelled)
        write_text(out / 'groundTruth' / f'{file_name(video["frame_dir"])}.txt', lines)
    write_text(out / 'mapping.txt', [f'{i} {name}' for i, name in enumerate(names)])
    told = [f'{len(data["annotations"])} videos, {len(names)} classes']
    for number, pair in enumerate(fold_splits(data), 1):
        for part, split in zip(('train', 'test'), pair, strict=True):
            bundle = out / f'splits/{part}.split{number}.bundle'
            members = data['split'][split]
            write_text(bundle, [f'{file_name(video)}.txt' for video in members])
        told.append(f'split {number}: {" and ".join(pair)}')
    if dataset is not None:
        (out / 'features').mkdir()
        count = 0
        for name, features in frame_features(dataset, data, modality):
            np.save(out / 'features' / f'{file_name(name)}.npy', features)
            count += 1
        told.append(f'features of {count} videos, {len(features)} a frame')
    return told


def read_source(source: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return annotations, and the test data set's config if the source is a config."""
    if source.suffix != '.py':
        return load_annotations(source), None
    if not source.is_file():
        raise MissingFileError(f'{source}: there is no such config file.')
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    cfg = Config.fromfile(source)
    init_default_scope(cfg.default_scope)
    # Of the test, since training may change what it reads at random.
    dataset = cfg.test_dataloader.dataset
    data = load_annotations(Path(dataset.get('data_root', ''), dataset.ann_file))
    return data, dict(dataset)


def _run_export(args: argparse.Namespace) -> None:
    if args.out.exists():
        raise UserError(
            f'{args.out}: exists already; name a new folder, or delete this one.'
        )
    data, dataset = read_source(args.source)
    with folder_whole(args.out) as folder:
        told = export(data, folder, args.unlabelled, dataset, args.modality)
    print('\n'.join([*told, f'written to {args.out}']))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar='import|export')
    reader = commands.add_parser(
        'import', help='make a data set of features and labels'
    )
    building.add_help(reader, IMPORT, IMPORT_EXAMPLES)
    reader.set_defaults(run=_run_import)
    building.add_paths(
        reader, 'folder with features, groundTruth, mapping.txt and splits'
    )
    reader.add_argument(
        '--fps',
        type=building.positive,
        required=True,
        help='frames per second of the features, which the layout does not state (GTEA '
        'and Breakfast 15, 50Salads 30)',
    )
    reader.add_argument(
        '--sample',
        type=building.at_least(1),
        default=1,
        metavar='N',
        help='keep every Nth frame alone (default: %(default)s, all)',
    )
    reader.add_argument(
        '--split',
        type=int,
        default=1,
        metavar='N',
        help='the split that becomes train and test (default: %(default)s); where '
        'there are several, each is a fold as well',
    )
    reader.add_argument(
        '--background', metavar='NAME', help='class that Edit and F1 leave out'
    )
    reader.add_argument(
        '--modality',
        default='rgb',
        help="key of the features in the model's branches (default: %(default)s)",
    )
    reader.add_argument(
        '--cut',
        type=building.at_least(0),
        default=0,
        metavar='N',
        help='where features and labels differ by up to N frames, cut the longer '
        '(default: %(default)s)',
    )
    reader.add_argument(
        '--frames-first', action='store_true', help='features are (T, D), not (D, T)'
    )
    writer = commands.add_parser(
        'export', help='write labels, splits and features for the code of others'
    )
    building.add_help(writer, EXPORT, EXPORT_EXAMPLES)
    writer.set_defaults(run=_run_export)
    writer.add_argument(
        'source',
        metavar='SRC',
        type=Path,
        help='an annotation file, or a config to have features as well',
    )
    writer.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    writer.add_argument(
        '--unlabelled',
        metavar='NAME',
        help='class of the frames without a label (default: such frames are refused)',
    )
    writer.add_argument(
        '--modality', help='features to write, where a config has several'
    )


main = building.converter(
    __doc__, EXAMPLES, _add_arguments, lambda args: args.run(args)
)
