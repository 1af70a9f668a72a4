"""Scores the mean predictions of several models for the same test videos.

    %(prog)s joint.pkl motion.pkl heatmap.pkl

The files are predictions dumped by tests, with any configs, on the same annotation file
and split:

    mmskelseg test CONFIG --dump joint.pkl

Prints the scores of the ensemble, which averages probabilities, beside those of each
file, and writes all to metrics.json in the work folder. For several checkpoints of one
config, no files are needed: give all of them to `mmskelseg test`.
"""

import argparse

from mmskelseg.runtime.cli.command_line import command, number_from, pickle_name
from mmskelseg.runtime.messages.errors import UserError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'dumps', metavar='DUMP', nargs='+', help='two or more files from test --dump'
    )
    parser.add_argument(
        '--weights',
        nargs='+',
        type=number_from(0),
        metavar='W',
        help='weight of each file (default: equal weights)',
    )
    parser.add_argument(
        '--work-dir',
        default='work_dirs/ensemble',
        help='folder for metrics.json (default: %(default)s)',
    )
    parser.add_argument(
        '--dump', type=pickle_name, help='pickle file for the predictions'
    )
    group = parser.add_argument_group('conventions of SegmentationMetric')
    group.add_argument(
        '--background',
        help='class whose segments do not count for edit score and F1 (default: that '
        'of the files)',
    )
    group.add_argument(
        '--average',
        choices=['pooled', 'video'],
        default='pooled',
        help='pool all videos, or take the mean over videos (default: %(default)s)',
    )
    group.add_argument(
        '--scores',
        choices=['prob', 'logit'],
        default='prob',
        help='rank frames for mAP by probability or by logit (default: %(default)s)',
    )
    group.add_argument(
        '--absent',
        choices=['skip', 'zero'],
        default='skip',
        help='leave classes without true frames out of mAP, or count them as 0 '
        '(default: %(default)s)',
    )
    group.add_argument(
        '--skip-last-frame',
        action='store_true',
        help='leave the last frame of the last segment out of F1',
    )


def _check(args: argparse.Namespace) -> None:
    if len(args.dumps) < 2:
        raise UserError(f'{args.dumps[0]}: an ensemble needs at least two files.')
    weights = args.weights
    if weights is None:
        return
    if len(weights) != len(args.dumps):
        raise UserError(
            f'--weights: {len(weights)} for {len(args.dumps)} files; give one for each.'
        )
    if sum(weights) == 0:
        raise UserError('--weights: all are 0; at least one must be larger.')


def _run(args: argparse.Namespace) -> None:
    _check(args)
    from mmskelseg.engine.testing import test_dumps

    test_dumps(args)


main = command(__doc__, _add_arguments, _run)
