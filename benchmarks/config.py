"""Parameters, FLOPs and run time of one config."""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import pick_clock
from mmskelseg.datasets.action_seg_dataset import feature_configs
from mmskelseg.datasets.annotations import load_annotations, split_names
from mmskelseg.features.extraction import build_parts, make_features
from mmskelseg.features.frozen_network import FrozenNetwork
from mmskelseg.registry import MODELS, TRANSFORMS


class Source(NamedTuple):
    """What makes a modality's features."""

    transforms: list[Any]
    render: Any
    encoder: Any | None


class TimedRender:
    """A renderer whose time is apart from that of the encoder which asks it."""

    def __init__(self, render: Any, clock: Callable[[], float]) -> None:
        self.render = render
        self.clock = clock
        self.seconds = 0.0

    def blocks(self, video: Mapping[str, Any], frames: int) -> Iterator[np.ndarray]:
        """Yield what the renderer does."""
        blocks = self.render.blocks(video, frames)
        while True:
            begin = self.clock()
            block = next(blocks, None)
            self.seconds += self.clock() - begin
            if block is None:
                return
            yield block


def measure(path: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return what is measured of a config; times only where its data is there."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmskelseg'))
    segmentor = MODELS.build(cfg.model).to(args.device).eval()
    result: dict[str, Any] = {'parameters': {'segmentor': count_parameters(segmentor)}}
    try:
        videos, sources = read_dataset(cfg.test_dataloader.dataset)
        videos = videos[: args.videos]
        for modality, source in sources.items():
            if source.encoder is not None:
                source.encoder.load()
                parameters = count_parameters(source.encoder)
                result['parameters'][f'{modality}: encoder'] = parameters
        result |= run_config(cfg, segmentor, sources, videos, args)
    except (FileNotFoundError, ValueError) as error:
        result['note'] = f'not run: {error}'
    return result


def read_dataset(cfg: Config) -> tuple[list[dict[str, Any]], dict[str, Source]]:
    """Return the annotations of a dataset's videos, and what makes their features."""
    path = Path(cfg.get('data_root', ''), cfg.ann_file)
    data = load_annotations(path)
    by_name = {video['frame_dir']: video for video in data['annotations']}
    prefix = (cfg.get('data_prefix') or {}).get('video')
    folder = path.parent if prefix is None else Path(cfg.get('data_root', ''), prefix)
    videos = []
    for name in split_names(data, cfg.split, str(path)):
        video = dict(by_name[name])
        if 'filename' in video:
            video['filename'] = str(Path(folder, video['filename']))
        videos.append(video)
    skeleton = data['metainfo']['skeleton']
    sources = {}
    for modality, parts in cfg.get('features', {}).items():
        config = dict(feature_configs(modality, parts, skeleton)[0])
        if 'weights' in config.get('encoder', ()):
            config['encoder'] = {**config['encoder'], 'weights': 'none'}
        sources[modality] = Source(*build_parts(modality, config))
    return videos, sources


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
    sources: Mapping[str, Source],
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
        features, encoder_flops = count_encoders(sources, video)
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
            for modality, source in sources.items():
                parts |= make(source, video, modality, clock)[1]
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
    sources: Mapping[str, Source], video: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return a video's features (C, T, ...), and the GFLOPs that encoders need."""
    features, flops = {}, {}
    for modality, source in sources.items():
        with FlopCounterMode(display=False) as counter:
            made, _ = make(source, video, modality, time.perf_counter)
        features[modality] = np.array(made.swapaxes(0, 1), np.float32, order='C')
        if source.encoder is not None:
            flops[f'{modality}: encoder'] = counter.get_total_flops() / 1e9
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
    source: Source, video: dict[str, Any], modality: str, clock: Callable[[], float]
) -> tuple[np.ndarray, dict[str, float]]:
    """Return features of shape (T, C, ...), and the ms that each part took."""
    begin = clock()
    changed = dict(video)
    for transform in source.transforms:
        changed = transform(changed)
    render = TimedRender(source.render, clock)
    render.seconds = clock() - begin
    features = list(make_features(changed, (), render, source.encoder))
    seconds = {'render': render.seconds}
    if source.encoder is not None:
        seconds['encoder'] = clock() - begin - render.seconds
    ms = {f'{modality}: {part}': 1000 * value for part, value in seconds.items()}
    return np.concatenate(features), ms


def combined(
    items: list[dict[str, float]], function: Callable[[list[float]], float]
) -> dict[str, float]:
    return {key: function([item[key] for item in items]) for key in items[0]}
