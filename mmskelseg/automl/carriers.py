"""What carries each class, by a few segments in videos of a fit."""

from collections.abc import Mapping, Sequence
from math import inf
from time import monotonic
from typing import Any

import numpy as np

from mmskelseg.automl.held_out import predictions_of
from mmskelseg.automl.steps import Outcome
from mmskelseg.automl.trials import Setup
from mmskelseg_behaviour.functional.videos import Video, videos_of_tiers
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.structures.predictions import InputVideo
from mmskelseg_io.structures.segments import to_segments
from mmskelseg_runtime.segmenting.explaining import (
    Reasons,
    are_few,
    explain_moments,
    weigh,
    words,
)
from mmskelseg_runtime.segmenting.segmenter import OnnxSegmenter

# The most segments of each class.
_SEGMENTS = 5


def find_carriers(
    setup: Setup, outcome: Outcome, events: Events, deadline: float = inf
) -> list[dict[str, Any]]:
    """Return what carries each class of the final model that it predicts.

    It is tried on test videos or, without these, on those that it was trained on. What
    carries the classes of models that read frames of videos is not known. As many
    segments of each class are explained as do not take long. If the time is over
    before, nothing is returned, since a part of them would say what is not so.

    Args:
        setup: The fit, with its final model.
        outcome: Its predictions of held-out videos tell where to look, where there are
            no test videos.
        events: Gets the progress.
        deadline: When it has to be finished, by ``time.monotonic``.
    """
    model = OnnxSegmenter(setup.folder.exported, show_progress=False)
    if model.needs_video or not model.needs_poses:
        return []
    split, videos = None, outcome.held_out.videos if outcome.held_out else {}
    if setup.data.has_test:
        split, videos = 'test', predictions_of(setup.folder.predictions)
    _, read = model.videos([setup.folder.ann_file], split=split)
    shown = {video['frame_dir']: video for video in read}
    moments: Sequence[tuple[int, str, int, int]] = []
    places: list[tuple[InputVideo, int, int]] = []
    for most in range(_SEGMENTS, 0, -1):
        moments = _moments(setup, videos, most)
        places = [(shown[name], start, end) for _, name, start, end in moments]
        if are_few(model, places):
            break
    else:
        events.note('What carries each class is left out, since it would take long.')
        return []
    chosen: dict[int, list[tuple[Reasons, int]]] = {}
    explained = zip(moments, explain_moments(model, places), strict=True)
    for i, ((row, *_), found) in enumerate(explained):
        if monotonic() > deadline:
            events.note('What carries each class is left out, since the time is over.')
            return []
        events.progress('Finding what carries each class', i + 1, len(moments))
        chosen.setdefault(row, []).extend(
            (one, k) for one, k in found if one.spans[k].row == row
        )
    return [
        {'class': model.classes[row], 'segments': len(own), 'words': words(weigh(own))}
        for row, own in sorted(chosen.items())
        if own
    ]


def _moments(
    setup: Setup, videos: Mapping[str, Video], most: int
) -> Sequence[tuple[int, str, int, int]]:
    """Return class, video, first frame and end of up to ``most`` segments of each."""
    rng = np.random.default_rng(setup.seed)
    found: dict[int, list[tuple[int, str, int, int]]] = {}
    for tier, own in videos_of_tiers(videos, setup.data.metainfo):
        for name, video in own.items():
            for start, end, k in to_segments(video.pred):
                row = tier.rows.start + k
                found.setdefault(row, []).append((row, name, start, end))
    return [
        own_moments[k]
        for own_moments in found.values()
        for k in rng.permutation(len(own_moments))[:most]
    ]
