"""Segments videos or skeletons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Result
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Fraction, Positive, argument, like, option
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.tiers import class_name
from mmskelseg_runtime.commands.models import (
    NamedModel,
    VideosJob,
    refuse_clips,
    split_model,
)
from mmskelseg_runtime.segmenting.predictions import FileOptions
from mmskelseg_runtime.segmenting.segmenter import OnnxSegmenter, Segmenter

EXAMPLES = """examples:
  # strikes and kicks, with a model that comes with the package
  %(prog)s me.mp4 precog
  # a video, with poses estimated by RTMPose
  %(prog)s take1.mp4 model
  # the same with poses from MMPose, on the CPU
  %(prog)s take1.mp4 model --poses take1.json --device cpu
  # with the objects that a detector found
  %(prog)s take1.mp4 model --poses take1.json --objects tracks/take1.txt
  # only skeletons
  %(prog)s openpose_output/take1 model --fps 25
  # every video in a folder, poses from larger networks, files for BORIS, no overlay
  %(prog)s videos model --pose-estimator rtmlib:balanced \\
      --formats csv boris timeline
  # number, total, mean and share of each class, by video and over all
  %(prog)s videos model --formats budget budget-picture
  # everybody in a video separately
  %(prog)s match.mp4 model --person each
  # an exported model, which only needs mmskelseg-runtime
  %(prog)s take1.mp4 model.onnx --poses take1.json
  # the mean of three training runs
  %(prog)s take1.mp4 CONFIG seed_0.pth --ensemble seed_1.pth seed_2.pth
  # the test videos of a data set, with the ground truth above the prediction
  %(prog)s data/mine/annotations.pkl model --split test
