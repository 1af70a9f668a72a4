"""Predictions for all recordings, and what to check first: run by the studio."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.runtime.files.annotations import load_annotations
from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.messages.errors import UserError, user_errors
from mmskelseg.runtime.structures.predictions import Prediction
from mmskelseg.suggesting.suggestions import StretchRanking

#: Seconds of a stretch to check, and the most minutes of all.
STRETCH, BUDGET = 5.0, 30.0


def open_model(model: str) -> SkelSegInferencer:
    """Open a model: a folder, a checkpoint, or the name of one of the package."""
    if Path(model).is_file():
        return SkelSegInferencer(None, model, show_progress=False)
    return SkelSegInferencer(model, show_progress=False)


def predict(model: str, ann_file: str, out: str) -> None:
    """Write a model's predictions, and the stretches to check, as JSON.

    ``ann_file`` has the recordings, with the labels that there are.
    """
    segment = open_model(model)
    meta = segment.dataset_meta
    ranking = StretchRanking(meta['classes'], STRETCH, tiers=meta.get('tiers'))
    tiers = list(meta.get('tiers', {'': None}))
    count = len(load_annotations(ann_file)['annotations'])
    recordings: dict[str, Any] = {}
    for i, batch in enumerate(segment.stream([ann_file], batch_size=1), 1):
        (prediction,) = batch['predictions']
        print(f'[{i}/{count}] Predicting {prediction["frame_dir"]}', flush=True)
        recordings[prediction['frame_dir']] = _segments(prediction, tiers)
        ranking.add(prediction)
    try:
        doubts = [item.row() for item in ranking.choose(BUDGET)]
    except UserError:
        # Everything is labelled.
        doubts = []
    content = {'recordings': recordings, 'doubts': doubts}
    atomic_write_text(out, json.dumps(content))


def _segments(
    prediction: Prediction, tiers: Sequence[str]
) -> list[list[tuple[int, int, int, float | None]]]:
    """Return first frame, end, class and score of the segments of each tier."""
    rows: Mapping[str, list] = {tier: [] for tier in tiers}
    for one in prediction['segments']:
        place = one['start_frame'], one['end_frame'], one['label_id'], one['score']
        rows[one.get('tier', '')].append(place)
    return list(rows.values())


if __name__ == '__main__':
    with user_errors():
        predict(*sys.argv[1:])
