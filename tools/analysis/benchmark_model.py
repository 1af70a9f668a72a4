"""The `model` command of benchmark.py: its table of configs side by side."""

import argparse
import json
import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measuring import processor

from mmskelseg.cli import SettingsAction, user_errors
from mmskelseg.fileio.atomic import atomic_write

DESCRIPTION = """\
Parameters, FLOPs and run time of configs side by side, stage by stage.

    python tools/analysis/benchmark.py model configs/skelseg/toy_joint_limb.py

Each test video goes through what `render` does (drawing of heatmaps, reading of a video
file, coordinates), the `encoder` and the segmentor, anew each time and one video at a
time; neither pose estimation nor the store of features takes part. Weights are random,
which changes no figure, so that no checkpoint and no download is needed.

Times are medians over --repeats, as a mean over the videos. With one thread and no GPU
they are of the processor, so that other programs change them little, else of the clock.
FLOPs are those of convolutions, matrix products and attention, a multiplication and an
addition counted as two, by torch.utils.flop_counter; nothing else is counted.
"""
PAPER = """\
The paper (Hyder et al., ICRA 2024, Sec. IV-G) gives, on UW-IOM, 71 ms for heatmaps, 147
for their fusion with RGB, 72 for MS-GCN, 183 for STL and 554 for MTL; it says neither
what these include nor on which machine.
"""


def add_model_command(commands: Any) -> None:
    """Add the command to those of benchmark.py."""
    command = commands.add_parser(
        'model',
        help='parameters, FLOPs and run time of configs',
        description=DESCRIPTION,
        epilog=PAPER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument('configs', nargs='+', metavar='CONFIG', help='config files')
    command.add_argument(
        '--videos', type=int, help='only the first so many test videos (default: all)'
    )
    command.add_argument('--repeats', type=int, default=3, help='default: 3')
    command.add_argument('--threads', type=int, default=1, help='default: 1')
    command.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        default={},
        help='settings that replace those of every config, as key=value',
    )
    command.add_argument('--out', help='.md or .json file to write the table into')
    command.set_defaults(run=model)


def model(args: argparse.Namespace) -> None:
    """Print the table, and write it."""
    # Not with --help, since it takes seconds.
    import cv2
    import torch
    from benchmark_config import measure
    from mmengine.logging import MMLogger

    if args.out is not None and not args.out.endswith(('.md', '.json')):
        sys.exit(f'error: --out {args.out}: the name must end in .md or .json.')
    if min(args.repeats, args.threads, args.videos or 1) < 1:
        sys.exit('error: --repeats, --threads and --videos must be at least 1.')
    for path in args.configs:
        if not Path(path).is_file():
            sys.exit(f'error: {path}: there is no such config file.')
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    # Of encoders, which warn of the random weights that they are given here.
    MMLogger.get_current_instance().setLevel('ERROR')
    with user_errors():
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
    import torch
    from benchmark_config import pick_clock
    from mmengine.device import get_device

    device = get_device()
    name = torch.cuda.get_device_name() if device == 'cuda' else processor()
    clock = 'processor' if pick_clock(args) is time.process_time else 'clock'
    return (
        f'{device} ({name}), {args.threads} thread(s), torch {torch.__version__}, '
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f'| {row[0]:<{widths[0]}} | '
        + ' | '.join(
            f'{text:>{width}}' for text, width in zip(row[1:], widths[1:], strict=True)
        )
        + ' |'
        for row in rows
    ]
    rule = f'|{"-" * (widths[0] + 2)}|' + ''.join(
        f'{"-" * (width + 1)}:|' for width in widths[1:]
    )
    return [lines[0], rule, *lines[1:]]


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