"""
# Number of segments of a video that are printed.
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class SegmenterJob(VideosJob[Result]):
    """A job with a model that segments whole videos, and the videos."""

    #: Whether ONNX Runtime runs what PyTorch could run as well.
    exported_first: ClassVar[bool] = True

    def open_segmenter(
        self, model: NamedModel, *, show_progress: bool = True
    ) -> Segmenter:
        """Return a model that ONNX Runtime runs, or else PyTorch.

        Raises:
            UserError: If options do not suit an exported model.
        """
        is_exported = model.is_exported()
        if model.name is not None and self.has_pytorch:
            # For other options, the checkpoint of the same model runs in PyTorch.
            is_plain = self.batch_size == 1 and self.device in (None, 'cpu')
            is_exported = is_exported and is_plain and self.exported_first
        if is_exported and self.batch_size != 1:
            raise UserError(
                f'{model}: an exported model processes one video after another; leave '
                '--batch-size out.'
            )
        if is_exported:
            refuse_clips(str(model), self.clip_seconds, self.label_map)
        segmenter: Segmenter = (
            OnnxSegmenter(str(model), self.device, pose_estimator=self.estimator())
            if is_exported
            else self.with_pytorch(model)
        )
        segmenter.show_progress = show_progress
        return segmenter


@dataclass(frozen=True, kw_only=True)
class Segment(SegmenterJob[Path]):
    """Segments videos, or skeletons of videos, with a trained model.

        %(prog)s take1.mp4 model --out out

    INPUT is a video; a file with poses from MMPose, OpenPose (a folder per video),
    MediaPipe, DeepLabCut, SLEAP and others; an annotations.pkl; or a folder of these.
    MODEL is the folder of a fit, of a training or of a shared model; a checkpoint; a
    file of `mmskelseg export`, which runs without PyTorch; or the name of a model that
    comes with the package (precog) or of a hub (hf:USER/NAME). It may also be CONFIG
    [CHECKPOINT]: a config file, or its name, and a checkpoint, by default the last one
    of its training. --ensemble averages the probabilities of further checkpoints.
    MMAction2's recognisers of skeletons label overlapping clips (--clip-seconds).

    A model that reads skeletons needs the poses of a video. They are read from --poses
    or, if INPUT is a folder, from the file in it with the name of the video; otherwise,
    they are estimated (--pose-estimator). They must have the joints that the model was
    trained on; a table names those that are called otherwise (--joints). A model that
    sees objects needs their tracks as well (--objects).

    OUT gets these files; if there are several videos, their names come first:

      segments.csv      start and end in seconds, class and confidence
      segments.json     the same with frames, classes, notes and the time budget
      segments.srt      subtitles: put them beside the video under its name
      segments.eaf      ELAN
      boris_events.csv  BORIS' aggregated events
      timeline.png      the labels over time
      overlay.mp4       the video with skeleton, label and timeline
      poses.npz         the estimated poses, for --poses of a later run

    With --formats, other files can be chosen: segments.boris (boris), label_studio.json
    (label-studio), segments.parquet (parquet), overlay.gif (gif), and time_budget.csv
    or .png (budget, budget-picture); and of people at work risk.csv (risk), REBA and
    RULA of each class, risk_frames.csv (risk-frames), these and joint angles of each
    frame, and risk.png (risk-picture), the worst moments. A time budget states for each
    class the number of segments, their total and mean duration, their share of the
    video, and how often each other class comes next, for each video and for all.

    With --person each, each person has their own files, which begin with the names of
    video and person; timeline.png and overlay.mp4 show all people of a video.
    """

    kept = (
        'written files are complete; the same command starts from the beginning, so '
        'name only the remaining videos.'
    )
    examples = EXAMPLES
    usage = '%(prog)s [-h] INPUT... MODEL [OPTION...]'
    inputs: Sequence[str] = argument(
        'videos, poses, annotations or folders; after them the model',
        metavar='INPUT',
    )
    out: Path | None = option(
        'output folder (default: work_dirs/segment/NAME of a single input, else '
        'work_dirs/segment)',
        None,
    )
    min_score: Fraction = option(
        'minimum mean probability of a segment; others get no label (default: '
        '%(default)s)',
        0.0,
        metavar='P',
    )
    formats: Sequence[str] = like(FileOptions, 'formats')
    codec: str = like(FileOptions, 'codec')
    line_minutes: Positive | None = like(FileOptions, 'line_minutes')
    station: Path | None = like(FileOptions, 'station')

    def written(self) -> list[Path]:
        """Return the output folder."""
        out = self.out or Path('work_dirs/segment')
        inputs, *_ = split_model(self.inputs, self.model)
        if self.out is None and len(inputs) == 1:
            out /= Path(inputs[0]).resolve().name
        return [out]

    def run(self, events: Events) -> Path:
        """Segment the inputs, write the files, and return their folder."""
        inputs, model = self.named()
        (out,) = self.written()
        batches = self.open_segmenter(model).stream(
            inputs,
            batch_size=self.batch_size,
            **self.stream_options(),
            min_score=self.min_score,
            out_dir=out,
            formats=self.formats,
            codec=self.codec,
            line_minutes=self.line_minutes,
            station=self.station,
        )
        for batch in batches:
            for prediction in batch['predictions']:
                events.note('\n'.join(_lines(prediction)))
        events.note(f'The files are in {out}')
        return out


def _lines(prediction: Prediction) -> Iterator[str]:
    """Yield lines about the first segments of a video."""
    segments = prediction['segments']
    seconds = prediction['total_frames'] / prediction['fps']
    yield (
        f'{prediction["frame_dir"]}: {counted(len(segments), "segment")} in '
        f'a video of {seconds:.1f} s, {prediction["total_frames"]} frames at '
        f'{prediction["fps"]:g} fps'
    )
    for item in segments[:SHOWN]:
        times = f'{item["start"]:9.2f} {item["end"]:9.2f}'
        name = class_name(item['label'], item.get('tier', ''))
        yield f'{times}  {item["score"]:4.0%}  {name}'
    if len(segments) > SHOWN:
        yield f'      ... and {len(segments) - SHOWN} more'


main = Segment.main
