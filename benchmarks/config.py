"""Parameters, FLOPs and run time of one config."""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import pick_clock
from mmskelseg.datasets.annotations import load_annotations, videos_of_split
from mmskelseg.features import FeatureRecipe
from mmskelseg.features.encoders.network import FrozenNetwork
from mmskelseg.registry import MODELS, TRANSFORMS


def measure(path: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return what is measured of a config; times only where its data is there."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmskelseg'))
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


def read_dataset(cfg: Config) -> tuple[list[FeatureRecipe], list[dict[str, Any]]]:
    """Return what makes the features of a dataset, with random weights, and videos."""
    data = load_annotations(Path(cfg.get('data_root', ''), cfg.ann_file))
    recipes = []
    for modality, config in cfg.get('features', {}).items():
        config = dict(config)
        if 'weights' in config.get('encoder', ()):
            config['encoder'] = {**config['encoder'], 'weights': 'none'}
        skeleton = data['metainfo']['skeleton']
        recipes.append(FeatureRecipe.from_config(modality, config, skeleton))
    folder = (cfg.get('data_prefix') or {}).get('video')
    folder = None if folder is None else Path(cfg.get('data_root', ''), folder)
    path = Path(cfg.get('data_root', ''), cfg.ann_file)
    return recipes, videos_of_split(data, cfg.split, path, folder)


def count_parameters(part: Any) -> int:
    """Return the parameters of a network, or of all that an encoder holds."""
    held = [part] if isinstance(part, nn.Module) else vars(part).values()
    networks = [x.module if isinstance(x, FrozenNetwork) else x for x in held]
    networks = [x for x in networks if isinstance(x, nn.Module)]
    return sum(p.numel() for network in networks for p in network.parameters())


@torch.no_grad()
def run_config(
    cfg: Config,
    segmentor: BaseModel,
    recipes: Sequence[FeatureRecipe],
    videos: list[dict[str, Any]],
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Return the mean frames, GFLOPs and ms of a video."""
    # Features come from the video here, not from files.
    pipeline = [
        TRANSFORMS.build(part)
        for part in cfg.test_dataloader.dataset.pipeline
        if part['type'] != 'LoadFrameFeatures'
    ]
    flops, times = [], []
    clock = pick_clock(args)
    for video in videos:
        features, encoder_flops = count_encoders(recipes, video)
        item = {**video, 'features': features}
        for transform in pipeline:
            item = transform(item)
        batch: dict[str, Any] = {key: [value] for key, value in item.items()}
        batch['inputs'] = {key: [x] for key, x in item['inputs'].items()}
        count = count_segmentor(segmentor, batch)
        flops.append({**encoder_flops, 'segmentor': count})
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


def count_encoders(
    recipes: Sequence[FeatureRecipe], video: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return a video's features (C, T, ...), and the GFLOPs that encoders need."""
    features, flops = {}, {}
    for recipe in recipes:
        with FlopCounterMode(display=False) as counter:
            made, _ = make(recipe, video, time.perf_counter)
        features[recipe.modality] = np.array(made.swapaxes(0, 1), np.float32, order='C')
        if recipe.encoder is not None:
            flops[f'{recipe.modality}: encoder'] = counter.get_total_flops() / 1e9
    return features, flops


def count_segmentor(segmentor: BaseModel, batch: dict[str, Any]) -> float:
    """Return the GFLOPs of a batch."""
    # Recurrent layers that run as one operation would count as nothing.
    one_operation = (torch.backends.mkldnn, torch.backends.cudnn)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter('ignore')
        for backend in one_operation:
            stack.enter_context(backend.flags(enabled=False))
        counter = stack.enter_context(FlopCounterMode(display=False))
        segmentor.test_step(batch)
    return counter.get_total_flops() / 1e9


def make(
    recipe: FeatureRecipe, video: dict[str, Any], clock: Callable[[], float]
) -> tuple[np.ndarray, dict[str, float]]:
    """Return features of shape (T, C, ...), and the ms that each part took."""
    ms = {f'{recipe.modality}: render': 0.0}

    def timed_images() -> Iterator[np.ndarray]:
        """Yield the images; their time is apart from that of what asks for them."""
        begin = clock()
        for block in recipe.images(video):
            ms[f'{recipe.modality}: render'] += 1000 * (clock() - begin)
            yield block
            begin = clock()

    begin = clock()
    features = list(recipe.encode(timed_images(), video['total_frames']))
    if recipe.encoder is not None:
        spent = 1000 * (clock() - begin) - sum(ms.values())
        ms[f'{recipe.modality}: encoder'] = spent
    return np.concatenate(features), ms


def combined(
    items: list[dict[str, float]], function: Callable[[list[float]], float]
) -> dict[str, float]:
    return {key: function([item[key] for item in items]) for key in items[0]}
