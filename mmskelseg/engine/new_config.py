"""A config for a user's own annotation file: its settings, and their text."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg.config_files import find_config
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.engine.planning import CROP_FRAMES, SCRIPT_FRAMES, Plan
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.segments import resolve_background
from mmskelseg_io.structures.tiers import tier_sizes

_RECOMBINE = {'type': 'RecombineSegments', 'p': 0.5, 'times': 5}
# Settings of data sets that have a name in the text of a config.
_NAMED = ('ann_file', 'features', 'pipeline')


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
        prefers_order: Whether the orders of the training videos count as much as half
            of an action, not as a frame, since these predict nearly all actions.
        lookahead: Frames of delay of a causal model, None for whole videos.
        min_frames: Minimum duration of a causal model's labels, which is part of that.
        turns: Further steps of the training pipeline.
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
    prefers_order: bool = False
    lookahead: int | None = None
    min_frames: int = 1
    turns: Sequence[Mapping[str, object]] = ()
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

    def _settings(
        self, ann_file: str, plan: Plan, temperature: float = 1.0
    ) -> dict[str, Any]:
        """Return the settings that the base has not, for a length of the training."""
        modality, branch = self._branch()
        train, test = self.splits

        def of_dataset(split: str) -> dict[str, Any]:
            own: dict[str, Any] = {'ann_file': ann_file, 'split': split}
            if self.pairs is not None or self.parts:
                render = {'_delete_': True, **self._render()}
                own['features'] = {modality: {'render': render}}
            return own

        trained = {**of_dataset(train), 'crop_frames': self.crop_frames}
        if self.observers != 'majority':
            trained['observers'] = self.observers
        first, skipped = self._pipeline()
        if first or skipped:
            steps = self._config.train_dataloader.dataset.pipeline
            trained['pipeline'] = [*first, *steps[skipped:]]
        loader: dict[str, Any] = {'dataset': trained}
        if self.batch_size != self._config.train_dataloader.batch_size:
            loader = {'batch_size': self.batch_size, **loader}
        classes = {'num_classes': len(self.metainfo['classes'])}
        every = ceil(plan.epochs / 10)
        return {
            'train_dataloader': loader,
            'val_dataloader': {'dataset': of_dataset(test)},
            'test_dataloader': {'dataset': of_dataset(test)},
            'model': classes | self._model(modality, branch, plan, temperature),
            'val_evaluator': classes,
            'test_evaluator': classes,
            'train_cfg': {'max_epochs': plan.epochs, 'val_interval': 2 * every},
            'default_hooks': {'checkpoint': {'interval': every}},
        }

    def write(self, file: Path, plan: Plan, temperature: float = 1.0) -> Config:
        """Return a config, and write its text to a file for people to read and run.

        Both name the annotation file by its path from the folder of the text, so the
        two may be moved together.
        """
        beside = Path(os.path.relpath(self.ann_file, file.parent)).as_posix()
        text = self.config_text(plan, temperature, beside)
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(file, text)
        ann_file = f'{Path(os.path.abspath(file.parent)).as_posix()}/{beside}'
        cfg = Config(self._config.to_dict(), text, str(file))
        cfg.merge_from_dict(self._settings(ann_file, plan, temperature))
        return cfg

    def config_text(
        self, plan: Plan, temperature: float = 1.0, beside: str | None = None
    ) -> str:
        """Return the text of the config, for a length of the training.

        ``beside`` is the path of the annotation file from the config's folder; without
        it, the config names the file as ``ann_file`` does.
        """
        settings = self._settings('', plan, temperature)
        trained = settings['train_dataloader']['dataset']
        local = {}
        if 'features' in trained:
            ((modality, own),) = trained['features'].items()
            local['render'] = _render_text(own['render'])
            local['features'] = f'dict({modality}=dict(render=render))'
        if 'pipeline' in trained:
            first, skipped = self._pipeline()
            base = '*_base_.train_dataloader.dataset.pipeline' + '[1:]' * skipped
            local['pipeline'] = f'[\n{_rows([*map(_text, first), base])}]'
        variables = ''.join(f'{name} = {text}\n' for name, text in local.items())
        head = f"""\
# Made by `mmskelseg make-config` from {self.ann_file.name!r}.
# Recipe {self.recipe}, since {self.reason}.
# The import is for programs that have not imported the package, as MMAction2's own.
_base_ = __import__('mmskelseg') and 'mmskelseg::{self.base}.py'

"""
        rest = f"""\
{variables}train_dataloader = {_loader(settings['train_dataloader'])}
val_dataloader = {_loader(settings['val_dataloader'])}
test_dataloader = val_dataloader

