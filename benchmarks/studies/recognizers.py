"""Compares MMAction2's recognisers in sliding windows with segmentors."""

import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import mmaction
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmskelseg.apis import ClipOptions, SkelSegInferencer
from mmskelseg.commands.make_config import main as make_config
from mmskelseg.engine.jobs import Train
from mmskelseg.evaluation import SegmentationMetric
from mmskelseg.evaluation.metrics import report_of
from mmskelseg.models.backbones.mmaction_gcn import graph_layout
from mmskelseg_io.converters.clips import cut_clips
from mmskelseg_io.files.annotations import (
    load_annotations,
    save_annotations,
    videos_of_split,
)
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.work_folders import find_latest_checkpoint
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import Count, argument, option
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo

SCORES = {
    'F1@10': 'f1@10',
    'F1@50': 'f1@50',
    'Edit': 'edit',
    'mAP': 'mAP',
    'Acc': 'acc',
}
# By data set: the recipe of the segmentor, and the steps of a recogniser's training.
SETS = {
    'precog': ('pose2d', 800),
    'uwiom': ('pose2d', 1800),
    'utkinect': ('pose3d', 400),
}
SECONDS = (1.0, 2.0, 4.0)
BATCH = 16
# Configs of MMAction2, relative to those of skeletons.
RECOGNIZERS = {
    'stgcnpp': 'stgcnpp/stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d.py',
    'posec3d': 'posec3d/slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py',
}
METHODS = {
    'stgcnpp': 'ST-GCN++ of MMAction2',
    'posec3d': 'PoseC3D of MMAction2, small',
    'joined': 'Default of `make-config`, clips',
    'whole': 'Default of `make-config`, whole recordings',
}


def recognizer_config(name: str, meta: Metainfo, clips: Path, steps: int) -> Config:
    """Return a config of MMAction2 for clips of a data set, small enough for a CPU."""
    folder = Path(mmaction.__file__).parent / '.mim' / 'configs' / 'skeleton'
    cfg = Config.fromfile(folder / RECOGNIZERS[name])
    skeleton = Skeleton.get(meta['skeleton'])
    backbone, head = cfg.model.backbone, cfg.model.cls_head
    head.num_classes = len(meta['classes'])
    if name == 'stgcnpp':
        backbone.graph_cfg.layout = graph_layout(skeleton)
        backbone.base_channels, head.in_channels, frames = 32, 128, 32
    else:
        backbone.update(in_channels=skeleton.num_joints)
        backbone.update(base_channels=16, stage_blocks=(2, 2, 2))
        head.in_channels, frames = 256, 16
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        for step in pipeline:
            adapt(step, frames)
    dataset = {
        'type': 'PoseDataset',
        'ann_file': str(clips),
        'split': 'train',
        'metainfo': {'classes': meta['classes'], 'skeleton': meta['skeleton']},
    }
    cfg.merge_from_dict(
        {
            'train_dataloader.batch_size': BATCH,
            'train_dataloader.drop_last': True,
            'train_dataloader.num_workers': 0,
            'train_dataloader.persistent_workers': False,
            'train_dataloader.sampler.type': 'InfiniteSampler',
            'default_hooks.checkpoint.by_epoch': False,
            'default_hooks.checkpoint.interval': steps,
            'log_processor.by_epoch': False,
            'randomness.seed': 0,
        }
    )
    cfg.train_dataloader.dataset = {**dataset, 'pipeline': cfg.train_pipeline}
    cfg.test_dataloader.dataset = {**dataset, 'pipeline': cfg.test_pipeline}
    for key in ('dataloader', 'evaluator', 'cfg'):
        cfg[f'val_{key}'] = None
    cfg.train_cfg = {'type': 'IterBasedTrainLoop', 'max_iters': steps}
    cosine = {'type': 'CosineAnnealingLR', 'eta_min': 0, 'T_max': steps}
    cfg.param_scheduler = [{**cosine, 'by_epoch': False}]
    # Theirs is for 128 clips.
    cfg.optim_wrapper.optimizer.lr *= (BATCH / 128) ** 0.5
    return cfg


def adapt(step: dict[str, Any], frames: int) -> None:
    """Let a step of a pipeline read clips of one person, in smaller images."""
    if step['type'] == 'UniformSampleFrames':
        step['clip_len'] = frames
        # Windows overlap already.
        step.update({'num_clips': 1} if 'num_clips' in step else {})
    elif step['type'] == 'FormatGCNInput':
        step['num_person'] = 1
    elif step['type'] == 'Resize':
        step['scale'] = (-1, 36) if step['scale'][0] == -1 else (32, 32)
    elif step['type'] == 'CenterCrop':
        step['crop_size'] = 36
    elif step['type'] == 'Flip':
        # Some classes are those of a side.
        step['flip_ratio'] = 0
    elif step['type'] == 'GeneratePoseTarget':
        for key in ('double', 'left_kp', 'right_kp'):
            step.pop(key, None)


