"""Loading of trained weights into a model, and the data that they were trained on."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from torch import Tensor, nn

from mmskelseg.checkpoints.reading import meta_of, tensors_of
from mmskelseg_io.files.metainfo_checks import check_metainfo
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.settings import flat_settings
from mmskelseg_io.structures.annotations import Metainfo

_TRAINED = 'use the config that it was trained with, which is in its work folder'
# Settings of branches that decide which frames a model sees, with their defaults.
_VISIBLE_FRAMES = {'causal': False, 'lookahead': 0, 'block_windows': False}


def load_weights(model: nn.Module, checkpoint: object, source: str) -> None:
    """Load all weights of a model from the content of a checkpoint.

    Raises:
        UserError: As :func:`check_weights` does.
    """
    own = model.state_dict()
    state = used_tensors(tensors_of(checkpoint, source), own)
    check_weights(state, own, source)
    model.load_state_dict(state)


def used_tensors(
    state: Mapping[str, Tensor], own: Collection[str]
) -> dict[str, Tensor]:
    """Return the tensors without statistics of post-processing that a model lacks.

    Post-processing can be left out, or differ from that in training.
    """
    return {
        key: value
        for key, value in state.items()
        if key in own or not key.startswith('postprocess.')
    }


def check_weights(
    state: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    source: str,
    *,
    some: bool = False,
    what: str = 'a checkpoint of the model in the config',
    remedy: str = _TRAINED,
) -> tuple[list[str], list[str]]:
    """Return the tensors that a checkpoint lacks, and those that a model lacks.

    Args:
        state: The tensors of the checkpoint.
        own: The tensors of the model.
        source: The file of the checkpoint, for messages.
        some: Whether it is enough that both share some tensors.
        what: What the file should be, for messages.
        remedy: What to do otherwise.

    Raises:
        UserError: If the tensors differ in names or shapes, or are not finite.
    """
    wrong = f'{source}: not {what}'
    for key in own.keys() & state.keys():
        if state[key].shape != own[key].shape:
            raise UserError(
                f'{wrong}: {key} has the shape {tuple(state[key].shape)}, expected '
                f'{tuple(own[key].shape)}; {remedy}.'
            )
    check_finite(state, source)
    # Batch norms of old checkpoints have no counters, and need none.
    counters = {key for key in own if key.endswith('num_batches_tracked')}
    missing = sorted(own.keys() - state.keys() - counters)
    foreign = sorted(state.keys() - own.keys())
    fits = len(missing) < len(own) if some else not (missing or foreign)
    decoders = all(key.startswith('postprocess.') for key in (*missing, *foreign))
    if not fits and not some and decoders:
        raise UserError(
            f'{source}: has no statistics for model.postprocess of the config; set '
            '`frames` of MinDuration, leave other steps out, or train again.'
        )
    if not fits:
        raise UserError(
            f"{wrong}: it lacks {len(missing)} of the model's {len(own)} tensors "
            f'({listed(missing, 2)}) and has {len(foreign)} others '
            f'({listed(foreign, 2)}); {remedy}.'
        )
    return missing, foreign


def check_finite(state: Mapping[str, object], source: str) -> None:
    """Raise a UserError if a tensor has values that are not finite, and name it.

    Complex values are refused too, since a model would drop their imaginary part.
    """
    for key, value in state.items():
        if isinstance(value, Tensor) and value.is_complex():
            raise UserError(
                f'{source}: {key} is of {value.dtype}, expected real numbers; use the '
                'checkpoint of a model of this package, or convert it again.'
            )
        if not isinstance(value, Tensor) or not value.is_floating_point():
            continue
        wrong = int((~value.isfinite()).sum())
        if wrong:
            raise UserError(
                f'{source}: {wrong} of the {value.numel()} values of {key} are not '
                'finite, so the model cannot predict anything; its training diverged. '
                'Use an earlier checkpoint, or train again at a lower learning rate.'
            )


def trained_features(checkpoint: object) -> Mapping[str, object] | None:
    """Return ``dataset.features`` of the training of a checkpoint; None if unknown."""
    return _trained_settings(checkpoint, 'test_dataloader', 'dataset', 'features')


def check_visible_frames(branches: object, checkpoint: object, source: str) -> None:
    """Raise a UserError if branches let a model see different frames than in training.

    The weights would load, but the labels would be wrong. ``branches`` are
    ``model.branches`` of a config.
    """
    trained = _trained_settings(checkpoint, 'model', 'branches')
    if trained is None or not isinstance(branches, Mapping):
        return
    for modality, now in branches.items():
        then = trained.get(modality)
        if not isinstance(now, Mapping) or not isinstance(then, Mapping):
            continue
        for key, default in _VISIBLE_FRAMES.items():
            before, after = then.get(key) or default, now.get(key) or default
            if before != after:
                raise UserError(
                    f'{source}: was trained with model.branches.{modality}.{key}='
                    f'{before!r}, but the config has {after!r}; {_TRAINED}.'
                )


def _trained_settings(checkpoint: object, *keys: str) -> Mapping[str, object] | None:
    """Return a part of the config in a checkpoint; None if there is no config."""
    text = meta_of(checkpoint).get('cfg')
    if not isinstance(text, str):
        return None
    part: object = Config.fromstring(text, '.py')._cfg_dict
    for key in keys:
        part = part.get(key) or {} if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else None


def check_class_order(
    trained: Sequence[str], classes: Sequence[str] | None, source: str, data: str
) -> None:
    """Raise a UserError if a class has another id in a data set than in training.

    Classes with other names, such as translated ones, are not compared. Messages name
    ``source``, the checkpoint or the training data, and ``data``, the data set's file.
    """
    for label, name in enumerate(classes or ()):
        if name in trained and trained.index(name) != label:
            raise UserError(
                f'{data}: class {name!r} has the id {label}, but in {source} the id '
                f'{trained.index(name)}; metainfo.classes must have the order of the '
                f'model: convert keypoints --classes {shlex.join(map(str, trained))}.'
            )


def trained_data(checkpoint: object, source: str) -> Metainfo:
    """Return the metainfo of the data that a model was trained on; {} if unknown.

    Raises:
        UserError: If it is not what an annotation file could state.
    """
    meta = meta_of(checkpoint).get('dataset_meta')
    if not isinstance(meta, dict):
        return {}
    return check_metainfo(meta, source)


def changed_features(then: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Describe the differences between two ``dataset.features``; '' if there are none.

    Batch sizes, the folders of files, and whether features are made online are ignored.
    """
    # Only the names of files, since the same weights may be elsewhere.
    before, after = (
        {k: Path(v).name if isinstance(v, str) else v for k, v in flat_settings(each)}
        for each in (then, now)
    )
    same = ('batch_size', '.online')
    changed = [
        f'{key} was {before.get(key)!r} and is {after.get(key)!r}'
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and not key.endswith(same)
    ]
    return '; '.join(changed[:3]) + ('; ...' if len(changed) > 3 else '')
