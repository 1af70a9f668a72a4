"""Predictions for all recordings, and what to check first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from mmskelseg.datasets.suggestions import IntervalRanking
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_runtime.commands.models import is_onnx
from mmskelseg_runtime.segmenting.explaining import carrier, explain_moments, weigh
from mmskelseg_runtime.segmenting.segmenter import OnnxSegmenter, Segmenter
from mmskelseg_studio.results import PredictedSegment, Predictions, Uncertain

#: Seconds of an interval to check, and the most minutes of all.
INTERVAL, BUDGET = 5.0, 30.0


def open_model(model: str) -> Segmenter:
    """Open a model: a folder, a checkpoint, an exported model, or a name."""
    if is_onnx(model):
        return OnnxSegmenter(model, show_progress=False)
    # It imports PyTorch, which the studio itself does not need.
    from mmskelseg.apis import SkelSegInferencer

    return SkelSegInferencer(model, show_progress=False)


@dataclass(frozen=True, kw_only=True)
class Predict(Job[Predictions]):
    """Returns a model's predictions, and what to check first."""

    model: str = argument('a folder, a file, or the name of a model')
    ann_file: Path = argument('the recordings, with the labels that there are')

    def run(self, events: Events) -> Predictions:
        """Predict all recordings."""
        segment = open_model(self.model)
        batches = segment.stream([self.ann_file], batch_size=1)
        found = (one for batch in batches for one in batch['predictions'])
        frames = [
            int(video['total_frames'])
            for video in load_annotations(self.ann_file)['annotations']
        ]
        given = segment.metainfo, timed(found, frames, events)
        explain = partial(add_carriers, segment, self.ann_file, events)
        return with_doubts(*given, explain)


def timed(
    predictions: Iterable[Prediction], frames: Sequence[int], events: Events
) -> Iterator[Prediction]:
    """Yield predictions of recordings with so many frames, and report how long."""
    began, done = monotonic(), 0
    for i, prediction in enumerate(predictions):
        yield prediction
        done += frames[i]
        left = (monotonic() - began) * (sum(frames) / done - 1)
        text = f'Predicted {prediction["frame_dir"]}'
        events.progress(text, i + 1, len(frames), left)


def add_carriers(
    model: Segmenter, ann_file: Path, events: Events, rows: Sequence[dict[str, Any]]
) -> None:
    """Add to the reasons of intervals what carries the label there.

    Those come first that are to be checked first, as many as do not take long.
    """
    if model.needs_video or not model.needs_poses:
        return
    wanted = {row['video'] for row in rows}
    _, read = model.videos([ann_file])
    videos = {v['frame_dir']: v for v in read if v['frame_dir'] in wanted}
    places = ((videos[r['video']], r['start_frame'], r['end_frame']) for r in rows)
    explained = zip(rows, explain_moments(model, places), strict=False)
    for i, (row, found) in enumerate(explained):
        events.progress('Finding what carries labels', i + 1, len(rows))
        for reasons, k in found:
            if part := carrier(weigh(found)):
                name = model.classes[reasons.spans[k].row]
                row['reason'] += f'; {name}: {part}'


def with_doubts(
    meta: Metainfo,
    predictions: Iterable[Prediction],
    explain: Callable[[Sequence[dict[str, Any]]], None] = lambda _: None,
) -> Predictions:
    """Return predictions, and what to check first.

    ``explain`` may add to the reasons of what to check.
    """
    ranking = IntervalRanking(meta['classes'], INTERVAL, tiers=meta.get('tiers'))
    tiers = list(meta.get('tiers', {'': None}))
    recordings = {}
    for prediction in predictions:
        recordings[prediction['frame_dir']] = _segments(prediction, tiers)
        ranking.add(prediction)
    try:
        uncertain: list[dict[str, Any]] = [i.row() for i in ranking.choose(BUDGET)]
    except UserError:
        # Everything is labelled.
        uncertain = []
    explain(uncertain)
    keys = [one.name for one in fields(Uncertain)]
    doubts = [Uncertain(**{key: row[key] for key in keys}) for row in uncertain]
    return Predictions(recordings, doubts)


def _segments(
    prediction: Prediction, tiers: Sequence[str]
) -> list[list[PredictedSegment]]:
    """Return first frame, end, class and score of the segments of each tier."""
    rows: Mapping[str, list] = {tier: [] for tier in tiers}
    for one in prediction['segments']:
        place = one['start_frame'], one['end_frame'], one['label_id'], one['score']
        rows[one.get('tier', '')].append(place)
    return list(rows.values())