model = dict(
{_rows(_items(settings['model']))})
val_evaluator = {_text(settings['val_evaluator'])}
test_evaluator = val_evaluator

train_cfg = {_text(settings['train_cfg'])}
default_hooks = {_text(settings['default_hooks'])}

del {', '.join(['ann_file', *local])}
"""
        named = _plain(repr(os.fspath(self.ann_file)))
        if beside is not None:
            # A raw text, since names of folders may hold quotes.
            named = f'r"""{{{{ fileDirname }}}}/{beside}"""'
        return f'{_plain(head)}ann_file = {named}\n{_plain(rest)}'

    def _model(
        self, modality: str, branch: Mapping[str, Any], plan: Plan, temperature: float
    ) -> dict[str, object]:
        """Return the model's settings, but for the number of classes."""
        model: dict[str, object] = {}
        if 'tiers' in self.metainfo:
            model['tiers'] = tier_sizes(self.metainfo)
        if plan.members > 1:
            model['members'] = plan.members
        if temperature != 1:
            model['temperature'] = temperature
        inputs = {'in_channels': branch['in_channels']}
        if self.lookahead is not None:
            inputs['lookahead'] = self.lookahead - self.min_frames + 1
        model['branches'] = {modality: inputs}
        if self.min_frames > 1:
            step = {'type': 'CausalMinDuration', 'frames': self.min_frames}
            model['postprocess'] = [step]
        elif self.lookahead is None:
            model['postprocess'] = [{'type': 'MinDuration'}, *self._order()]
        return model

    def _order(self) -> list[dict[str, object]]:
        """Return the step that doubts what seldom follows; a script counts more."""
        if 'tiers' in self.metainfo:
            return []
        if not self.prefers_order:
            return [{'type': 'ActionOrder', 'frames': 1}]
        classes, background = self.metainfo['classes'], self.metainfo['background']
        background = resolve_background(background, classes)
        return [{'type': 'ActionOrder', 'background': background}]

    def _pipeline(self) -> tuple[list[Mapping[str, object]], int]:
        """Return steps that come first in training, and how many of the base's go."""
        recombines = self.segmentor == 'asformer'
        if recombines == self.any_order and not self.turns:
            return [], 0
        first = []
        if self.any_order or (recombines and self.is_script):
            orders = 'any' if self.any_order else 'observed'
            first = [{**_RECOMBINE, 'transitions': orders}]
        return [*first, *self.turns], int(recombines)

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


def _render_text(render: Mapping[str, Any]) -> str:
    """Return the text of a renderer's config, each of its parts in a row."""
    if 'parts' not in render:
        return _call(render)
    rows = [f'{key}={value!r}' for key, value in render.items() if key != 'parts']
    rows.append(f'parts=[\n{_rows(map(_call, render["parts"]), 8)}    ]')
    return f'dict(\n{_rows(rows)})'


def _call(config: Mapping[str, Any]) -> str:
    """Return the text of a part's config."""
    return f'dict({", ".join(f"{key}={value!r}" for key, value in config.items())})'


def _plain(text: str) -> str:
    """Return a text of Python in which MMEngine finds no variables to replace."""
    return text.replace('{{', '{\\x7b')


def _text(value: object) -> str:
    """Return the text of a value, with dicts as in configs.

    >>> _text({'type': 'A', 'sizes': [1, {'b': None}]})
    "dict(type='A', sizes=[1, dict(b=None)])"
    """
    if isinstance(value, Mapping):
        return f'dict({", ".join(_items(value))})'
    if isinstance(value, list):
        return f'[{", ".join(map(_text, value))}]'
    return repr(value)


def _items(values: Mapping[str, object]) -> list[str]:
    return [f'{key}={_text(value)}' for key, value in values.items()]


def _loader(loader: Mapping[str, Any]) -> str:
    """Return the text of a dataloader, with names for what has one."""
    dataset = loader['dataset']
    rows = [f'{k}={k if k in _NAMED else _text(v)}' for k, v in dataset.items()]
    if len(rows) < 3:
        return f'dict(dataset=dict({", ".join(rows)}))'
    size = f'    batch_size={loader["batch_size"]},\n' if len(loader) > 1 else ''
    return f'dict(\n{size}    dataset=dict(\n{_rows(rows, 8)}    ),\n)'


def _rows(rows: Iterable[str], indent: int = 4) -> str:
    """Return the text of the items of a list or of a call, one in each line."""
    return ''.join(f'{" " * indent}{row},\n' for row in rows)
