"""Suggests which stretches of which videos to label next.

    %(prog)s new_poses work_dirs/mine/mine.py work_dirs/mine/epoch_100.pth \\
        --budget 10 --to boris --out next

A model that was trained with few labels says where further ones would teach it most.
INPUT, CONFIG, CHECKPOINT and --model are as for `mmskelseg segment`: videos or poses
that nobody has labelled, or an annotations.pkl, of which the frames without a label
count. Each stretch of --stretch seconds is scored by four criteria:

  disagreement  how much the members of the model, and of --ensemble, differ
  uncertainty   how evenly the probabilities of the classes are spread
  boundary      how many frames are within a second of a predicted change of class
  rarity        how few seconds of its classes are labelled so far

Each counts as a multiple of its average over all stretches, so that 1 is an average
stretch. The best one is chosen first; then its classes count as labelled, and the next
best one that does not overlap is chosen, up to --budget minutes in all.

OUT gets suggestions.csv and suggestions.json, with all scores and reasons, and with
--to what a labelling tool opens:

  boris         drafts.boris, a project with an observation for each video
  elan          <video>.eaf for each video
  label_studio  label_studio.json, tasks to import

In these, the stretches to label are marked, and hold what the model predicts as a
draft. Labels that are there are kept; elsewhere there is nothing. So correct the drafts
within the marks, and convert the files: what nobody has looked at has no label.
"""

import argparse

from mmskelseg.commands.arguments import (
    SettingsAction,
    add_ensemble,
    add_input_options,
    add_model,
    check_model,
    is_exported,
    load_inferencer,
    split_model,
)
from mmskelseg.utils.command_line import command, device, positive, whole_from
from mmskelseg.utils.errors import UserError

