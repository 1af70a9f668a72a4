"""Ensembles: averages of several models' predictions for the same videos."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmskelseg.evaluation.predictions import Sample, load_samples
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.decoding import decode
from mmskelseg_runtime.decoding.steps import LabelFunction

# The fields of a prediction that follow from the others' averages.
_CLASSES = ('pred_label', 'pred_score', 'pred_logit')


def predicted_fields(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a sample that a model predicts."""
    return {k: v for k, v in sample.items() if k[:5] == 'pred_' or k == 'raw_label'}


def average_predictions(
    members: Sequence[Mapping[str, Tensor]], weights: Sequence[float] | None = None
) -> dict[str, Tensor]:
    """Return the prediction of an ensemble for one video.

    Args:
        members: The prediction of each member: ``pred_score`` (K, T), the
            probabilities, and optionally further fields (T,), such as
            ``pred_entropy``.
        weights: Weight of each member, with any positive sum; by default all equal.

    Returns:
        ``pred_score``, the mean of the probabilities; ``pred_logit``, its logarithm;
        and the means of the further fields that all members have. The entropy of
        ``pred_score`` minus the mean of the members' entropies is their disagreement, a
        mutual information.

    >>> columns = [[0.6], [0.4], [0.0]], [[0.0], [0.4], [0.6]]
    >>> members = [{'pred_score': torch.tensor(column)} for column in columns]
    >>> labelled(average_predictions(members), [3])['pred_label']
    tensor([1])
    """
    weights = [1.0] * len(members) if weights is None else weights

    def mean(field: str) -> Tensor:
        rows = (w * m[field].float() for w, m in zip(weights, members, strict=True))
        return torch.stack(list(rows)).sum(dim=0) / sum(weights)

    score = mean('pred_score')
    averaged = {
        'pred_score': score,
        # Finite even if every member rounds a probability to 0.
        'pred_logit': score.clamp_min(torch.finfo(score.dtype).tiny).log(),
    }
    for field in members[0]:
        further = field[:5] == 'pred_' and field not in _CLASSES
        if further and all(field in member for member in members):
            averaged[field] = mean(field)
    return averaged


def labelled(
    prediction: Mapping[str, Tensor],
    tiers: Sequence[int] | None = None,
    steps: Sequence[Iterable[LabelFunction]] = (),
) -> dict[str, Tensor]:
    """Return a video's prediction with its labels, by :func:`decode`.

    ``tiers`` are the numbers of classes of each tier; None for one tier.
    """
    if len(tiers or '1') == 1 and not any(map(list, steps)):
        # Keep tensors on their device, so that nothing waits for it.
        return {**prediction, 'pred_label': prediction['pred_score'].argmax(dim=0)}
    arrays = {key: value.cpu().numpy() for key, value in prediction.items()}
    decoded = decode(arrays, tiers, [list(own) for own in steps])
    device = prediction['pred_score'].device
    labels = {k: decoded[k] for k in ('pred_label', 'raw_label') if k in decoded}
    return {
        **prediction, **{k: torch.from_numpy(v).to(device) for k, v in labels.items()}
    }  # fmt: skip


def average_dumps(
    paths: Sequence[str | os.PathLike], weights: Sequence[float] | None = None
) -> list[dict[str, Any]]:
    """Return the ensemble of several models' dumped predictions for the same videos.

    Args:
        paths: Files of ``mmskelseg test --dump``.
        weights: Weight of each dump; by default all equal.

    Returns:
        The sample of each video from the first dump, with the prediction of
        :func:`average_predictions`, and the predictions of all dumps in ``members``.
        Unlike the labels of the members, those of the average are not post-processed.

    Raises:
        UserError: If a dump cannot be read, or differs from the first one in videos,
            frames, labels or classes; the message names dump and video.
    """
    dumps = [load_samples(path) for path in paths]
    for path, dump in zip(paths, dumps, strict=True):
        _check_dump(dump, str(path), dumps[0], str(paths[0]))
    averaged = []
    for name, sample in dumps[0].items():
        members = [
            {k: torch.as_tensor(v) for k, v in predicted_fields(dump[name]).items()}
            for dump in dumps
        ]
        tiers = sample.get('tiers')
        sizes = None if tiers is None else [len(names) for names in tiers.values()]
        prediction = labelled(average_predictions(members, weights), sizes)
        predicted = predicted_fields(sample)
        kept = {key: value for key, value in sample.items() if key not in predicted}
        averaged.append({**kept, **prediction, 'members': members})
    return averaged


def _check_dump(
    dump: Mapping[str, Sample],
    path: str,
    first: Mapping[str, Sample],
    first_path: str,
) -> None:
    """Raise a UserError if a dump cannot be averaged with the first one."""
    same = 'dump tests of the same annotation file and split'
    for name in (*first, *dump):
        if (name in first) != (name in dump):
            has, lacks = (first_path, path) if name in first else (path, first_path)
            raise UserError(
                f'{lacks}: lacks the video {name}, which {has} has; {same}.'
            )
    for name, sample in dump.items():
        other = first[name]
        if sample.get('pred_score') is None:
            raise UserError(
                f'{path}: video {name} has no pred_score, the probabilities (K, T); '
                'make it with `mmskelseg test CONFIG --dump FILE.pkl`.'
            )
        for field, values in predicted_fields(sample).items():
            if values is not None:
                _check_values(values, f'{path}: {field} of video {name}', field)
        classes, expected = (list(s.get('classes') or ()) for s in (sample, other))
        if classes and expected and classes != expected:
            raise UserError(
                f'{path}: video {name} has the classes {", ".join(classes)}, but in '
                f'{first_path} {", ".join(expected)}; {same}.'
            )
        shape, expected_shape = (tuple(s['pred_score'].shape) for s in (sample, other))
        if shape != expected_shape:
            raise UserError(
                f'{path}: video {name} has probabilities of {shape[0]} classes in '
                f'{shape[-1]} frames, but in {first_path} of {expected_shape[0]} in '
                f'{expected_shape[-1]}; {same}.'
            )
        labels = [
            s['gt_label'] for s in (sample, other) if s.get('gt_label') is not None
        ]
        if len(labels) == 2:
            here, there = map(torch.as_tensor, labels)
            if not torch.equal(here, there):
                frame = int((here != there).nonzero()[0])
                raise UserError(
                    f'{path}: video {name} has the label {int(here[frame])} in frame '
                    f'{frame}, but {int(there[frame])} in {first_path}; {same}.'
                )


def _check_values(values: Tensor | np.ndarray, place: str, field: str) -> None:
    """Raise a UserError if a predicted field has impossible values."""
    values = torch.as_tensor(values)
    wrong = ~values.isfinite()
    if field == 'pred_score':
        # Half precision rounds.
        wrong |= (values < 0) | (values > 1.001)
    if wrong.any():
        frame = int(wrong.nonzero()[0, -1])
        expected = 'probabilities' if field == 'pred_score' else 'finite numbers'
        raise UserError(
            f'{place} is {float(values[wrong][0])} in frame {frame}, expected '
            f'{expected}; make it with `mmskelseg test CONFIG --dump '
            'FILE.pkl`.'
        )
