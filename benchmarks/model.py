"""Parameters, FLOPs and run time of configs side by side, stage by stage.

    python tools/analysis/benchmark.py model configs/skelseg/toy_joint_limb.py

Each test video is processed by `render` (drawing of heatmaps, reading of a video file,
coordinates), the `encoder` and the segmentor, one video at a time, without stored
features and without pose estimation. Weights are random, which does not affect the
numbers, so no checkpoint and no download is needed.

Times are medians over --repeats, averaged over the videos: CPU time for one thread
without a GPU, which other programs hardly affect, else wall-clock time. FLOPs are those
of convolutions, matrix products and attention according to torch.utils.flop_counter,
where a multiplication and an addition count as two; nothing else is counted.

The paper (Hyder et al., ICRA 2024, Sec. IV-G) reports, on UW-IOM, 71 ms for heatmaps,
147 for their fusion with RGB, 72 for MS-GCN, 183 for STL and 554 for MTL; it does not
state what these include, nor the machine.
"""

import argparse
import json
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import (
    combined,
    count_gflops,
    machine,
    pick_clock,
    read_config,
)
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.registry import MODELS, TRANSFORMS
from mmskelseg_io.files.annotations import load_annotations, videos_of_split
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import config_name
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_runtime.features import FeatureRecipe

PAPER = (__doc__ or '').rpartition('\n\n')[2]


def run(args: argparse.Namespace) -> None:
    """Print the table, and write it."""
    cv2.setNumThreads(args.threads)
    # Encoders would warn of random weights.
    MMLogger.get_current_instance().setLevel('ERROR')
    results = {
        config_name(path).removesuffix('.py'): measure(path, args)
        for path in args.configs
    }
    clock = 'processor' if pick_clock(args) is time.process_time else 'clock'
    conditions = (
        f'{args.device}: {machine(args)}, '
        f'CPython {platform.python_version()}; random weights; medians of '
        f'{args.repeats} repeats, {clock} time, as a mean over the test videos; '
        'without pose estimation.'
    )
    notes = [f'{name}: {r["note"]}' for name, r in results.items() if 'note' in r]
    notes += [''] * bool(notes)
    text = '\n'.join([conditions, '', *table(results), '', *notes, PAPER])
    print(text)
    if args.out is not None:
        content = {'conditions': conditions, 'configs': results, 'paper': PAPER}
        as_json = json.dumps(content, indent=2)
        atomic_write_text(args.out, as_json if args.out.endswith('.json') else text)
        print(args.out)


