"""A config for a user's own annotation file: its settings, and their text."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from keyword import iskeyword
from math import ceil, inf
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg.config_files import find_config
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.engine.lengths import CROP_FRAMES, SCRIPT_FRAMES, Plan
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.segments import resolve_background
from mmskelseg_io.structures.tiers import tier_sizes

_JOIN = {'type': 'JoinClips'}
# What a segment costs where training videos are clips, in nats; on recordings, 3 to 5
# are found.
_COST = 4.0
_RECOMBINE = {'type': 'RecombineSegments', 'p': 0.5, 'times': 5}
# The longest line of a config.
_WIDTH = 88

# The length of a training that is not planned yet.
_NONE = Plan(epochs=0, steps=0, frames=0, frames_per_step=0)


@cache
def _base_config(name: str) -> Config:
    return Config.fromfile(find_config(name))


@dataclass(frozen=True)
class Choice:
    """What to train on an annotation file, as far as it is chosen.

    Attributes:
        ann_file: The file, as it is named in the config.
        metainfo: Its metainfo.
        splits: The names of the training and the test split.
        longest: Number of frames of the longest video.
        recipe: A recipe, such as ``pose2d``.
        reason: Why it was chosen.
        segmentor: ``asformer`` or ``ms_tcn2``.
        any_order: Whether to recombine videos.
        clips: Whether the training videos are clips of one action each, to be joined.
        is_script: Whether videos are kept whole, since their actions follow a script.
        prefers_order: Whether the orders of the training videos count as much as half
            of an action, not as a frame, since these predict nearly all actions.
        lookahead: Frames of delay of a causal model, None for whole videos.
        min_frames: Minimum duration of a causal model's labels, which is part of that.
        turns: Further steps of the training pipeline.
        pairs: Options of ``PairCoordinates``, None for one person's coordinates.
        parts: Configs of what is read besides, such as ``ObjectCoordinates``.
        observers: What is learned of several, ``majority`` or ``shares``.
        plan: The length of the training.
        lines: What explains the choice, by the name of the question.
    """

    ann_file: Path
    metainfo: Metainfo
    splits: Sequence[str]
    longest: int
    recipe: str = ''
    reason: str = ''
    segmentor: str = 'asformer'
    any_order: bool = True
    clips: bool = False
    is_script: bool = False
    prefers_order: bool = False
    lookahead: int | None = None
    min_frames: int = 1
    turns: Sequence[Mapping[str, object]] = ()
    pairs: Mapping[str, object] | None = None
    parts: Sequence[Mapping[str, object]] = ()
    observers: str = 'majority'
    plan: Plan = _NONE
    lines: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The approximate time of the training on one core."""
        return self.plan.seconds(self.recipe)

    def shortened(self, length: float) -> 'Choice':
        """Return the choice with a part of its training."""
        return replace(self, plan=self.plan.shortened(length))

    @property
    def base(self) -> str:
        """The name of the config to inherit."""
        folder = 'streaming' if self.lookahead is not None else 'recipes'
        folder = 'asformer' if self.segmentor == 'asformer' else folder
        return f'{folder}/{self.recipe}'

    @property
    def _config(self) -> Config:
        return _base_config(self.base)

    @property
    def crop_frames(self) -> int:
        """Number of frames to which longer videos are cropped."""
        return SCRIPT_FRAMES if self.is_script else CROP_FRAMES

    @property
    def batch_size(self) -> int:
        """Number of videos or crops in a step."""
        frames = min(self.longest, self.crop_frames)
        return min(self._config.train_dataloader.batch_size, SCRIPT_FRAMES // frames)

    def write(self, file: Path, temperature: float = 1.0) -> Config:
        """Write a config for people to read and run, and return it.

        It names the annotation file by its path from its own folder, so the two may be
        moved together.
        """
        beside = Path(os.path.relpath(self.ann_file, file.parent)).as_posix()
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(file, self.config_text(temperature, beside))
        return Config.fromfile(file)

    def config_text(self, temperature: float = 1.0, beside: str | None = None) -> str:
        """Return the text of the config.

        ``beside`` is the path of the annotation file from the config's folder; without
        it, the config names the file as ``ann_file`` does.
        """
        named = _Name(_plain(repr(os.fspath(self.ann_file))))
        if beside is not None:
            # A raw text, since names of folders may hold quotes.
            named = _Name(f'r"""{{{{ fileDirname }}}}/{beside}"""')
        variables = {'ann_file': named, **self._variables()}
        classes = {'num_classes': len(self.metainfo['classes'])}
        model = {
            'model': classes | self._model(temperature),
            'val_evaluator': classes,
            'test_evaluator': _Name('val_evaluator'),
        }
        every = ceil(self.plan.epochs / 10)
        times = {
            'train_cfg': {'max_epochs': self.plan.epochs, 'val_interval': 2 * every},
            'default_hooks': {'checkpoint': {'interval': every}},
        }
        head = f"""\
# Made by `mmskelseg make-config` from {self.ann_file.name!r}.
# Recipe {self.recipe}, since {self.reason}.
# The import is for programs that have not imported the package, as MMAction2's own.
_base_ = __import__('mmskelseg') and 'mmskelseg::{self.base}.py'
"""
        data = {**variables, **self._loaders(variables)}
        parts = _plain(head), *map(_lines, (data, model, times))
        return '\n'.join([*parts, f'del {", ".join(variables)}\n'])

    def _variables(self) -> dict[str, Any]:
        """Return what has a name in the config beside the annotation file."""
        found: dict[str, Any] = {}
        if self.pairs is not None or self.parts:
            found['render'] = {'_delete_': True, **self._render()}
            found['features'] = {self._modality: {'render': _Name('render')}}
        recombines = self.segmentor == 'asformer'
        if recombines != self.any_order or self.turns or self.clips:
            first: list[Mapping[str, object]] = []
            if self.clips:
                first = [_JOIN]
            elif self.any_order or (recombines and self.is_script):
                orders = 'any' if self.any_order else 'observed'
                first = [{**_RECOMBINE, 'transitions': orders}]
            base = '*_base_.train_dataloader.dataset.pipeline' + '[1:]' * recombines
            found['pipeline'] = [*first, *self.turns, _Name(base)]
        return found

    def _loaders(self, variables: Collection[str]) -> dict[str, Any]:
        """Return the dataloaders, which refer to variables."""

        def dataset(split: str, *names: str) -> dict[str, Any]:
            own = {name: _Name(name) for name in names if name in variables}
            return {**own, 'split': split}

        train = dataset(self.splits[0], 'ann_file', 'features', 'pipeline')
        train['crop_frames'] = self.crop_frames
        if self.observers != 'majority':
            train['observers'] = self.observers
        loader: dict[str, Any] = {'dataset': train}
        if self.batch_size != self._config.train_dataloader.batch_size:
            loader = {'batch_size': self.batch_size, **loader}
        return {
            'train_dataloader': loader,
            'val_dataloader': {
                'dataset': dataset(self.splits[1], 'ann_file', 'features')
            },
            'test_dataloader': _Name('val_dataloader'),
        }

    def _model(self, temperature: float) -> dict[str, object]:
        """Return the model's settings, but for the number of classes."""
        model: dict[str, object] = {}
        if 'tiers' in self.metainfo:
            model['tiers'] = tier_sizes(self.metainfo)
        if self.plan.members > 1:
            model['members'] = self.plan.members
        if temperature != 1:
            model['temperature'] = temperature
        inputs = {'in_channels': self._channels}
        if self.lookahead is not None:
            inputs['lookahead'] = self.lookahead - self.min_frames + 1
        model['branches'] = {self._modality: inputs}
        if self.min_frames > 1:
            step = {'type': 'CausalMinDuration', 'frames': self.min_frames}
            model['postprocess'] = [step]
        elif self.lookahead is None:
            model['postprocess'] = [{'type': 'MinDuration'}, *self._order()]
        return model

    def _order(self) -> list[dict[str, object]]:
        """Return the step that doubts what seldom follows; a script counts more.

        Clips do not show what follows what. A model is surer of them than of
        recordings, so the cost of a segment is not found on joined ones, either.
        """
        if 'tiers' in self.metainfo:
            return []
        if self.clips:
            return [{'type': 'ActionOrder', 'frames': 1, 'cost': _COST}]
        if not self.prefers_order:
            return [{'type': 'ActionOrder', 'frames': 1}]
        classes, background = self.metainfo['classes'], self.metainfo['background']
        background = resolve_background(background, classes)
        return [{'type': 'ActionOrder', 'background': background}]

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

    @property
    def _modality(self) -> str:
        (name,) = self._config.test_dataloader.dataset.features
        return name

    @property
    def _channels(self) -> int:
        """The number of channels of the features."""
        init_default_scope(self._config.default_scope)
        (config,) = self._config.test_dataloader.dataset.features.values()
        own: Any = {**config, 'render': self._render()}
        skeleton = self.metainfo['skeleton']
        return recipe_from_config(self._modality, own, skeleton).channels


class _Name(str):
    """A part of the config's text, such as the name of a variable."""


def _plain(text: str) -> str:
    """Return a text of Python in which MMEngine finds no variables to replace."""
    return text.replace('{{', '{\\x7b')


def _lines(settings: Mapping[str, object]) -> str:
    """Return the text that sets variables."""
    return ''.join(
        f'{name} = {_text(value, _WIDTH - len(name) - 3)}\n'
        for name, value in settings.items()
    )


def _text(value: object, room: float = inf, indent: int = 4) -> str:
    """Return the text of a value: in a line, or if there is no room an item in each.

    >>> _text({'type': 'A', 'sizes': [1, {'b c': None}]})
    "dict(type='A', sizes=[1, {'b c': None}])"
    """
    if isinstance(value, Mapping):
        if all(name.isidentifier() and not iskeyword(name) for name in value):
            begin, end, names = 'dict(', ')', [f'{name}=' for name in value]
        else:
            begin, end, names = '{', '}', [_plain(f'{name!r}: ') for name in value]
        items = [*zip(names, value.values(), strict=True)]
    elif isinstance(value, list):
        begin, end, items = '[', ']', [('', one) for one in value]
    else:
        return value if isinstance(value, _Name) else _plain(repr(value))
    line = f'{begin}{", ".join(name + _text(one) for name, one in items)}{end}'
    if len(line) <= room:
        return line
    room = _WIDTH - indent - len(',')
    rows = (f'{name}{_text(one, room - len(name), indent + 4)}' for name, one in items)
    lines = ''.join(f'{" " * indent}{row},\n' for row in rows)
    return f'{begin}\n{lines}{" " * (indent - 4)}{end}'
