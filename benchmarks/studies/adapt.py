"""Trains on few recordings, from the weights of a model of other data and without.

    python benchmarks/studies/adapt.py people DATA WORK_DIR --recordings 1 2 5
    python benchmarks/studies/adapt.py mice DATA WORK_DIR --recordings 1

DATA is the folder of `python -m benchmarks.candidates`. People: from PRECOG-16, at the
frame rate of the others, to UTKinect, with three folds. Mice: from three to one of two
others, tested on the other. Runs are in WORK_DIR/<what>/<recordings>_<fold>/<start>,
and finished ones are not repeated.
"""

import argparse
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine.config import Config

from mmskelseg.checkpoints.reading import load_state_dict
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.registry import MODELS
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.files.work_folders import find_latest_checkpoint
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import AnnotationFile

SCORES = ('f1@10', 'f1@50', 'edit', 'mAP', 'acc')


def _people(data: Path, counts: list[int]) -> tuple[AnnotationFile, AnnotationFile]:
    source = load_annotations(data / 'precog' / 'annotations.pkl')
    target = load_annotations(data / 'utkinect' / 'annotations.pkl')
    for video in source['annotations']:
        for key in ('keypoint', 'keypoint_3d', 'keypoint_score'):
            video[key] = video[key][:, ::2]
        video['label'] = video['label'][::2]
        video['total_frames'] = len(video['label'])
        video['fps'] /= 2
    names = [video['frame_dir'] for video in source['annotations']]
    source['split'] = {'train': names[2:], 'test': names[:2]}
    splits = {}
    for fold in (1, 2, 3):
        train = sorted(target['split'][f'fold{fold}/train'])
        random.Random(fold).shuffle(train)
        for n in counts:
            splits[f'{n}_fold{fold}/train'] = train[:n]
            splits[f'{n}_fold{fold}/test'] = target['split'][f'fold{fold}/test']
    target['split'] = splits
    return source, target


def _mice(data: Path, counts: list[int]) -> tuple[AnnotationFile, AnnotationFile]:
    source, target = (
        load_annotations(data / 'subtle' / 'annotations.pkl') for _ in range(2)
    )
    *names, first, second = [video['frame_dir'] for video in source['annotations']]
    source['split'] = {'train': names, 'test': [first, second]}
    target['split'] = {
        '1_fold1/train': [first],
        '1_fold1/test': [second],
        '1_fold2/train': [second],
        '1_fold2/test': [first],
    }
    return source, target


def carried(
    state: Mapping[str, torch.Tensor], cfg: Config, source: AnnotationFile
) -> dict[str, torch.Tensor]:
    """Return the weights of a new model, with those of another one that fit.

    Columns of the first layer are those of joints of the same name, in any order of
    words; classifiers are only taken over if the classes are the same.
    """
    target = load_annotations(cfg.train_dataloader.dataset.ann_file)
    joints = [
        [
            frozenset(name.split('_'))
            for name in Skeleton.get(data['metainfo']['skeleton']).joints
        ]
        for data in (source, target)
    ]
    pairs = [(joints[0].index(n), i) for i, n in enumerate(joints[1]) if n in joints[0]]
    same = source['metainfo']['classes'] == target['metainfo']['classes']
    torch.manual_seed(1)
    own = MODELS.build(cfg.model).state_dict()
    for name, tensor in own.items():
        given = state.get(name)
        if given is None or 'standardizer' in name or 'postprocess' in name:
            continue
        if name.endswith('stages.0.conv_in.weight'):
            old = given.unflatten(1, (-1, len(joints[0])))
            new = tensor.unflatten(1, (-1, len(joints[1])))
            for before, now in pairs:
                new[:, :, now] = old[:, :, before]
        elif given.shape == tensor.shape and (same or 'head' not in name):
            tensor.copy_(given)
    return own


def _run(*words: object) -> None:
    command = [sys.executable, '-m', 'mmskelseg', *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _trained(config: Path, folder: Path, seed: int, *options: str) -> str:
    done = folder / 'trained'
    if not done.is_file():
        _run('train', config, '--work-dir', folder, '--seed', seed, *options)
        done.touch()
    return str(find_latest_checkpoint(folder))


def main() -> None:
    """Train all that is asked for, and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('what', choices=('people', 'mice'))
    parser.add_argument('data', type=Path)
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('--recordings', type=int, nargs='+', default=[1])
    parser.add_argument('--folds', type=int, nargs='+')
    parser.add_argument('--seed', type=int, default=0)
    job = parser.parse_args()
    folder = job.work_dir.absolute() / job.what
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {'people': _people, 'mice': _mice}
    source, target = kinds[job.what](job.data, job.recordings)
    save_annotations(source, folder / 'source.pkl')
    save_annotations(target, folder / 'target.pkl')
    options = ['--overwrite', '--recipe', 'pose3d']
    config = folder / 'source.py'
    _run('make-config', folder / 'source.pkl', config, *options)
    given = load_state_dict(_trained(config, folder / 'source', job.seed))
    for split in target['split']:
        name = split.removesuffix('/train')
        if name == split or (job.folds and int(name[-1]) not in job.folds):
            continue
        config = folder / f'{name}.py'
        _run('make-config', folder / 'target.pkl', config, '--fold', name, *options)
        for start in ('scratch', 'model'):
            run = folder / name / start / f'seed_{job.seed}'
            more = []
            if start == 'model':
                weights = carried(given, Config.fromfile(config), source)
                torch.save({'state_dict': weights}, folder / f'{name}.pth')
                more = ['--cfg-options', f'load_from={folder / f"{name}.pth"}']
            last = _trained(config, run, job.seed, *more)
            _run('test', config, last, '--work-dir', run)
            metrics = RunFolder(run).report()['metrics']
            print(name, start, *(f'{metrics[score]:.1f}' for score in SCORES))


if __name__ == '__main__':
    main()
