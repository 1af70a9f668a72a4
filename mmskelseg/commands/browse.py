"""Summarises an annotation file, and lists suspicious content.

    %(prog)s data/toy/annotations.pkl

Checks the format, and prints a summary and probable mistakes (docs/browse.md lists the
checks). The page index.html shows figures: label timelines, the time budget (number,
total, mean and share of each class, and how often one follows another),
missing joints, and sample frames of each video, the skeleton above its heatmap.
time_budget.csv contains the time budget of each video and of all.
"""

import argparse
import json
from functools import reduce
from operator import add
from pathlib import Path

from mmskelseg.datasets.inspection.report import draw_all, report, time_budgets
from mmskelseg.datasets.inspection.sanity_checks import sanity_checks
from mmskelseg.datasets.inspection.summary import summarize
from mmskelseg.evaluation import budget_as_dict
from mmskelseg.runtime.cli.command_line import command, whole_from
from mmskelseg.runtime.cli.declared import add_fields
from mmskelseg.runtime.files.annotations import load_annotations
from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.messages.errors import MissingFileError
from mmskelseg.runtime.segmenting.predictions import FileOptions


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('annotations', type=Path, help='annotation file')
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='folder for the page (default: browse, beside the annotation file)',
    )
    parser.add_argument(
        '--videos',
        type=whole_from(1),
        metavar='N',
        help='draw sample frames only of the first N videos (default: all)',
    )
    parser.add_argument(
        '--frames',
        type=whole_from(1, 100),
        default=4,
        metavar='N',
        help='sample frames per video (default: %(default)s)',
    )
    parser.add_argument(
        '--video-folder',
        type=Path,
        metavar='DIR',
        help='folder of the video files (default: beside the annotation file)',
    )
    add_fields(parser, FileOptions, 'line_minutes')
    parser.add_argument(
        '--no-pictures', action='store_true', help='only print the text'
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='also write the text as JSON'
    )


def _run(args: argparse.Namespace) -> None:
    folder = args.annotations.parent
    video_folder = args.video_folder or folder
    if args.video_folder is not None and not video_folder.is_dir():
        raise MissingFileError(
            f'--video-folder {video_folder}: there is no such folder.'
        )
    data = load_annotations(args.annotations)
    summary = summarize(data, video_folder)
    found = sanity_checks(data, video_folder)
    text = report(str(args.annotations), summary, found)
    print(text)
    if args.json:
        budget = reduce(add, time_budgets(data).values())
        content = {
            **summary,
            'time_budget': budget_as_dict(budget, data['metainfo']['classes']),
            'suspicions': [one._asdict() for one in found],
        }
        atomic_write_text(args.json, json.dumps(content, indent=1))
    if not args.no_pictures:
        out = args.out or folder / 'browse'
        show = args.videos, args.frames, args.line_minutes
        print(f'\n{draw_all(out, data, summary, text, *show)}')


main = command(__doc__, _add_arguments, _run)
