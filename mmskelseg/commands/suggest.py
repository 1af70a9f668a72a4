"""Suggests which stretches of which videos to label next.

    %(prog)s new_poses mine.py --budget 10 --to boris --out next

With a model that was trained on few labels, this finds where further labels would help
it most. INPUT, CONFIG, CHECKPOINT and --model are as in `mmskelseg segment`: videos or
poses without labels, or an annotations.pkl with unlabelled frames. Each stretch of
--stretch seconds is scored by four criteria:

  disagreement  how much the members of the model, and of --ensemble, differ
  uncertainty   how evenly the probabilities are spread over the classes
  boundary      how many frames are within a second of a predicted boundary
  rarity        how few labelled seconds its classes have so far

Each is divided by its average over all stretches, so an average stretch scores 1. The
best stretch is chosen first and then counts as labelled; then the next best stretch
that does not overlap is chosen, up to --budget minutes in total.

OUT contains suggestions.csv and suggestions.json with all scores and reasons, and, with
--to, files for labelling tools:

  boris         segments.boris, a project with an observation for each video
  elan          <video>.eaf for each video
  label_studio  label_studio.json, tasks to import

In these files, the suggested stretches are marked and contain the predictions as
drafts. Other frames only have existing labels. Correct the drafts within the marks and
convert the files; all other frames remain unlabelled.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmskelseg.commands._arguments import device, load_inferencer
from mmskelseg.runtime.cli.arguments import (
    SettingsAction,
    add_ensemble,
    add_inference_options,
    add_input_options,
    add_model,
    check_model,
    input_options,
    is_exported,
    split_model,
)
from mmskelseg.runtime.cli.command_line import command, number_from, positive
from mmskelseg.runtime.files.annotations import load_annotations
from mmskelseg.runtime.labels.writing import EXPORTS, write_recordings
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.progress import progress_bar
from mmskelseg.runtime.messages.tables import text_table
from mmskelseg.runtime.segmenting.sources import find_sources
from mmskelseg.suggesting.drafts import drafts, write_suggestions
from mmskelseg.suggesting.suggestions import StretchRanking, Suggestion, by_video

TOOLS = {name.replace('-', '_'): e for name, e in EXPORTS.items() if e.corrects}
# Number of stretches that are printed.
SHOWN = 20
EXAMPLES = """examples:
  # what to label next in the poses of new videos, as a BORIS project
  %(prog)s new_poses CONFIG --to boris --out next
  # 5 minutes of the training videos that have no label yet
  %(prog)s data/mine/annotations.pkl CONFIG --split train --budget 5
  # new videos; rare classes are those of the existing labels
  %(prog)s new_poses CONFIG --known data/mine/annotations.pkl
  # only the disagreement between three training runs counts
  %(prog)s new_poses CONFIG seed_0.pth --ensemble seed_1.pth seed_2.pth \\
      --weights uncertainty=0 boundary=0 rarity=0
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        '%(prog)s [-h] INPUT... (CONFIG [CHECKPOINT] | CHECKPOINT | --model NAME) '
        '[OPTION...]'
    )
    parser.add_argument(
        'inputs',
        metavar='INPUT',
        nargs='+',
        help='videos, poses, annotations, folders; then the config file of a '
        'training, or its name, and a checkpoint if it is not the last one',
    )
    add_model(parser)
    add_ensemble(parser)
    parser.add_argument(
        '--out',
        default='work_dirs/suggest',
        help='output folder (default: %(default)s)',
    )
    parser.add_argument(
        '--to',
        nargs='+',
        choices=TOOLS,
        default=[],
        help='labelling tools to write drafts for (default: none)',
    )
    _add_criteria(parser.add_argument_group('what to suggest'))
    add_input_options(parser)
    add_inference_options(parser, device)


