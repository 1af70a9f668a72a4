"""Writes a trained model as an ONNX file, which runs without PyTorch.

    %(prog)s skelseg/toy_joint_limb model.onnx

The file contains the network, averaged over its members and those of an ensemble,
standardisation, the network that computes features from images if there is one, and
everything else that is needed to run it: classes, skeleton, the recipe of the features,
and post-processing. To segment videos with it, run

    mmskelseg segment take1.mp4 model.onnx

This only needs mmskelseg-runtime (pip install ./runtime in a clone), without PyTorch
and MMEngine. docs/export.md says more.

Before the file is written, the graph is checked and compared with PyTorch on videos of
several lengths; a float32 graph that differs by more than 1e-5 is not written.
"""

import argparse

from mmskelseg.commands._arguments import model_config
from mmskelseg.runtime.cli.arguments import (
    add_cfg_options,
    add_ensemble,
    add_model,
    check_model,
)
from mmskelseg.runtime.cli.command_line import command, positive
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.choices import PRECISIONS

EXAMPLES = """examples:
  # a model that comes with the package
  %(prog)s --model precog precog.onnx
  # a causal model, for streams: mmskelseg live 0 stream.onnx
  %(prog)s streaming/uwiom_pose2d stream.onnx --streaming
  # a smaller file
  %(prog)s CONFIG model.onnx --precision float16
  # the mean of three training runs
  %(prog)s CONFIG seed_0.pth model.onnx --ensemble seed_1.pth seed_2.pth
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        '%(prog)s [options] [CONFIG] [CHECKPOINT] OUT.onnx\n'
        '       %(prog)s [options] --model NAME OUT.onnx'
    )
    parser.add_argument(
        'inputs',
        metavar='FILE',
        nargs='+',
        help='config file or its name, checkpoint or work folder (default: the last '
        "one of the config's work folder), and the file to write",
    )
    add_model(parser)
    add_ensemble(parser)
    parser.add_argument(
        '--streaming',
        action='store_true',
        help='write the graph for one push of frames to a stream, for a causal model; '
        'its buffers are inputs and outputs',
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='float32',
        help='precision of the weights (default: %(default)s)',
    )
    parser.add_argument(
        '--fps',
        type=positive,
        help="frame rate of the model's training data, if the model does not state it",
    )
    add_cfg_options(parser)


def _run(args: argparse.Namespace) -> None:
    *given, out = args.inputs
    if len(given) not in ((1, 2) if args.model is None else (0,)):
        raise UserError(
            f'{" ".join(args.inputs)}: expected [CONFIG] [CHECKPOINT] OUT.onnx, or '
            '--model NAME OUT.onnx.'
        )
    args.config, args.checkpoint = (*given, None, None)[:2]
    check_model(args)
    from mmskelseg.trained.export import export_onnx

    model = model_config(args) if args.model is None else args.model
    report = export_onnx(
        model,
        None if args.checkpoint is None else [args.checkpoint, *args.ensemble],
        out,
        streaming=args.streaming,
        precision=args.precision,
        fps=args.fps,
    )
    lengths = ', '.join(f'{n:,}' for n in report.errors)
    print(
        f'{report.path}: {report.kind}, {report.precision}, '
        f'{report.size / 1e6:.1f} MB; largest difference from PyTorch '
        f'{report.error:.1e}, at {lengths} frames'
    )


main = command(__doc__, _add_arguments, _run, EXAMPLES)
