"""Convert from and to the common layout of action segmentation repositories.

    features/VIDEO.npy           (D, T) features, a column for each frame
    groundTruth/VIDEO.txt        the class name of each frame, one per line
    mapping.txt                  the classes, one per line: ID NAME
    splits/train.split1.bundle   the videos of a split, one per line: VIDEO.txt
    splits/test.split1.bundle    (and 2, 3, ...)

`import` makes a data set from it, to train on 50Salads, GTEA, Breakfast and others.
`export` writes it, to run the code of other repositories on data of this project. See
`import --help` and `export --help`, and docs/datasets/common_layout.md.

    %(prog)s import RAW/gtea data/gtea --fps 15
    %(prog)s export data/toy/annotations.pkl OUT
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mmskelseg.config_files import annotation_path
from mmskelseg.converters.shared_layout import (
    NO_SKELETON,
    Exporter,
    ImportOptions,
    command_of,
    find_labels,
    folder_new,
    read_label,
    read_mapping,
    read_splits,
    read_videos,
    saved_features,
    write_layout,
)
from mmskelseg_io.converters import building
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.names import file_name
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError, reading
from mmskelseg_io.messages.options import argument, grouped, option
from mmskelseg_io.structures.annotations import AnnotationFile, Metainfo

IMPORT_EXAMPLES = """examples:
  # GTEA: 15 frames per second, background excluded from Edit and F1
  %(prog)s RAW/gtea data/gtea \\
      --fps 15 --background background
  # 50Salads: features at 30 frames per second, keeping every second frame
  %(prog)s RAW/50salads data/50salads \\
      --fps 30 --sample 2
"""
EXPORT_EXAMPLES = """examples:
  # labels and splits; frames without a label become a class of their own
  %(prog)s data/toy/annotations.pkl \\
      layout/toy --unlabelled none
  # with the features of a config
  %(prog)s \\
      configs/skelseg/uwiom_joint_limb.py layout/uwiom
"""


def read_features(path: Path, frames_first: bool) -> np.ndarray:
    """Return the features of each frame, shape (T, D)."""
    features = building.read_numbers(path, '(D, T)', (None, None))
    features = features if frames_first else features.T
    building.check_finite(path, features)
    return features


@dataclass(frozen=True, kw_only=True)
class ImportCommonLayout(building.Converter):
    """Make a data set from features and labels in action segmentation's common layout.

    SRC contains features/, groundTruth/, mapping.txt (or mapping/mapping.txt) and
    splits/. OUT gets annotations.pkl, with a skeleton of a single joint that is never
    seen, and the features as features/MODALITY/VIDEO.npy. To read them, write in a
    config:

        pipeline = [dict(type='LoadFrameFeatures',
                         folders=dict(rgb='OUT/features/rgb')),
                    dict(type='PackSegInputs')]
    """

    examples = IMPORT_EXAMPLES
    source: Path = argument(
        'folder with features, groundTruth, mapping.txt and splits', metavar='SRC'
    )
    fps: float = option(
        'frames per second of the features, which the layout does not store (15 for '
        'GTEA and Breakfast, 30 for 50Salads)'
    )
    given: ImportOptions = grouped(default=ImportOptions())
    modality: str = option(
        "key of the features in the model's branches (default: %(default)s)", 'rgb'
    )
    frames_first: bool = option('features are (T, D), not (D, T)', False)

    def run(self, events: Events) -> Path:
        """Write the annotation file and the features of a folder."""
        source, given = self.source, self.given
        classes = read_mapping(source)
        labels = find_labels(source / 'groundTruth')
        splits, files = read_splits(source / 'splits', given.split)
        meta: Metainfo = {
            'classes': list(classes.values()),
            'skeleton': NO_SKELETON,
            'dataset': source.resolve().name,
            'background': given.background,
        }
        videos = read_videos(
            source,
            labels,
            partial(read_features, frames_first=self.frames_first),
            partial(read_label, classes=classes),
            given,
            hint='; if the array is (T, D), give --frames-first',
        )
        target, fps = self.out / 'features' / self.modality, self.fps / given.sample
        with saved_features(target, videos, fps, events) as annotations:
            data: AnnotationFile = {
                'annotations': annotations,
                'split': splits,
                'metainfo': meta,
            }
            return building.write(self.out, data, events, source=source, files=files)


def frame_features(
    dataset: Mapping[str, object], data: AnnotationFile, modality: str | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the id and the features (D, T) of each video in a split.

    ``modality`` is their key, needed if there are several.

    Raises:
        UserError: If the config lacks the modality, or has several and none is named.
    """
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
                    f'{modality}; choose one with --modality.'
                )
            yield video, inputs[modality or next(iter(inputs))].numpy()


def read_source(source: Path) -> tuple[AnnotationFile, Mapping[str, object] | None]:
    """Return annotations, and the test data set's config if the source is a config."""
    if source.suffix != '.py':
        return load_annotations(source), None
    regular_file(source)
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    # A config is a program, which may fail in any way.
    with reading(source, Exception):
        cfg = Config.fromfile(source)
        init_default_scope(cfg.default_scope)
        # The test data set, since training may apply random augmentations.
        dataset = cfg.test_dataloader.dataset
    return load_annotations(annotation_path(dataset)), dict(dataset)


@dataclass(frozen=True, kw_only=True)
class ExportCommonLayout(Exporter):
    """Write a data set in action segmentation's common layout.

    From an annotation file, this writes groundTruth/, mapping.txt and splits/: train
    and test become split 1, folds become splits 2, 3, ... in the order of the file.
    From a config, it writes the same for its annotation file, plus features/: the
    model's input for each video, (D, T) in float32, computed first if it is missing.
    """

    examples = EXPORT_EXAMPLES
    source: Path = argument(
        'an annotation file, or a config to write features as well', metavar='SRC'
    )
    modality: str | None = option('features to write, if a config has several', None)

    def run(self, events: Events) -> Path:
        """Write annotations in the layout, and return the folder."""
        with folder_new(self.out) as folder:
            data, dataset = read_source(self.source)
            notes = write_layout(data, folder, self.unlabelled)
            if dataset is not None:
                (folder / 'features').mkdir()
                count = 0
                for name, features in frame_features(dataset, data, self.modality):
                    np.save(folder / 'features' / f'{file_name(name)}.npy', features)
                    count += 1
                notes.append(f'features of {count} videos, {len(features)} per frame')
        events.note('\n'.join([*notes, f'written to {self.out}']))
        return self.out


main = command_of({'import': ImportCommonLayout, 'export': ExportCommonLayout}, __doc__)