def table(results: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the lines of the table: a row for each part, a column for each config."""
    rows = [
        ['', *results],
        row('test videos', results.values(), 'videos', 'd'),
        row('frames a video', results.values(), 'frames', ',.0f'),
    ]
    # In the order of processing.
    last = ('segmentor', 'all')
    for key, unit, form in (
        ('parameters', 'parameters', ',d'),
        ('gflops', 'GFLOPs a video', ',.1f'),
        ('ms', 'ms a video', ',.1f'),
    ):
        figures = [result.get(key, {}) for result in results.values()]
        parts = dict.fromkeys(part for found in figures for part in found)
        for part in sorted(parts, key=lambda p: last.index(p) if p in last else -1):
            rows.append(row(f'{unit}, {part}', figures, part, form))
    return markdown_table(rows)


def row(
    label: str, figures: Iterable[Mapping[str, Any]], key: str, form: str
) -> list[str]:
    return [label, *(format(f[key], form) if key in f else '' for f in figures)]


def measure(path: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return the measurements of a config; times only if its data exists."""
    cfg = read_config(path, args)
    # It needs statistics of the training data, and its time is negligible.
    cfg.model.pop('postprocess', None)
    segmentor = MODELS.build(cfg.model).to(args.device).eval()
    result: dict[str, Any] = {'parameters': {'segmentor': count_parameters(segmentor)}}
    try:
        recipes, videos = read_dataset(cfg.test_dataloader.dataset)
        videos = videos[: args.videos]
        for recipe in recipes:
            recipe.load()
            if recipe.encoder is not None:
                parameters = count_parameters(recipe.encoder)
                result['parameters'][f'{recipe.modality}: encoder'] = parameters
        result |= run_config(cfg, segmentor, recipes, videos, args)
    except (FileNotFoundError, ValueError) as error:
        result['note'] = f'not run: {error}'
    return result


def read_dataset(cfg: Config) -> tuple[list[FeatureRecipe], list[VideoAnnotation]]:
    """Return the feature recipes of a data set, with random weights, and its videos."""
    root = cfg.get('data_root', '')
    path = Path(root, cfg.ann_file)
    data = load_annotations(path)
    recipes = []
    for modality, config in cfg.get('features', {}).items():
        if 'weights' in config.get('encoder', ()):
            config = {**config, 'encoder': {**config['encoder'], 'weights': 'none'}}
        skeleton = data['metainfo']['skeleton']
        recipes.append(recipe_from_config(modality, config, skeleton))
    folder = (cfg.get('data_prefix') or {}).get('video')
    folder = None if folder is None else Path(root, folder)
    return recipes, videos_of_split(data, cfg.split, path, folder)


def count_parameters(part: Any) -> int:
    """Return the number of parameters of a network, or of an encoder's networks."""
    if isinstance(part, nn.Module):
        return sum(parameter.numel() for parameter in part.parameters())
    networks = (getattr(x, 'module', x) for x in vars(part).values())
    return sum(count_parameters(x) for x in networks if isinstance(x, nn.Module))


@torch.no_grad()
def run_config(
    cfg: Config,
    segmentor: BaseModel,
    recipes: Sequence[FeatureRecipe],
    videos: list[VideoAnnotation],
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Return the mean frames, GFLOPs and ms of a video."""
    # Features are computed from the video here, not loaded from files.
    pipeline = [
        TRANSFORMS.build(part)
        for part in cfg.test_dataloader.dataset.pipeline
        if part['type'] != 'LoadFrameFeatures'
    ]
    flops, times = [], []
    clock = pick_clock(args)
    for video in videos:
        features, gflops = {}, {}
        for recipe in recipes:
            with FlopCounterMode(display=False) as counter:
                made, _ = make(recipe, video, clock)
            made = made.swapaxes(0, 1)
            features[recipe.modality] = np.array(made, np.float32, order='C')
            if recipe.encoder is not None:
                encoder_gflops = counter.get_total_flops() / 1e9
                gflops[f'{recipe.modality}: encoder'] = encoder_gflops
        item: dict[str, Any] = {**video, 'features': features}
        for transform in pipeline:
            item = transform(item)
        batch: dict[str, Any] = {key: [value] for key, value in item.items()}
        batch['inputs'] = {key: [x] for key, x in item['inputs'].items()}
        flops.append({**gflops, 'segmentor': count_segmentor(segmentor, batch)})
        segmentor.test_step(batch)
        repeats = []
        for _ in range(args.repeats):
            parts: dict[str, float] = {}
            for recipe in recipes:
                parts |= make(recipe, video, clock)[1]
            begin = clock()
            segmentor.test_step(batch)
            parts['segmentor'] = 1000 * (clock() - begin)
            repeats.append({**parts, 'all': sum(parts.values())})
        times.append(combined(repeats, statistics.median))
    return {
        'videos': len(videos),
        'frames': statistics.mean(video['total_frames'] for video in videos),
        'gflops': combined(flops, statistics.mean),
        'ms': combined(times, statistics.mean),
    }


def count_segmentor(segmentor: BaseModel, batch: dict[str, Any]) -> float:
    """Return the GFLOPs of a batch."""
    # Without this, recurrent layers would run as one operation that is not counted.
    with (
        warnings.catch_warnings(),
        torch.backends.mkldnn.flags(enabled=False),
        torch.backends.cudnn.flags(enabled=False),
    ):
        warnings.simplefilter('ignore')
        return count_gflops(lambda: segmentor.test_step(batch))


def make(
    recipe: FeatureRecipe, video: VideoAnnotation, clock: Callable[[], float]
) -> tuple[np.ndarray, dict[str, float]]:
    """Return features (T, C, ...), and the time of each part in ms."""
    ms = {f'{recipe.modality}: render': 0.0}

    def timed_images() -> Iterator[np.ndarray]:
        """Yield the images, and measure the time of rendering separately."""
        begin = clock()
        for block in recipe.images(video):
            ms[f'{recipe.modality}: render'] += 1000 * (clock() - begin)
            yield block
            begin = clock()

    begin = clock()
    features = list(recipe.encode(timed_images()))
    if recipe.encoder is not None:
        spent = 1000 * (clock() - begin) - sum(ms.values())
        ms[f'{recipe.modality}: encoder'] = spent
    return np.concatenate(features), ms
