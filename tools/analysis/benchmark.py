"""Measures what mmskelseg costs in time and memory.

    python tools/analysis/benchmark.py render
    python tools/analysis/benchmark.py encode
    python tools/analysis/benchmark.py train
    python tools/analysis/benchmark.py long
    python tools/analysis/benchmark.py epochs CONFIG
    python tools/analysis/benchmark.py model CONFIG...
    python tools/analysis/benchmark.py metrics
    python tools/analysis/benchmark.py startup

`benchmark.py COMMAND --help` says what a command measures.
"""

import argparse
import os


def parse_args() -> argparse.Namespace:
    # Of the modules beside this one, which load what they measure when they run.
    from benchmark_encoder import add_encode_command
    from benchmark_epochs import add_epochs_command
    from benchmark_long import add_long_command
    from benchmark_metrics import add_metrics_command
    from benchmark_model import add_model_command
    from benchmark_render import add_render_command
    from benchmark_startup import add_startup_command
    from benchmark_training import add_train_command

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    for add_command in (
        add_render_command,
        add_encode_command,
        add_train_command,
        add_epochs_command,
        add_long_command,
        add_model_command,
    ):
        add_command(commands)
    add_metrics_command(commands)
    add_startup_command(commands)
    return parser.parse_args()


def main() -> None:
    # Which NumPy reads when it is imported.
    os.environ['OPENBLAS_NUM_THREADS'] = '1'
    args = parse_args()
    # And torch, which the commands import.
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        os.environ[name] = str(getattr(args, 'threads', 1))
    args.run(args)


if __name__ == '__main__':
    main()
