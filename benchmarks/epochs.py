"""Epochs of a config, compared with a plain loop or with unaugmented training.

Times epochs of a config with one modality and MS-TCN++ in the Runner, as in
tools/train.py without validation, compared with a plain network and loop: nn.Conv1d,
PyTorch's dropout, and features that are loaded with numpy.load for each video in each
epoch. The data set and its features must exist. Wall-clock time is measured, so nothing
else should run on the machine.

    python tools/analysis/benchmark.py epochs configs/skelseg/uwiom_joint_limb.py

A config with online features is timed with all augmentations of its training pipeline
and without any.

    python tools/analysis/benchmark.py epochs configs/recipes/uwiom_pose2d.py
"""

import argparse
import copy
import tempfile
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from benchmarks.measuring import machine, now, read_config
from benchmarks.train import loss_of
from mmskelseg.registry import DATASETS, MODELS


def run(args: argparse.Namespace) -> None:
    """Print both times, and their ratio."""
    (path,) = args.configs
    cfg = read_config(path, args)
    features = cfg.train_dataloader.dataset.features
    online = any(feature.get('online') for feature in features.values())
    with tempfile.TemporaryDirectory(prefix='benchmark-') as folder:
        times = {'Runner': run_config(cfg, args, folder)}
        if online:
            times['without augmentation'] = run_config(bare(cfg), args, folder)
        else:
            times = {'plain network and loop': run_plainly(cfg, args), **times}
    infos = videos_of(cfg)
    frames = sum(info['total_frames'] for info in infos)
    print(
        f'{path}: {args.epochs} epochs of {len(infos)} videos, {frames} frames, '
        f'{machine(args)}'
    )
    for name, seconds in times.items():
        print(f'  {name:<24}{seconds / args.epochs:7.2f} s an epoch')
    first, second = times.values()
    print(f'  ratio                   {first / second:7.2f}')


def bare(cfg: Config) -> Config:
    """Return a config without augmentations."""
    cfg = copy.deepcopy(cfg)
    dataset = cfg.train_dataloader.dataset
    kept = ('LoadFrameFeatures', 'PackSegInputs')
    dataset.pipeline = [step for step in dataset.pipeline if step.type in kept]
    # MMEngine keeps loggers and others by this name for the whole process.
    cfg.experiment_name = 'bare'
    return cfg


def videos_of(cfg: Config) -> list[dict[str, Any]]:
    """Return the information of the data set on each training video."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def run_config(cfg: Config, args: argparse.Namespace, folder: str) -> float:
    """Return the duration of the Runner's epochs in seconds, without the first."""
    ends = []

    class Clock(Hook):
        # It runs before checkpoints are saved.
        priority = 'VERY_HIGH'

        def after_train_epoch(self, runner: Runner) -> None:
            ends.append(now())

    cfg = cfg.copy()
    cfg.work_dir = folder
    cfg.train_cfg.max_epochs = args.epochs + 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.randomness = {'seed': 0}
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Clock())
    runner.train()
    return ends[-1] - ends[0]


def run_plainly(cfg: Config, args: argparse.Namespace) -> float:
    """Return the duration of as many epochs of a plain loop in seconds."""
    infos = videos_of(cfg)
    network = MODELS.build(cfg.model).to(args.device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    rng = np.random.default_rng(0)
    for epoch in range(args.epochs + 1):
        if epoch == 1:
            begin = now()
        for i in rng.permutation(len(infos)):
            (files,) = infos[i]['feature_files'].values()
            x = torch.from_numpy(np.ascontiguousarray(np.load(files[0]).T))
            labels = torch.from_numpy(infos[i]['label'])
            optimizer.zero_grad()
            loss = loss_of(network, x.to(args.device), labels, loops=False)
            loss.backward()
            optimizer.step()
            loss.item()
    return now() - begin
