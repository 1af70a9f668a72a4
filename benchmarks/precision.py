"""Scores of an exported model in each precision.

Exports a checkpoint with the config that it contains, and segments a split of an
annotation file with PyTorch and with ONNX Runtime in float32 and float16. Prints the
scores, the share of frames with the same label as PyTorch, the largest difference of
probabilities, and the size of the file.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from mmengine.registry import init_default_scope

from benchmarks.measuring import machine
from mmskelseg.apis import SkelSegInferencer
from mmskelseg.export.export import export_onnx
from mmskelseg.runtime import OnnxSegmenter
from mmskelseg_behaviour.functional.report import evaluate_videos
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_io.structures.choices import PRECISIONS
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.segments import resolve_background

SCORES = {
    'f1@10': 'F1@10', 'f1@50': 'F1@50', 'edit': 'Edit', 'mAP': 'mAP', 'acc': 'Acc'
}  # fmt: skip

Predictions = Mapping[str, Prediction]


def run(args: argparse.Namespace) -> None:
    """Print a table with a row for each precision."""
    init_default_scope('mmskelseg')
    meta = load_annotations(args.annotations)['metainfo']
    background = resolve_background(meta['background'], meta['classes'])
    torch.set_num_threads(args.threads)
    inferencer = SkelSegInferencer(None, args.checkpoint, 'cpu', show_progress=False)
    exact = by_name(inferencer(args.annotations, split=args.split))
    rows = [['', *SCORES.values(), 'Same labels', 'Probabilities differ', 'File']]
    rows.append(['PyTorch', *scores(exact, background), '', '', ''])
    with TemporaryDirectory(prefix='mmskelseg-') as folder:
        for precision in PRECISIONS:
            file = Path(folder, 'model.onnx')
            report = export_onnx(None, args.checkpoint, file, precision=precision)
            segment = OnnxSegmenter(file, threads=args.threads, show_progress=False)
            found = by_name(segment(args.annotations, split=args.split))
            same = [found[n]['pred_label'] == exact[n]['pred_label'] for n in exact]
            error = max(
                np.abs(found[n]['pred_score'] - exact[n]['pred_score']).max()
                for n in exact
            )
            rows.append(
                [
                    precision,
                    *scores(found, background),
                    f'{np.concatenate(same).mean():.3%}',
                    f'{error:.1e}',
                    f'{report.size / 1e6:.2f} MB',
                ]
            )
    frames = sum(len(item['pred_label']) for item in exact.values())
    print(f'{machine(args)}; {len(exact)} videos, {frames} frames')
    print('\n'.join(markdown_table(rows)))


def by_name(results: Mapping[str, list[Prediction]]) -> Predictions:
    """Return predictions by the id of their video."""
    return {item['frame_dir']: item for item in results['predictions']}


def scores(predictions: Predictions, background: int | None) -> list[str]:
    """Return the scores of predictions of labelled videos."""
    videos = {
        name: Video(item['pred_label'], item['label'], item['pred_score'])
        for name, item in predictions.items()
    }
    classes = next(iter(predictions.values()))['classes']
    metrics = evaluate_videos(videos, classes, background=background)['metrics']
    return [f'{metrics[key]:.2f}' for key in SCORES]