TOOLS = ('boris', 'elan', 'label_studio')
# Stretches that are printed.
SHOWN = 20
EXAMPLES = """examples:
  # what to label next in poses of new videos, as a project of BORIS
  %(prog)s new_poses CONFIG CHECKPOINT --to boris --out next
  # the frames of the training videos that have no label yet, 5 minutes of them
  %(prog)s data/mine/annotations.pkl CONFIG CHECKPOINT --split train --budget 5
  # new videos; which classes are rare is known from the labels that there are
  %(prog)s new_poses CONFIG CHECKPOINT --known data/mine/annotations.pkl
  # three trainings, of which only the disagreement counts
  %(prog)s new_poses CONFIG seed_0.pth --ensemble seed_1.pth seed_2.pth \\
      --weights uncertainty=0 boundary=0 rarity=0
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        '%(prog)s [-h] INPUT... (CONFIG CHECKPOINT | --model NAME) [OPTION...]'
    )
    parser.add_argument(
        'inputs',
        metavar='INPUT',
        nargs='+',
        help='videos, poses, annotations, folders; then a config file, or its name, '
        'and a checkpoint file',
    )
    add_model(parser)
    add_ensemble(parser)
    parser.add_argument(
        '--out',
        default='work_dirs/suggest',
        help='folder for what is written (default: %(default)s)',
    )
    parser.add_argument(
        '--to',
        nargs='+',
        choices=TOOLS,
        default=[],
        help='labelling tools to write drafts for (default: none)',
    )
    group = parser.add_argument_group('what to suggest')
    group.add_argument(
        '--budget',
        type=positive,
        default=10.0,
        metavar='MINUTES',
        help='minutes to label, all together (default: %(default)g)',
    )
    group.add_argument(
        '--stretch',
        type=positive,
        default=20.0,
        metavar='SECONDS',
        help='length of a stretch; a shorter video, or gap between labels, is one '
        '(default: %(default)g)',
    )
    group.add_argument(
        '--weights',
        nargs='+',
        action=SettingsAction,
        metavar='CRITERION=W',
        help='how much disagreement, uncertainty, boundary and rarity count '
        '(default: 1 each)',
    )
    group.add_argument(
        '--ignore-labels',
        action='store_true',
        help='suggest stretches that have labels as well, as if they had none',
    )
    group.add_argument(
        '--known',
        metavar='ANNOTATIONS',
        help='annotation file of videos that are labelled already and are no input; '
        'classes that are frequent there are not rare',
    )
    add_input_options(parser)
    parser.add_argument(
        '--device', type=device, help='such as cpu or cuda:0 (default: a GPU, if any)'
    )
    parser.add_argument(
        '--batch-size',
        type=whole_from(1),
        default=1,
        help='videos that go through the model together (default: %(default)s)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        metavar='KEY=VALUE',
        help='settings that replace those of the config, as in training',
    )


def _check(args: argparse.Namespace) -> None:
    if is_exported(args.config):
        raise UserError(
            f'{args.config}: an exported model does not say how much its members '
            'disagree; name the CONFIG and CHECKPOINT that it was made of.'
        )
    check_model(args, 'ensemble', 'cfg_options')


def _run(args: argparse.Namespace) -> None:
    split_model(args)
    _check(args)
    from mmskelseg.apis.inputs import find_sources
    from mmskelseg.apis.suggestions import (
        StretchRanking,
        drafts,
        write_drafts,
        write_suggestions,
    )
    from mmskelseg.datasets.annotations import load_annotations
    from mmskelseg.utils.progress import progress_bar

    poses = args.poses[0] if args.poses and len(args.poses) == 1 else args.poses
    sources = find_sources(args.inputs, poses=poses, split=args.split)
    model = load_inferencer(args, show_progress=False)
    classes = model.dataset_meta['classes']
    ranking = StretchRanking(classes, args.stretch, args.ignore_labels)
    if args.known is not None:
        known = load_annotations(args.known)
        if list(known['metainfo']['classes']) != list(classes):
            raise UserError(
                f'{args.known}: has the classes '
                f'{", ".join(known["metainfo"]["classes"])}, but the model '
                f'{", ".join(classes)}; name the annotations that it was trained on.'
            )
        for video in known['annotations']:
            ranking.add_labels(video['label'], video['fps'])
    with progress_bar('Predicting videos', len(sources)) as count:
        for batch in model.stream(
            args.inputs,
            batch_size=args.batch_size,
            poses=poses,
            split=args.split,
            person=args.person,
            fps=args.fps,
        ):
            for prediction in batch['predictions']:
                ranking.add(prediction)
            count(len(batch['predictions']))
    suggestions = ranking.choose(args.budget, args.weights)
    _show(suggestions, len(ranking.videos))
    files = write_suggestions(
        suggestions,
        args.out,
        model=args.model or args.config,
        checkpoints=model.checkpoints,
        budget_minutes=args.budget,
        stretch_seconds=args.stretch,
        weights=args.weights or {},
        videos=[
            {'video': name, 'seconds': round(seconds, 3), 'best': round(best, 3)}
            for name, seconds, best in _by_video(suggestions)
        ],
    )
    videos = drafts(ranking, suggestions)
    for tool in args.to:
        files += write_drafts(videos, classes, args.out, tool)
    print(f'\n{args.out} has {", ".join(file.name for file in files)}')


def _by_video(suggestions: list) -> list[tuple[str, float, float]]:
    from mmskelseg.apis.suggestions import by_video

    return by_video(suggestions)


def _show(suggestions: list, num_videos: int) -> None:
    """Print the first stretches, and how many there are of how many videos."""
    from mmskelseg.utils.tables import text_table

    rows = [['', 'video', 'start', 'end', 'score', 'reason']]
    for i, item in enumerate(suggestions[:SHOWN], 1):
        times = (f'{item.start:.1f}', f'{item.end:.1f}', f'{item.score:.2f}')
        rows.append([str(i), item.video, *times, item.reason])
    print('\n'.join(text_table(rows, left=(1, -1))))
    if len(suggestions) > SHOWN:
        print(f'... and {len(suggestions) - SHOWN} more')
    chosen = _by_video(suggestions)
    minutes = sum(seconds for _, seconds, _ in chosen) / 60
    print(
        f'\n{len(suggestions)} stretches, {minutes:.1f} minutes, in {len(chosen)} of '
        f'{num_videos} videos; the most worthwhile first:'
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
    kept='nothing is written before all videos are predicted; begin anew.',
)