def _add_criteria(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--budget',
        type=positive,
        default=10.0,
        metavar='MINUTES',
        help='minutes to label, in total (default: %(default)g)',
    )
    group.add_argument(
        '--stretch',
        type=number_from(1),
        default=20.0,
        metavar='SECONDS',
        help='length of a stretch (default: %(default)g); shorter videos and gaps '
        'between labels are stretches as well',
    )
    group.add_argument(
        '--weights',
        nargs='+',
        action=SettingsAction,
        metavar='CRITERION=W',
        help='weights of disagreement, uncertainty, boundary and rarity (default: 1)',
    )
    group.add_argument(
        '--ignore-labels',
        action='store_true',
        help='suggest labelled stretches as well, to check their labels',
    )
    group.add_argument(
        '--known',
        metavar='ANNOTATIONS',
        help='annotation file of further labelled videos, whose classes also count '
        'for rarity',
    )


def _check(args: argparse.Namespace) -> None:
    if is_exported(args.config):
        raise UserError(
            f'{args.config}: an exported model does not output how much its members '
            'disagree; name the CONFIG or CHECKPOINT that it was exported from.'
        )
    check_model(args)


def _run(args: argparse.Namespace) -> None:
    split_model(args)
    _check(args)
    options = input_options(args)
    sources = find_sources(args.inputs, poses=options['poses'], split=args.split)
    model = load_inferencer(args, show_progress=False)
    classes = model.dataset_meta['classes']
    tiers = model.dataset_meta.get('tiers')
    ranking = StretchRanking(classes, args.stretch, args.ignore_labels, tiers)
    for source in sources:
        # Otherwise, their labels would be missing in the drafts.
        if (source.entry or {}).get('label') is not None and source.metainfo:
            _check_classes(source.metainfo['classes'], classes, source.name)
    if args.known is not None:
        known = load_annotations(args.known)
        _check_classes(known['metainfo']['classes'], classes, args.known)
        for video in known['annotations']:
            ranking.add_labels(video['label'], video['fps'])
    with progress_bar('Predicting videos', len(sources)) as count:
        batches = model.stream(args.inputs, batch_size=args.batch_size, **options)
        for batch in batches:
            for prediction in batch['predictions']:
                ranking.add(prediction)
            count(len(batch['predictions']))
    suggestions = ranking.choose(args.budget, args.weights)
    _show(suggestions, len(ranking.videos))
    files = write_suggestions(
        suggestions,
        args.out,
        model=args.model or args.config or args.checkpoint,
        checkpoints=model.checkpoints,
        budget_minutes=args.budget,
        stretch_seconds=args.stretch,
        weights=args.weights or {},
        videos=[
            {'video': name, 'seconds': round(seconds, 3), 'best': round(best, 3)}
            for name, seconds, best in by_video(suggestions)
        ],
    )
    videos = drafts(ranking, suggestions)
    for tool in args.to:
        files += write_recordings(TOOLS[tool], videos, tiers or classes, Path(args.out))
    print(f'\n{args.out} has {", ".join(file.name for file in files)}')


def _check_classes(there: Sequence[str], classes: Sequence[str], place: str) -> None:
    if list(there) != list(classes):
        raise UserError(
            f'{place}: has the classes {", ".join(there)}, but the model '
            f'{", ".join(classes)}; name annotations with the classes that it was '
            'trained on.'
        )


def _show(suggestions: list[Suggestion], num_videos: int) -> None:
    """Print the first stretches and the number of stretches of each video."""
    rows = [['', 'video', 'start', 'end', 'score', 'reason']]
    for i, item in enumerate(suggestions[:SHOWN], 1):
        times = (f'{item.start:.1f}', f'{item.end:.1f}', f'{item.score:.2f}')
        rows.append([str(i), item.video, *times, item.reason])
    print('\n'.join(text_table(rows, left=(1, -1))))
    if len(suggestions) > SHOWN:
        print(f'... and {len(suggestions) - SHOWN} more')
    chosen = by_video(suggestions)
    minutes = sum(seconds for _, seconds, _ in chosen) / 60
    print(
        f'\n{len(suggestions)} stretches, {minutes:.1f} minutes, in {len(chosen)} of '
        f'{num_videos} videos, the best first:'
    )
    for name, seconds, best in chosen[:SHOWN]:
        print(f'  {name}: {seconds:.1f} s, best {best:.2f}')
    if len(chosen) > SHOWN:
        print(f'  ... and {len(chosen) - SHOWN} more')


main = command(
    __doc__,
    _add_arguments,
    _run,
    EXAMPLES,
    kept='nothing is written before all videos are predicted; start again.',
)
