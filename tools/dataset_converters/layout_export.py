"""Write a data set in the layout that action segmentation's repositories share.

From an annotation file come groundTruth/, mapping.txt and splits/: train and test are
split 1, and folds, if there are any, 2, 3, ... in the order of the file. From a config
come, with those of its annotation file, features/: for each video what the model of the
config would get, (D, T) in float32, made first where it is missing.
"""

import argparse
import os.path as osp
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from converting import ReleaseError, folder_whole
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg.datasets.annotations import folds, load_annotations
from mmskelseg.fileio.names import file_name
from mmskelseg.registry import DATASETS

EXAMPLES = """examples:
  # labels and splits; frames without a label become a class of their own
  python tools/dataset_converters/common_layout.py export data/toy/annotations.pkl \\
      layout/toy --unlabelled none
  # with the features of a config
  python tools/dataset_converters/common_layout.py export \\
      configs/skelseg/uwiom_joint_limb.py layout/uwiom
"""


def class_names(data: dict, unlabelled: str | None) -> list[str]:
    """Return names without spaces, which readers of the layout take for its end."""
    names = [re.sub(r'\s+', '_', name.strip()) for name in data['metainfo']['classes']]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ReleaseError(
                f'two classes are called {name} once their spaces are underscores; '
                'rename one in the annotation file.'
            )
    if unlabelled and unlabelled not in names:
        names.append(unlabelled)
    return names


def frame_names(video: dict, names: list[str], unlabelled: str | None) -> list[str]:
    """Return the name of each frame's class."""
    without = np.flatnonzero(video['label'] == -1)
    if without.size and not unlabelled:
        raise ReleaseError(
            f'video {video["frame_dir"]}: frame {without[0]} has no label, the first '
            f'of {without.size}, and the layout knows no such frames; give them a '
            'class by --unlabelled NAME.'
        )
    return [names[k] if k >= 0 else str(unlabelled) for k in video['label']]


def split_pairs(data: dict) -> list[tuple[str, str]]:
    """Return the names of the train and test halves of each split."""
    pairs = [(f'{fold}/train', f'{fold}/test') for fold in folds(data)]
    return [pair for pair in [('train', 'test'), *pairs] if pair[1] in data['split']]


def frame_features(
    dataset: dict[str, Any], data: dict, modality: str | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the id and the features (D, T) of each video in a split of a config."""
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
                raise ReleaseError(
                    f'the config has the modalities {", ".join(inputs)}, not '
                    f'{modality}; choose one by --modality.'
                )
            yield video, inputs[modality or next(iter(inputs))].numpy()


def write_text(path: Path, lines: list[str]) -> None:
    """Write lines, the last of them ended, too: some readers drop what follows it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines), 'utf-8', newline='\n')


def export(
    data: dict, out: Path, unlabelled: str | None, dataset: dict | None, modality: Any
) -> list[str]:
    """Write the layout into a folder; return lines about it."""
    names = class_names(data, unlabelled)
    for video in data['annotations']:
        lines = frame_names(video, names, unlabelled)
        write_text(out / 'groundTruth' / f'{file_name(video["frame_dir"])}.txt', lines)
    write_text(out / 'mapping.txt', [f'{i} {name}' for i, name in enumerate(names)])
    told = [f'{len(data["annotations"])} videos, {len(names)} classes']
    for number, pair in enumerate(split_pairs(data), 1):
        for part, split in zip(('train', 'test'), pair, strict=True):
            members = [f'{file_name(video)}.txt' for video in data['split'][split]]
            write_text(out / f'splits/{part}.split{number}.bundle', members)
        told.append(f'split {number}: {" and ".join(pair)}')
    if dataset is not None:
        (out / 'features').mkdir()
        count = 0
        for video, features in frame_features(dataset, data, modality):
            np.save(out / 'features' / f'{file_name(video)}.npy', features)
            count += 1
        told.append(f'features of {count} videos, {len(features)} a frame')
    return told


def read_source(source: Path) -> tuple[dict, dict | None]:
    """Return annotations, and the test data set's config if the source is a config."""
    if source.suffix != '.py':
        return load_annotations(source), None
    if not source.is_file():
        raise ReleaseError(f'{source}: there is no such config file.')
    cfg = Config.fromfile(source)
    init_default_scope(cfg.default_scope)
    # Of the test, since training may change what it reads at random.
    dataset = cfg.test_dataloader.dataset
    data = load_annotations(osp.join(dataset.get('data_root', ''), dataset.ann_file))
    return data, dict(dataset)


def run(args: argparse.Namespace) -> None:
    if args.out.exists():
        raise ReleaseError(
            f'{args.out}: exists already; name a new folder, or delete this one.'
        )
    data, dataset = read_source(args.source)
    with folder_whole(args.out) as folder:
        told = export(data, folder, args.unlabelled, dataset, args.modality)
    print('\n'.join([*told, f'written to {args.out}']))


def add_export(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        'export',
        help='write labels, splits and features for the code of others',
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        'source',
        metavar='SRC',
        type=Path,
        help='an annotation file, or a config to have features as well',
    )
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument(
        '--unlabelled',
        metavar='NAME',
        help='class of the frames without a label (default: such frames are refused)',
    )
    parser.add_argument(
        '--modality', help='features to write, where a config has several'
    )
