"""Parameters, FLOPs and run time of one config, for `benchmark.py model`."""

import argparse
import inspect
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmskelseg.datasets.annotations import load_annotations, split_names
from mmskelseg.features.encoders.network import FrozenNetwork
from mmskelseg.registry import MODELS, TRANSFORMS

# As when features are made for training.
FRAMES_AT_A_TIME = 128


class Source(NamedTuple):
    """What makes a modality's features."""

    transforms: list[Any]
    render: Any
    encoder: Any | None


class Stopwatch:
    """Adds up the time of each part, in ms."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.times: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begin = self._now()
        yield
        self.times[part] += 1000 * (self._now() - begin)

    def _now(self) -> float:
        # Waits for what a GPU has been given.
        getattr(torch, get_device()).synchronize()
        return self.clock()


def measure(path: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return what is measured of a config; times only where its data is there."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmskelseg'))
    segmentor = MODELS.build(cfg.model).to(get_device()).eval()
    result: dict[str, Any] = {'parameters': {'segmentor': count_parameters(segmentor)}}
    try:
        videos, sources = read_dataset(cfg.test_dataloader.dataset)
        videos = videos[: args.videos]
        for modality, source in sources.items():
            if source.encoder is not None:
                source.encoder.load()
                parameters = sum(map(count_parameters, networks(source.encoder)))
                result['parameters'][f'{modality}: encoder'] = parameters
        result |= run(cfg, segmentor, sources, videos, args)
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
        encoder = parts.get('encoder')
        if encoder is not None and 'weights' in encoder:
            encoder = {**encoder, 'weights': 'none'}
        sources[modality] = Source(
            [build_transform(part, skeleton) for part in parts.get('transforms', ())],
            build_transform(parts['render'], skeleton),
            encoder and MODELS.build(encoder),
        )
    return videos, sources


def build_transform(cfg: Mapping[str, Any], skeleton: Any) -> Any:
    """Return a transform, told the skeleton where it takes one and names none."""
    parameters = inspect.signature(TRANSFORMS.get(cfg['type'])).parameters
    told = {'skeleton': skeleton} if 'skeleton' in parameters else {}
    return TRANSFORMS.build({**told, **cfg})


def networks(encoder: Any) -> list[nn.Module]:
    """Return the networks that an encoder holds, none if it has none."""
    if isinstance(encoder, nn.Module):
        return [encoder]
    held = vars(encoder).values()
    return [value.module for value in held if isinstance(value, FrozenNetwork)] + [
        value for value in held if isinstance(value, nn.Module)
    ]


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def run(
    cfg: Config,
    segmentor: nn.Module,
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
    for video in videos:
        features, encoder_flops = count_encoders(sources, video)
        item = {**video, 'features': features}
        for transform in pipeline:
            item = transform(item)
        batch = {key: [value] for key, value in item.items()}
        batch['inputs'] = {key: [x] for key, x in item['inputs'].items()}
        count = count_segmentor(segmentor, batch)
        flops.append({**encoder_flops, 'segmentor': count})
        segmentor.test_step(batch)
        repeats = []
        for _ in range(args.repeats):
            watch = Stopwatch(pick_clock(args))
            for modality, source in sources.items():
                make_features(source, video, modality, watch)
            with watch('segmentor'):
                segmentor.test_step(batch)
            repeats.append({**watch.times, 'all': sum(watch.times.values())})
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
            made = make_features(source, video, modality, Stopwatch(time.perf_counter))
        features[modality] = np.array(made.swapaxes(0, 1), np.float32, order='C')
        if source.encoder is not None:
            flops[f'{modality}: encoder'] = counter.get_total_flops() / 1e9
    return features, flops


def count_segmentor(segmentor: nn.Module, batch: dict[str, Any]) -> float:
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


def make_features(
    source: Source, video: dict[str, Any], modality: str, watch: Stopwatch
) -> np.ndarray:
    """Return features of shape (T, C, ...), and time what makes them."""
    features = []
    with watch(f'{modality}: render'):
        changed = dict(video)
        for transform in source.transforms:
            changed = transform(changed)
        blocks = source.render.blocks(changed, FRAMES_AT_A_TIME)
    while True:
        with watch(f'{modality}: render'):
            images = next(blocks, None)
        if images is None:
            return np.concatenate(features)
        if source.encoder is not None:
            with watch(f'{modality}: encoder'):
                images = source.encoder.encode(images)
        features.append(images)


def pick_clock(args: argparse.Namespace) -> Callable[[], float]:
    alone = args.threads == 1 and get_device() == 'cpu'
    return time.process_time if alone else time.perf_counter


def combined(
    items: list[dict[str, float]], function: Callable[[list[float]], float]
) -> dict[str, float]:
    return {key: function([item[key] for item in items]) for key in items[0]}