@dataclass(frozen=True)
class Fold:
    """The folder of a fold, with its files of clips and of whole recordings."""

    folder: Path
    meta: Metainfo
    recipe: str
    steps: int

    def trained(self, method: str, events: Events) -> tuple[Path, str]:
        """Return config and checkpoint of a method; train it if it has not ended."""
        work_dir = self.folder / method
        config, done = work_dir / 'config.py', work_dir / 'done'
        if not done.is_file():
            work_dir.mkdir(exist_ok=True)
            if method in RECOGNIZERS:
                clips = self.folder / 'clips.pkl'
                cfg = recognizer_config(method, self.meta, clips, self.steps)
                cfg.work_dir = str(work_dir)
                cfg.dump(config)
                Runner.from_cfg(Config.fromfile(config)).train()
            else:
                words = [str(self.folder / f'{method}.pkl'), str(config), '--overwrite']
                with redirect_stdout(StringIO()):
                    make_config([*words, '--recipe', self.recipe])
                Train(
                    config=str(config),
                    work_dir=str(work_dir),
                    resume='auto',
                    no_validate=True,
                    seed=0,
                ).run(events)
            done.touch()
        checkpoint = find_latest_checkpoint(work_dir)
        assert checkpoint is not None, work_dir
        return config, checkpoint

    def rows(self, method: str, events: Events) -> Iterator[list[str]]:
        """Yield the scores of a method, for each length of windows."""
        config, checkpoint = self.trained(method, events)
        whole = str(self.folder / 'whole.pkl')
        for seconds in SECONDS if method in RECOGNIZERS else (None,):
            inferencer = SkelSegInferencer(
                config,
                checkpoint,
                'cpu',
                show_progress=False,
                clips=ClipOptions(seconds),
            )
            begin, samples, minutes = time.process_time(), [], 0.0
            for found in inferencer(whole, split='test')['predictions']:
                samples.append({**found, 'gt_label': found['label']})
                minutes += found['total_frames'] / found['fps'] / 60
            took = (time.process_time() - begin) / minutes
            classes = len(self.meta['classes'])
            metric = SegmentationMetric(classes, self.meta['background'])
            metrics = report_of(metric, samples)['metrics']
            name = METHODS[method] + (f', windows of {seconds:g} s' if seconds else '')
            yield [name, *(f'{metrics[s]:.1f}' for s in SCORES.values()), f'{took:.2g}']


def prepare(file: Path, folder: Path, name: str, number: int) -> Fold:
    """Write the clips and recordings of the N-th fold of a file."""
    data = load_annotations(file)
    fold = f'fold{number}'
    split = {one: data['split'][f'{fold}/{one}'] for one in ('train', 'test')}
    folder = folder / name / fold
    folder.mkdir(parents=True, exist_ok=True)
    save_annotations({**data, 'split': split}, folder / 'whole.pkl')
    clips, _ = cut_clips(
        {**data, 'split': {'train': split['train']}}, background=True, min_frames=1
    )
    in_train = {*clips['split']['train']}
    kept = [c for c in clips['annotations'] if c['frame_dir'] in in_train]
    contents: Mapping[str, dict[str, Any]] = {
        'clips': {**clips, 'annotations': kept},
        'joined': {
            'metainfo': data['metainfo'],
            'annotations': [*kept, *videos_of_split(data, f'{fold}/test', file)],
            'split': {**clips['split'], 'test': split['test']},
        },
    }
    for kind, content in contents.items():
        with atomic_write(folder / f'{kind}.pkl') as out:
            pickle.dump(content, out)
    return Fold(folder, data['metainfo'], *SETS[name])


@dataclass(frozen=True, kw_only=True)
class Recognizers(Job[None]):
    """Compares MMAction2's recognisers in sliding windows with segmentors.

        %(prog)s DATA WORK_DIR

    DATA has a folder for each data set, with its annotations.pkl, as for
    `benchmarks.candidates`. The training recordings of a fold are cut into clips, one
    for each segment, background too. Recognisers and a segmentor are trained on these,
    and a segmentor on whole recordings; all label the whole test recordings. The time
    is that of one core for a minute of a recording, poses given. Trained models in
    WORK_DIR are used again; the last step of each counts.
    """

    data: Path = argument('folder with a folder for each data set', metavar='DATA')
    work_dir: Path = argument('folder of all runs', metavar='WORK_DIR')
    sets: Sequence[str] = option('data sets (default: all)', (*SETS,), choices=SETS)
    methods: Sequence[str] = option('default: all', (*METHODS,), choices=METHODS)
    fold: Count = option('number of the fold (default: %(default)s)', 1)

    def run(self, events: Events) -> None:
        """Train what is not trained, and print a table of each data set."""
        torch.set_num_threads(1)
        for name in self.sets:
            file = self.data / name / 'annotations.pkl'
            fold = prepare(file, self.work_dir.absolute(), name, self.fold)
            rows = [row for method in self.methods for row in fold.rows(method, events)]
            head = ['Method', *SCORES, 'Seconds a minute']
            events.note('\n'.join([f'\n{name}:\n', *markdown_table([head, *rows])]))


if __name__ == '__main__':
    Recognizers.main()
