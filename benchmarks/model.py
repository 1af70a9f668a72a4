"""Parameters, FLOPs and run time of configs side by side, stage by stage.

    python tools/analysis/benchmark.py model configs/skelseg/toy_joint_limb.py

Each test video goes through what `render` does (drawing of heatmaps, reading of a video
file, coordinates), the `encoder` and the segmentor, anew each time and one video at a
time; neither pose estimation nor the store of features takes part. Weights are random,
which changes no figure, so that no checkpoint and no download is needed.

Times are medians over --repeats, as a mean over the videos. With one thread and no GPU
they are of the processor, so that other programs change them little, else of the clock.
FLOPs are those of convolutions, matrix products and attention, a multiplication and an
addition counted as two, by torch.utils.flop_counter; nothing else is counted.

The paper (Hyder et al., ICRA 2024, Sec. IV-G) gives, on UW-IOM, 71 ms for heatmaps, 147
for their fusion with RGB, 72 for MS-GCN, 183 for STL and 554 for MTL; it says neither
what these include nor on which machine.
"""

import argparse
import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
from mmengine.logging import MMLogger

from benchmarks.config import measure
from benchmarks.measuring import machine, pick_clock
from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.utils.tables import markdown_table

PAPER = (__doc__ or '').rpartition('\n\n')[2]


def run(args: argparse.Namespace) -> None:
    """Print the table, and write it."""
    cv2.setNumThreads(args.threads)
    # Of encoders, which warn of the random weights that they are given here.
    MMLogger.get_current_instance().setLevel('ERROR')
    results = {
        f'{Path(path).parent.name}/{Path(path).stem}': measure(path, args)
        for path in args.configs
    }
    conditions = describe_conditions(args)
    text = '\n'.join([conditions, '', *table(results), '', *notes(results), PAPER])
    print(text)
    if args.out is not None:
        content = {'conditions': conditions, 'configs': results, 'paper': PAPER}
        as_json = json.dumps(content, indent=2)
        with atomic_write(args.out) as file:
            file.write((as_json if args.out.endswith('.json') else text).encode())
        print(args.out)


def describe_conditions(args: argparse.Namespace) -> str:
    clock = 'processor' if pick_clock(args) is time.process_time else 'clock'
    return (
        f'{args.device}: {machine(args)}, '
        f'CPython {platform.python_version()}; random weights; medians of '
        f'{args.repeats} repeats, {clock} time, as a mean over the test videos; poses '
        'are there already.'
    )


def table(results: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the lines of the table: a row for each part, a column for each config."""
    rows = [['', *results]]
    for key, form in (('videos', 'd'), ('frames', ',.0f')):
        label = 'test videos' if key == 'videos' else 'frames a video'
        rows.append([label, *(cell(r.get(key), form) for r in results.values())])
    for key, unit, form in (
        ('parameters', 'parameters', ',d'),
        ('gflops', 'GFLOPs a video', ',.1f'),
        ('ms', 'ms a video', ',.1f'),
    ):
        for part in parts_of(results, key):
            cells = (cell(r.get(key, {}).get(part), form) for r in results.values())
            rows.append([f'{unit}, {part}', *cells])
    return markdown_table(rows)


def parts_of(results: Mapping[str, dict[str, Any]], key: str) -> list[str]:
    """Return the parts of all configs in the order in which a video meets them."""
    parts = dict.fromkeys(p for result in results.values() for p in result.get(key, {}))
    last = ('segmentor', 'all')
    return [p for p in parts if p not in last] + [p for p in last if p in parts]


def cell(value: float | None, form: str) -> str:
    return '' if value is None else format(value, form)


def notes(results: Mapping[str, dict[str, Any]]) -> list[str]:
    lines = [f'{name}: {r["note"]}' for name, r in results.items() if 'note' in r]
    return [*lines, ''] if lines else []
