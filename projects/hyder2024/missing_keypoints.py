"""Scores a trained segmentor on skeletons that lack an arm or a leg (Table III)."""

import argparse
import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from printed_tables import TABLES

from mmskelseg.config_files import annotation_path
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.engine.dist import init_distributed
from mmskelseg.engine.jobs import LaunchedJob
from mmskelseg.engine.loading import config_of
from mmskelseg.evaluation import SegmentationMetric
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import config_name
from mmskelseg_io.jobs.command_line import seed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.messages.tables import markdown_table

SCORES = {'F1@10': 'f1@10', 'Edit': 'edit', 'mAP': 'mAP', 'Acc': 'acc'}
# Table III of the paper: F1@10 on UW-IOM, and its ±, by method and percent.
PAPER: dict[str, dict[str, tuple[float, float]]] = {}
for printed, _ in TABLES['III'].rows:
    pairs = re.findall(r'([\d.]+) ± ([\d.]+)', printed)
    figures = ((float(mean), float(spread)) for mean, spread in pairs)
    percents = ('0', '25', '50', '100')
    PAPER[printed.split()[0]] = dict(zip(percents, figures, strict=True))


def percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f'{text} is not from 0 to 100 percent')
    return value


def with_drops(cfg: Config, checkpoint: str, p: float, seed: int | None) -> Config:
    """Return the config of a test on skeletons that lack limbs."""
    cfg = copy.deepcopy(cfg)
    name = f'p{p:g}' + ('' if seed is None else f'_seed{seed}')
    cfg.load_from = checkpoint
    cfg.resume = False
    cfg.work_dir = str(Path(cfg.work_dir, 'missing_keypoints', name))
    # MMEngine keeps loggers and others by this name for the whole process.
    cfg.experiment_name = name
    cfg.visualizer = None
    cfg.default_hooks.pop('visualization', None)
    cfg.log_level = 'WARNING'
    if p > 0:
        drop = dict(type='DropLimb', p=p / 100, seed=seed)
        dataset = cfg.test_dataloader.dataset
        path = annotation_path(dataset)
        skeleton = load_annotations(path)['metainfo']['skeleton']
        for modality, config in dataset.features.items():
            recipe = recipe_from_config(modality, config, skeleton)
            if recipe.reads == 'poses':
                config.transforms = [*config.get('transforms', ()), drop]
    return cfg


def test(cfg: Config) -> dict | None:
    """Return the scores of a test; None in all processes but the main one."""
    runner = Runner.from_cfg(cfg)
    runner.test()
    for metric in runner.test_loop.evaluator.metrics:
        if isinstance(metric, SegmentationMetric):
            dataset = runner.test_dataloader.dataset.metainfo['dataset']
            report = metric.report
            return None if report is None else {**report, 'dataset': dataset}
    raise UserError(
        f'{cfg.filename}: test_evaluator has no SegmentationMetric, which the table '
        'needs; add it.'
    )


def summary(runs: list[dict]) -> dict[str, dict[str, float | None]]:
    """Return the mean and standard deviations of each score over the runs of one p.

    `std_seeds` is the deviation over runs, None for a single run. `std_videos` is the
    deviation over the videos of a run, averaged over runs; it is None for mAP, which is
    one number for all videos.
    """
    table = {}
    for key in SCORES.values():
        values = [run['metrics'][key] for run in runs]
        spreads = [run['metrics'].get(f'{key}_std') for run in runs]
        table[key] = {
            'mean': float(np.mean(values)),
            'std_seeds': float(np.std(values)) if len(runs) > 1 else None,
            'std_videos': None if None in spreads else float(np.mean(spreads)),
        }
    return table


def table_rows(table: dict[float, dict], videos: int) -> list[list[str]]:
    """Return the rows of the table, with a column for each p."""
    rows = [['', *(f'p = {p:g} %' for p in table)]]
    for title, key in SCORES.items():
        scores = [scores[key] for scores in table.values()]
        rows.append([title, *(cell(s['mean'], s['std_seeds']) for s in scores)])
        if videos > 1 and scores[0]['std_videos'] is not None:
            spreads = [cell(s['std_videos']) for s in scores]
            rows.append([f'{title}, std over videos', *spreads])
        if 0 in table:
            drops = [cell(table[0][key]['mean'] - s['mean']) for s in scores]
            rows.append([f'{title}, drop against p = 0', *drops])
    for method, copied in PAPER.items():
        found = [copied.get(f'{p:g}') for p in table]
        cells = [cell(*figures) if figures else '' for figures in found]
        rows.append([f'{method}, F1@10 on UW-IOM †', *cells])
    return rows


