"""The text of a config for a user's own annotation file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.engine.planning import CROP_FRAMES, SCRIPT_FRAMES, Plan
from mmskelseg.runtime.files.configs import find_config
from mmskelseg.runtime.structures.annotations import Metainfo
from mmskelseg.runtime.structures.tiers import tier_sizes

_RECOMBINE = "dict(type='RecombineSegments', p=0.5, times=5, transitions={!r})"


@dataclass(frozen=True)
class Choice:
    """What to train on an annotation file.

    Attributes:
        ann_file: The file, as it is named in the config.
        metainfo: Its metainfo.
        splits: The names of the training and the test split.
        recipe: A recipe, such as ``pose2d``.
        reason: Why it was chosen.
        segmentor: ``asformer`` or ``ms_tcn2``.
        any_order: Whether to recombine videos.
        longest: Number of frames of the longest video.
        is_script: Whether videos are kept whole, since their actions follow a script.
        lookahead: Frames of delay of a causal model, None for whole videos.
        min_frames: Minimum duration of a causal model's labels, which is part of that.
        turns: Further steps of the training pipeline, as text.
        pairs: Options of ``PairCoordinates``, None for one person's coordinates.
        parts: Configs of what is read besides, such as ``ObjectCoordinates``.
        observers: What is learned of several, ``majority`` or ``shares``.
    """

    ann_file: Path
    metainfo: Metainfo
    splits: Sequence[str]
    recipe: str
    reason: str
    longest: int
    segmentor: str = 'asformer'
    any_order: bool = True
    is_script: bool = False
    lookahead: int | None = None
    min_frames: int = 1
    turns: Sequence[str] = ()
    pairs: Mapping[str, object] | None = None
    parts: Sequence[Mapping[str, object]] = ()
    observers: str = 'majority'

    @property
    def base(self) -> str:
        """The name of the config to inherit."""
        folder = 'streaming' if self.lookahead is not None else 'recipes'
        folder = 'asformer' if self.segmentor == 'asformer' else folder
        return f'{folder}/{self.recipe}'

    @cached_property
    def _config(self) -> Config:
        return Config.fromfile(find_config(self.base))

    @property
    def crop_frames(self) -> int:
        """Number of frames to which longer videos are cropped."""
        return SCRIPT_FRAMES if self.is_script else CROP_FRAMES

    @property
    def batch_size(self) -> int:
        """Number of videos or crops in a step."""
        frames = min(self.longest, self.crop_frames)
        return min(self._config.train_dataloader.batch_size, SCRIPT_FRAMES // frames)

    @property
    def _own_batch_size(self) -> int | None:
        """The number of videos or crops in a step if the base has another, or None."""
        size = self.batch_size
        return size if size != self._config.train_dataloader.batch_size else None

    def config_text(
        self, plan: Plan, temperature: float = 1.0, beside: str | None = None
    ) -> str:
        """Return the text of the config, for a length of the training.

        ``beside`` is the path of the annotation file from the config's folder; without
        it, the config names the file as ``ann_file`` does.
        """
        modality, branch = self._branch()
        train, test = self.splits
        num_classes = len(self.metainfo['classes'])
        local = ['ann_file']
        render, features, pipeline = '', [], self._pipeline()
        if self.pairs is not None or self.parts:
            render = _render_text(self._render(), modality)
            local += ['render', 'features']
            features.append('features=features')
        tested = ['ann_file=ann_file', f'split={test!r}', *features]
        trained = ['ann_file=ann_file', f'split={train!r}', *features]
        trained.append(f'crop_frames={self.crop_frames}')
        if self.observers != 'majority':
            trained.append(f'observers={self.observers!r}')
        if pipeline:
            local.append('pipeline')
            trained.append('pipeline=pipeline')
        every = ceil(plan.epochs / 10)
        head = f"""\
# Made by `mmskelseg make-config` from {self.ann_file.name!r}.
# Recipe {self.recipe}, since {self.reason}.
# The import is for programs that have not imported the package, as MMAction2's own.
_base_ = __import__('mmskelseg') and 'mmskelseg::{self.base}.py'

"""
        rest = f"""\
{render}{pipeline}train_dataloader = {_loader(trained, self._own_batch_size)}
val_dataloader = {_loader(tested)}
test_dataloader = val_dataloader

model = dict(
{_rows(self._model(modality, branch, plan, temperature))})
val_evaluator = dict(num_classes={num_classes})
test_evaluator = val_evaluator

train_cfg = dict(max_epochs={plan.epochs}, val_interval={2 * every})
default_hooks = dict(checkpoint=dict(interval={every}))

