"""Files of suggestions: tables, and drafts for labelling tools."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmskelseg.datasets.suggestions import IntervalRanking, Suggestion, totals_of_videos
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.labels import Segment, VideoSegments
from mmskelseg_io.labels.segments import tiers_to_segments
from mmskelseg_io.labels.text import write_rows
from mmskelseg_io.structures.segments import IGNORED


def drafts(
    ranking: IntervalRanking, suggestions: Sequence[Suggestion]
) -> list[VideoSegments]:
    """Return the videos with suggestions, to be corrected in a labelling tool.

    Their segments are the existing labels and, in unlabelled parts of the intervals,
    the predictions. Elsewhere, predictions are left out, so that unchecked ones never
    become labels. Their marks are the intervals.
    """
    videos = []
    for name, *_ in totals_of_videos(suggestions):
        video = ranking.videos[name]
        chosen = [item for item in suggestions if item.video == name]
        predicted = np.full_like(video.pred_label, IGNORED)
        for item in chosen:
            part = slice(item.start_frame, item.end_frame)
            predicted[..., part] = video.pred_label[..., part]
        predicted[video.label != IGNORED] = IGNORED
        fps, tiers = video.fps, ranking.rows
        segments = [
            *tiers_to_segments(video.label, fps, tiers),
            *tiers_to_segments(predicted, fps, tiers, video.pred_score),
        ]
        videos.append(
            VideoSegments(
                name,
                [
                    replace(segment, individual=video.person)
                    for segment in sorted(segments, key=lambda segment: segment.start)
                ],
                fps,
                video.label.shape[-1],
                video.filename,
                tuple(
                    Segment(item.start, item.end, item.reason)
                    for item in sorted(chosen, key=lambda item: item.start_frame)
                ),
            )
        )
    return videos


def write_suggestions(
    suggestions: Sequence[Suggestion], folder: str | os.PathLike, **more: object
) -> list[Path]:
    """Write ``suggestions.csv`` and ``.json``; the latter also has further keys."""
    rows = [{'rank': i, **item.row()} for i, item in enumerate(suggestions, 1)]
    table, file = (Path(folder, f'suggestions.{kind}') for kind in ('csv', 'json'))
    write_rows(table, rows[0], (row.values() for row in rows))
    content = json.dumps({**more, 'stretches': rows}, ensure_ascii=False, indent=1)
    atomic_write_text(file, content)
    return [table, file]