def cell(value: float, spread: float | None = None) -> str:
    return f'{value:.2f}' + ('' if spread is None else f' ± {spread:.2f}')


def markdown(content: dict, table: dict[float, dict]) -> str:
    rows = markdown_table(table_rows(table, content['videos']))
    paragraphs = (
        f'Missing keypoints: {content["checkpoint"]} on {content["videos"]} test '
        f'videos of the data set {content["dataset"]}, in percent.',
        '\n'.join(rows),
        '± standard deviation over the seeds of the losses '
        f'({", ".join(map(str, content["seeds"]))}); "std over videos" is that '
        'over the videos of a run, averaged over seeds.',
        '† copied, with its ±, from Table III of Hyder et al. (ICRA 2024), which used '
        'its own split and weights; only runs on these are comparable.\n',
    )
    return '\n\n'.join(paragraphs)


def save(job: 'MissingKeypoints', work_dir: str, runs: list[dict]) -> None:
    """Print the table, and write it with the scores of all runs."""
    table = {
        p: summary([run for run in runs if run['p'] == p])
        for p in sorted({run['p'] for run in runs})
    }
    content = {
        'config': config_name(job.config),
        'checkpoint': job.checkpoint,
        'dataset': runs[0]['dataset'],
        'videos': len(runs[0]['per_video']),
        'seeds': sorted(set(job.seeds)),
        'conventions': runs[0]['conventions'],
        'table': {f'{p:g}': scores for p, scores in table.items()},
        'runs': [
            {key: run[key] for key in ('p', 'seed', 'metrics', 'per_video')}
            for run in runs
        ],
        'paper': PAPER,
    }
    text = markdown(content, table)
    print(f'\n{text}')
    for suffix, written in (('json', json.dumps(content, indent=2)), ('md', text)):
        path = Path(work_dir, f'missing_keypoints.{suffix}')
        atomic_write_text(path, written)
        print(path)


@dataclass(frozen=True, kw_only=True)
class MissingKeypoints(LaunchedJob[None]):
    """Scores a trained segmentor on skeletons that lack an arm or a leg (Table III).

        %(prog)s configs/skelseg/toy_joint_limb.py \\
            work_dirs/toy_joint_limb/epoch_30.pth --p 0 25 50 100 --seeds 0 1 2

    In each frame of the config's test videos, an arm or a leg is lost with a
    probability of p percent. The seeds determine which limbs are lost, alike for all
    models; they are not those of the training. The table is printed and written to the
    work folder as missing_keypoints.md and .json; the folder missing_keypoints there
    gets all scores of each run.

    Features for each p and seed are computed first and stored, so that a stopped run
    can be continued.
    """

    checkpoint: str = argument('checkpoint file')
    p: Sequence[float] = option(
        'percentages of frames that lose a limb (default: 0 25 50 100)',
        (0, 25, 50, 100),
        type=percent,
    )
    seeds: Sequence[int] = option(
        'seeds of the losses (default: 0 1 2); not used for 0 percent',
        (0, 1, 2),
        type=seed,
    )

    def run(self, events: Events) -> None:
        """Score each case, and write the table."""
        cfg = config_of(self)
        # Nothing is lost at 0 percent, so the seed does not matter.
        cases = [
            (p, seed)
            for p in sorted(set(self.p))
            for seed in (sorted(set(self.seeds)) if p > 0 else [None])
        ]
        with init_distributed(cfg, events):
            runs = []
            for number, (p, seed) in enumerate(cases):
                lost = f'p = {p:g} %' + ('' if seed is None else f', seed {seed}')
                events.progress(lost, number, len(cases))
                scores = test(with_drops(cfg, self.checkpoint, p, seed))
                if scores is not None:
                    runs.append({'p': p, 'seed': seed, **scores})
                    events.note(f'{lost}: F1@10 {scores["metrics"]["f1@10"]:.2f}')
            if is_main_process():
                save(self, cfg.work_dir, runs)


if __name__ == '__main__':
    MissingKeypoints.main()
