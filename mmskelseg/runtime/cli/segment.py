"""Segments videos, or skeletons of videos, with a trained model.

    %(prog)s take1.mp4 mine.py --out out

INPUT is a video; a file with poses from MMPose, OpenPose (a folder per video),
MediaPipe, DeepLabCut, SLEAP and others; an annotations.pkl; or a folder of these.
CONFIG is the config file of a training, or the name of one that comes with the package.
CHECKPOINT is a checkpoint or a work folder; by default, it is the last checkpoint in
the config's work folder. Without CONFIG, the config in the checkpoint is used.
--ensemble averages the probabilities of further checkpoints. Instead of both, you can
name a file from `mmskelseg export`, MODEL.onnx, which runs without PyTorch; a folder
from `mmskelseg fit`, which has one; or a model that comes with the package (--model).

A model that reads skeletons needs the poses of a video: a file (--poses), or, if INPUT
is a folder, the file in it with the name of the video; otherwise they are estimated
(--pose-estimator). They must have the joints that the model was trained on.

OUT gets these files, which begin with the video's id if there are several videos:

  segments.csv      start and end in seconds, class and confidence
  segments.json     the same with frames, classes, notes and the time budget
  segments.srt      subtitles: put them beside the video under its name
  segments.eaf      ELAN
  boris_events.csv  BORIS' aggregated events
  timeline.png      the labels over time
  overlay.mp4       the video with skeleton, label and timeline
  poses.npz         the estimated poses, for --poses of a later run

With --formats, other files can be chosen: segments.boris (boris), label_studio.json
(label-studio), overlay.gif (gif), and time_budget.csv or .png (budget, budget-picture).
For each class, a time budget states the number of segments, their total and mean
duration, their share of the video, and how often other classes follow, for each video
and for all.

With --person each, files begin with the names of video and person; timeline.png and
overlay.mp4 show all people of a video.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

from mmskelseg.runtime.cli.arguments import (
    add_ensemble,
    add_inference_options,
    add_input_options,
    add_model,
    check_model,
    input_options,
    is_exported,
    pose_estimator,
    split_model,
)
from mmskelseg.runtime.cli.command_line import command, number_from
from mmskelseg.runtime.cli.declared import add_fields
from mmskelseg.runtime.messages.counts import counted
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.segmenting.predictions import FileOptions
from mmskelseg.runtime.segmenting.segmenter import OnnxSegmenter
from mmskelseg.runtime.structures.predictions import Prediction
from mmskelseg.runtime.structures.tiers import class_name

EXAMPLES = """examples:
  # strikes and kicks, with a model that comes with the package
  %(prog)s me.mp4 --model precog
  # a video, with poses estimated by MediaPipe
  %(prog)s take1.mp4 mine.py
  # the same with poses from MMPose, on the CPU
  %(prog)s take1.mp4 CONFIG --poses take1.json --device cpu
  # only skeletons
  %(prog)s openpose_output/take1 CONFIG --fps 25
  # every video in a folder, poses from RTMPose, files for BORIS and no overlay
  %(prog)s videos CONFIG --pose-estimator rtmlib \\
      --formats csv boris timeline
  # number, total, mean and share of each class, by video and over all
  %(prog)s videos CONFIG --formats budget budget-picture
  # everybody in a video separately; MediaPipe, the default, only finds one person
  %(prog)s match.mp4 CONFIG --person each --pose-estimator rtmlib
  # an exported model, which only needs mmskelseg-runtime
  %(prog)s take1.mp4 model.onnx --poses take1.json
  # the mean of three training runs
  %(prog)s take1.mp4 CONFIG seed_0.pth --ensemble seed_1.pth seed_2.pth
  # the test videos of a data set, with the ground truth above the prediction
  %(prog)s data/mine/annotations.pkl CONFIG --split test