del {', '.join(local)}
"""
        named = _plain(repr(os.fspath(self.ann_file)))
        if beside is not None:
            # A raw text, since names of folders may hold quotes.
            named = f'r"""{{{{ fileDirname }}}}/{Path(beside).as_posix()}"""'
        return f'{_plain(head)}ann_file = {named}\n{_plain(rest)}'

    def _model(
        self, modality: str, branch: Mapping[str, Any], plan: Plan, temperature: float
    ) -> list[str]:
        """Return the texts of the model's settings."""
        model = [f'num_classes={len(self.metainfo["classes"])}']
        if 'tiers' in self.metainfo:
            model.append(f'tiers={tier_sizes(self.metainfo)}')
        if plan.members > 1:
            model.append(f'members={plan.members}')
        if temperature != 1:
            model.append(f'temperature={temperature!r}')
        inputs = f'in_channels={branch["in_channels"]}'
        if self.lookahead is not None:
            inputs += f', lookahead={self.lookahead - self.min_frames + 1}'
        model.append(f'branches=dict({modality}=dict({inputs}))')
        if self.min_frames > 1:
            step = f"dict(type='CausalMinDuration', frames={self.min_frames})"
            model.append(f'postprocess=[{step}]')
        elif self.lookahead is None and self.segmentor != 'asformer':
            model.append("postprocess=[dict(type='MinDuration')]")
        return model

    def _pipeline(self) -> str:
        """Return the text of the training pipeline, if it differs from the base's."""
        base = '*_base_.train_dataloader.dataset.pipeline'
        recombines = self.segmentor == 'asformer'
        if recombines == self.any_order and not self.turns:
            return ''
        if recombines:
            base += '[1:]'
        first = []
        if self.any_order or (recombines and self.is_script):
            first = [_RECOMBINE.format('any' if self.any_order else 'observed')]
        return f'pipeline = [\n{_rows([*first, *self.turns, base])}]\n'

    def _render(self) -> dict[str, Any]:
        """Return the config of the renderer, that of the base or a wider one."""
        (config,) = self._config.test_dataloader.dataset.features.values()
        own = dict(config['render'])
        dims = 3 if self.recipe == 'pose3d' else 2
        causal = {} if self.lookahead is None else {'causal': True}
        if self.pairs is not None:
            own = {'type': 'PairCoordinates', 'dims': dims, **causal, **self.pairs}
        if not self.parts:
            return own
        own_person = {k: v for k, v in own.items() if k == 'person'}
        more = [{**part, **causal, **own_person} for part in self.parts]
        return {'type': 'Concatenate', 'parts': [own, *more]}

    def _branch(self) -> tuple[str, Mapping[str, Any]]:
        """Return the modality, and its branch with the number of channels."""
        cfg = self._config
        init_default_scope(cfg.default_scope)
        ((modality, config),) = cfg.test_dataloader.dataset.features.items()
        own: Any = {**config, 'render': self._render()}
        recipe = recipe_from_config(modality, own, self.metainfo['skeleton'])
        branch = cfg.model.branches[modality]
        return modality, {**branch, 'in_channels': recipe.channels}


def _render_text(render: Mapping[str, Any], modality: str) -> str:
    """Return the text of the features of a renderer, each of its parts in a row."""
    rows = [f'type={render["type"]!r}']
    if 'parts' in render:
        parts = ''.join(f'        {_call(part)},\n' for part in render['parts'])
        rows.append(f'parts=[\n{parts}    ]')
        text = f'dict(\n    _delete_=True,\n{_rows(rows)})'
    else:
        text = _call({'_delete_': True, **render})
    return f'render = {text}\nfeatures = dict({modality}=dict(render=render))\n'


def _call(config: Mapping[str, Any]) -> str:
    """Return the text of a part's config."""
    return f'dict({", ".join(f"{key}={value!r}" for key, value in config.items())})'


def _plain(text: str) -> str:
    """Return a text of Python in which MMEngine finds no variables to replace."""
    return text.replace('{{', '{\\x7b')


def _loader(rows: Sequence[str], batch_size: int | None = None) -> str:
    """Return the text of a dataloader whose data set has these arguments."""
    if len(rows) < 3:
        return f'dict(dataset=dict({", ".join(rows)}))'
    size = '' if batch_size is None else f'    batch_size={batch_size},\n'
    return f'dict(\n{size}    dataset=dict(\n{_rows(rows, 8)}    ),\n)'


def _rows(rows: Sequence[str], indent: int = 4) -> str:
    """Return the text of the items of a list or of a call, one in each line."""
    return ''.join(f'{" " * indent}{row},\n' for row in rows)
