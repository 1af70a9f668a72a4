"""Segments videos, or skeletons of videos, by a trained model.

    %(prog)s take1.mp4 skelseg/toy_joint_limb epoch_30.pth --out out

INPUT is a video; a file of poses, as MMPose, OpenPose (a folder a video), MediaPipe,
DeepLabCut, SLEAP and others write them; an annotations.pkl; or a folder of these.
CONFIG is a file, or the name of one that comes with the package; the one of a training
lies in its work folder. CHECKPOINT is what training wrote; with more of the same config
(--ensemble), probabilities are averaged. In place of both, a file that
`mmskelseg export` wrote, MODEL.onnx, is enough; it runs without PyTorch. --model takes
one that comes with the package.

A model of skeletons needs the poses of a video: a file (--poses), else one of the same
name beside it in a folder, else they are estimated (--pose-estimator). They must have
the joints that the model was trained with.

OUT gets, with the video's id in front where there are several videos:

  segments.csv      start and end in seconds, class and confidence
  segments.json     the same with frames, classes, notes and the time budget
  segments.srt      subtitles: put them beside the video under its name
  segments.eaf      ELAN
  boris_events.csv  BORIS' aggregated events
  timeline.png      what happens when
  overlay.mp4       the video with skeleton, label and timeline
  poses.npz         poses that were estimated, for --poses of a later run

and with --formats budget or budget-picture also time_budget.csv or .png: number, total,
mean and share of each class and how often one follows another, by video and over all.

With --person each, files have the names of video and person in front; timeline.png and
overlay.mp4 are of the video and show all of its people.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from mmskelseg.commands.arguments import (
    SettingsAction,
    add_ensemble,
    add_input_options,
    add_model,
    check_model,
    is_exported,
    load_inferencer,
    pose_estimator,
    split_model,
)
from mmskelseg.utils.choices import CODECS, DEFAULT_EXPORTS, EXPORTS
from mmskelseg.utils.command_line import (
    add_line_minutes,
    command,
    device,
    number_from,
    whole_from,
)

EXAMPLES = """examples:
  # strikes and kicks, by a model that comes with the package
  %(prog)s me.mp4 --model precog
  # a video, poses estimated by MediaPipe
  %(prog)s take1.mp4 work_dirs/mine/mine.py work_dirs/mine/epoch_100.pth
  # the same with poses that MMPose wrote, on the CPU
  %(prog)s take1.mp4 CONFIG CHECKPOINT --poses take1.json --device cpu
  # skeletons alone
  %(prog)s openpose_output/take1 CONFIG CHECKPOINT --fps 25
  # every video of a folder, poses by RTMPose, files to correct in BORIS and no overlay
  %(prog)s videos CONFIG CHECKPOINT --pose-estimator rtmlib \\
      --formats csv boris timeline
  # number, total, mean and share of each class, of each video and of all
  %(prog)s videos CONFIG CHECKPOINT --formats budget budget-picture
  # everybody in a video on their own; MediaPipe, the default, finds one person only
  %(prog)s match.mp4 CONFIG CHECKPOINT --person each --pose-estimator rtmlib
  # an exported model, where only mmskelseg-runtime may be installed
  %(prog)s take1.mp4 model.onnx --poses take1.json
  # the mean of three trainings
  %(prog)s take1.mp4 CONFIG seed_0.pth --ensemble seed_1.pth seed_2.pth
  # the test videos of a data set, their labels above the prediction
  %(prog)s data/mine/annotations.pkl CONFIG CHECKPOINT --split test
"""
# Segments of a video that are printed.
SHOWN = 10


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        '%(prog)s [-h] INPUT... (CONFIG CHECKPOINT | MODEL.onnx | --model NAME) '
        '[OPTION...]'
    )
    parser.add_argument(
        'inputs',
        metavar='INPUT',
        nargs='+',
        help='videos, poses, annotations, folders; then a config file, or its name, '
        'and a checkpoint file, or an exported model',
    )
    add_model(parser)
    add_ensemble(parser)
    parser.add_argument(
        '--out',
        default='work_dirs/demo',
        help='folder for what is written (default: %(default)s)',
    )
    add_input_options(parser)
    parser.add_argument(
        '--device', type=device, help='such as cpu or cuda:0 (default: a GPU, if any)'
    )
    parser.add_argument(
        '--batch-size',
        type=whole_from(1),
        default=1,
        help='videos that go through the model together; more need more memory '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--min-score',
        type=number_from(0, 1),
        default=0.0,
        metavar='P',
        help='leave segments whose mean probability is below P without a label '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=tuple(EXPORTS),
        help=f'what to write (default: {" ".join(DEFAULT_EXPORTS)}, and poses where '
        'they are estimated)',
    )
    parser.add_argument(
        '--codec',
        choices=CODECS,
        default='mp4v',
        help='of the overlay: mp4v is written by any OpenCV, avc1 (H.264) by PyAV '
        'or few, vp09 (VP9) takes long; browsers play these two (default: %(default)s)',
    )
    add_line_minutes(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        metavar='KEY=VALUE',
        help='settings that replace those of the config, as in training',
    )


def _show(prediction: Mapping[str, Any]) -> None:
    """Print the first segments of a video."""
    segments = prediction['segments']
    seconds = prediction['total_frames'] / prediction['fps']
    print(
        f'{prediction["frame_dir"]}: {len(segments)} segments in {seconds:.1f} s, '
        f'{prediction["total_frames"]} frames at {prediction["fps"]:g} fps'
    )
    for item in segments[:SHOWN]:
        times = f'{item["start"]:9.2f} {item["end"]:9.2f}'
        print(f'{times}  {item["score"]:4.0%}  {item["label"]}')
    if len(segments) > SHOWN:
        print(f'      ... and {len(segments) - SHOWN} more')


def _run(args: argparse.Namespace) -> None:
    split_model(args)
    check_model(args, 'ensemble', 'cfg_options')
    poses = args.poses
    batches = _stream(args)(
        args.inputs,
        poses=poses[0] if poses is not None and len(poses) == 1 else poses,
        split=args.split,
        person=args.person,
        fps=args.fps,
        min_score=args.min_score,
        out_dir=args.out,
        formats=args.formats or (),
        codec=args.codec,
        line_minutes=args.line_minutes,
    )
    for batch in batches:
        for prediction in batch['predictions']:
            _show(prediction)


def _stream(args: argparse.Namespace) -> Callable[..., Iterator[dict[str, list]]]:
    """Return what yields the predictions of inputs."""
    if is_exported(args.config):
        from mmskelseg.runtime import OnnxSegmenter

        estimator = pose_estimator(args)
        return OnnxSegmenter(args.config, args.device, pose_estimator=estimator).stream
    return partial(load_inferencer(args).stream, batch_size=args.batch_size)


main = command(
    __doc__,
    _add_arguments,
    _run,
    EXAMPLES,
    kept='files that were written are whole; the same command begins anew, or name the '
    'videos that are left.',
)
