"""Measures the time and memory of mmskelseg.

    python tools/analysis/benchmark.py render
    python tools/analysis/benchmark.py model CONFIG...

`benchmark.py COMMAND --help` describes each command.
"""

import argparse
import ast
import os
from importlib import import_module
from pathlib import Path

# The numerical options of each command, with their defaults.
COMMANDS = {
    'render': {'frames': 5000, 'size': 56, 'persons': 1, 'repeats': 5},
    'encode': {'frames': 256, 'size': 56, 'threads': 1, 'repeats': 5},
    'train': {
        'frames': 5000, 'channels': 2048, 'classes': 17, 'threads': 2, 'repeats': 7
    },
    'epochs': {'epochs': 10, 'threads': 2},
    'long': {
        'frames': 1_000_000, 'compare': 50_000, 'channels': 2048, 'classes': 17,
        'threads': 2,
    },
    'model': {'repeats': 3, 'threads': 1},
    'stream': {'frames': 3000},
    'export': {'frames': 20_000, 'repeats': 5, 'threads': 1},
    'precision': {'threads': 1},
    'metrics': {
        'videos': 100, 'frames': 10_000, 'classes': 17, 'repeats': 3, 'plain-videos': 1
    },
    'decode': {'frames': 1_000_000, 'classes': 17},
    'startup': {'repeats': 5},
    'studio': {'minutes': 60, 'segments': 2000, 'scrolled': 5000, 'changes': 2000},
}  # fmt: skip
# Commands that never use a GPU.
ON_CPU = (
    'decode', 'export', 'metrics', 'precision', 'render', 'startup', 'stream', 'studio',
)  # fmt: skip


def table_file(text: str) -> str:
    if not text.endswith(('.md', '.json')):
        raise argparse.ArgumentTypeError(f'{text}: the name must end in .md or .json')
    return text


def parse_args() -> argparse.Namespace:
    from mmskelseg_io.jobs.command_line import command_parser, whole_from
    from mmskelseg_io.jobs.settings import SettingsAction

    positive = whole_from(1)
    parser = command_parser(__doc__, prog=None)
    commands = parser.add_subparsers(dest='command', required=True)
    parsers = {}
    for name, numbers in COMMANDS.items():
        # The docstring is parsed, since importing a module would load what it measures.
        source = Path(__file__).with_name(f'{name}.py').read_text()
        text = ast.get_docstring(ast.parse(source)) or ''
        parsers[name] = command = commands.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for flag, number in numbers.items():
            command.add_argument(
                f'--{flag}',
                type=positive,
                default=number,
                help=f'default: {number}',
            )
        if name not in ON_CPU:
            command.add_argument(
                '--device',
                choices=['cpu', 'cuda'],
                help='device (default: cuda, if there is a GPU)',
            )
    parsers['encode'].add_argument('--arch', default='torchvision.resnet50')
    parsers['long'].add_argument('--folder', help='default: that of temporary files')
    counts: dict[str, int | str] = {
        'epochs': 1, 'export': '+', 'model': '+', 'stream': '+'
    }  # fmt: skip
    for name, count in counts.items():
        parsers[name].add_argument('configs', nargs=count, metavar='CONFIG')
        parsers[name].add_argument(
            '--cfg-options',
            nargs='+',
            action=SettingsAction,
            default={},
            help='settings that override those of the config, as key=value',
        )
    parsers['model'].add_argument(
        '--videos', type=positive, help='number of test videos (default: all)'
    )
    parsers['model'].add_argument(
        '--out', type=table_file, help='.md or .json file for the table'
    )
    parsers['precision'].add_argument('checkpoint', metavar='CHECKPOINT')
    parsers['precision'].add_argument('annotations', metavar='ANN')
    parsers['precision'].add_argument('--split', default='test', help='default: test')
    parser.set_defaults(threads=1, device=None, configs=())
    args = parser.parse_args()
    for path in args.configs:
        if not Path(path).is_file():
            parsers[args.command].error(f'{path}: there is no such config file.')
    return args


def main() -> None:
    # NumPy reads this when it is imported.
    os.environ['OPENBLAS_NUM_THREADS'] = '1'
    args = parse_args()
    # torch reads these when it is imported.
    os.environ['OMP_NUM_THREADS'] = os.environ['MKL_NUM_THREADS'] = str(args.threads)
    if args.device == 'cpu':
        # MMEngine picks a GPU wherever it sees one.
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    from mmskelseg_io.messages.errors import user_errors

    with user_errors():
        if args.command not in ON_CPU:
            import_module('benchmarks.measuring').prepare(args)
        import_module(f'benchmarks.{args.command}').run(args)


if __name__ == '__main__':
    main()