"""
#: Yields the predictions of inputs.
Stream: TypeAlias = Callable[..., Iterator[dict[str, list]]]
Opener: TypeAlias = Callable[[argparse.Namespace], Stream]
# Of `FileOptions`.
_FILES = ('formats', 'codec', 'line_minutes')
# Number of segments of a video that are printed.
SHOWN = 10


def _add_arguments(
    device: Callable[[str], str], parser: argparse.ArgumentParser
) -> None:
    parser.usage = (
        '%(prog)s [-h] INPUT... (CONFIG [CHECKPOINT] | CHECKPOINT | MODEL.onnx | '
        '--model NAME) [OPTION...]'
    )
    parser.add_argument(
        'inputs',
        metavar='INPUT',
        nargs='+',
        help='videos, poses, annotations or folders; then the config file of a '
        'training, or its name, and a checkpoint if it is not the last one; or an '
        'exported model',
    )
    add_model(parser)
    add_ensemble(parser)
    parser.add_argument(
        '--out',
        help='output folder (default: work_dirs/segment/NAME of a single input, else '
        'work_dirs/segment)',
    )
    add_input_options(parser)
    add_inference_options(parser, device)
    parser.add_argument(
        '--min-score',
        type=number_from(0, 1),
        default=0.0,
        metavar='P',
        help='minimum mean probability of a segment; others get no label '
        '(default: %(default)s)',
    )
    add_fields(parser, FileOptions, *_FILES)


def _show(prediction: Prediction) -> None:
    """Print the first segments of a video."""
    segments = prediction['segments']
    seconds = prediction['total_frames'] / prediction['fps']
    print(
        f'{prediction["frame_dir"]}: {counted(len(segments), "segment")} in '
        f'a video of {seconds:.1f} s, {prediction["total_frames"]} frames at '
        f'{prediction["fps"]:g} fps'
    )
    for item in segments[:SHOWN]:
        times = f'{item["start"]:9.2f} {item["end"]:9.2f}'
        name = class_name(item['label'], item.get('tier', ''))
        print(f'{times}  {item["score"]:4.0%}  {name}')
    if len(segments) > SHOWN:
        print(f'      ... and {len(segments) - SHOWN} more')


def _run(open_trained: Opener | None, args: argparse.Namespace) -> None:
    split_model(args)
    check_model(args, exported_only=open_trained is None)
    out = Path(args.out or 'work_dirs/segment')
    if args.out is None and len(args.inputs) == 1:
        out /= Path(args.inputs[0]).resolve().name
    if open_trained is None or _is_for_onnx(args):
        stream = _open_exported(args)
    else:
        stream = open_trained(args)
    batches = stream(
        args.inputs,
        **input_options(args),
        min_score=args.min_score,
        out_dir=out,
        formats=args.formats or (),
        codec=args.codec,
        line_minutes=args.line_minutes,
    )
    for batch in batches:
        for prediction in batch['predictions']:
            _show(prediction)
    print(f'The files are in {out}')


def _is_for_onnx(args: argparse.Namespace) -> bool:
    """Return whether ONNX Runtime runs the model, although there is PyTorch."""
    if args.model is None:
        return is_exported(args.config)
    # For these options, the checkpoint of the same model runs in PyTorch.
    return args.batch_size == 1 and args.device in (None, 'cpu')


def _open_exported(args: argparse.Namespace) -> Stream:
    model = args.model or args.config
    if args.batch_size != 1:
        raise UserError(
            f'{model}: an exported model processes one video after another; '
            'leave --batch-size out.'
        )
    estimator = pose_estimator(args)
    return OnnxSegmenter(model, args.device, pose_estimator=estimator).stream


def segment_command(
    open_trained: Opener | None = None, device: Callable[[str], str] = str
) -> Callable[..., int | None]:
    """Return the ``main`` of the command.

    ``open_trained`` opens models that need PyTorch, if it is there; ``device`` is the
    ``type`` of --device, as in argparse.
    """
    return command(
        __doc__,
        partial(_add_arguments, device),
        partial(_run, open_trained),
        EXAMPLES,
        kept='written files are complete; the same command starts from the beginning, '
        'so name only the remaining videos.',
    )


main = segment_command()
