"""The network of a segmentor: branches in stages, their fusion, heads and losses."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import ConfigDict
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor, nn

from mmskelseg.models.auxiliary.part import (
    AuxiliaryPart,
    NetworkOutput,
    StageOutput,
    Targets,
    build_auxiliary,
)
from mmskelseg.models.layers.padding import masked, stack_frames
from mmskelseg.models.layers.stages import for_each_stage, run_stage, total_channels
from mmskelseg.models.layers.tiers import within_tiers
from mmskelseg.models.segmentors.branches import (
    FUSED,
    build_branch,
    channels_read,
    common_order,
    finish_stem,
    fusion_options,
)
from mmskelseg.registry import build_part
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count
from mmskelseg_runtime.segmenting.chunks import frame_chunks


class SegmentationNetwork(BaseModule):
    """A network that scores the classes of every frame, stage by stage.

    Features pass the standardiser and the stem of their branch, which other networks
    may share, then the stem of its backbone, and the stages. A later stage reads the
    class probabilities of the previous one. If its ``reads_features`` is true, it also
    gets the features (N, out_channels, T) of the previous stage of its own branch:
    ``stage(x, mask, features)``.

    In evaluation, stages with a ``context``, the number of frames to each side on which
    they depend, process long videos in chunks that overlap by it. The result is the
    same, and memory grows with the video only for standardised features, the output of
    stems, class probabilities, and features that auxiliary parts read.

    For the arguments, see :class:`mmskelseg.models.ActionSegmentor`.

    Raises:
        UserError: If parts do not suit each other; the message names the place.
    """

    def __init__(
        self,
        num_classes: Count,
        branches: Mapping[str, ConfigDict],
        *,
        head: Mapping[str, object],
        fusion: Mapping[str, object] | None = None,
        auxiliary: Sequence[Mapping[str, object]] = (),
        tiers: Sequence[Count] | None = None,
        chunk_frames: Count = 32768,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = num_classes
        self.tiers = _checked_tiers(tiers, num_classes)
        self.chunk_frames = chunk_frames
        options = fusion_options(list(branches), fusion)
        self.feed_fused = fusion is not None and options.feed == FUSED
        self.branches = ModuleDict()
        for name, cfg in branches.items():
            self.branches[name] = build_branch(name, cfg, num_classes)
        backbones = {name: b['backbone'] for name, b in self.branches.items()}
        self.in_channels = {
            name: branches[name].get('in_channels', backbone.in_channels)
            for name, backbone in backbones.items()
        }
        self.stage_order = common_order(backbones)
        stages = max(self.stage_order) + 1
        widths = [backbone.out_channels for backbone in backbones.values()]

        def build_head(width: int | list[int]) -> BaseModule:
            sizes = {'in_channels': width, 'num_classes': num_classes}
            given = {} if tiers is None else {'tiers': tiers}
            return build_part('model.head', head, **sizes, num_stages=stages, **given)

        # A seed gives the same weights only if they are drawn in this order.
        if options.branch_heads:
            for branch, width in zip(self.branches.values(), widths, strict=True):
                branch['head'] = build_head(total_channels([width], stages))
        if fusion is not None:
            sizes = {'in_channels': total_channels(widths, stages)}
            sizes['num_stages'] = stages
            neck = build_part('model.fusion.neck', options.neck, **sizes)
            parts = {'neck': neck, 'head': build_head(neck.out_channels)}
            self.fusion = ModuleDict(parts)

        features = for_each_stage(total_channels(widths, stages), stages)
        channels = {
            'inputs': sum(map(channels_read, backbones.values())),
            'first': features[self.stage_order[0]],
            'last': features[self.stage_order[-1]],
        }
        for i, cfg in enumerate(auxiliary):
            place = f'model.auxiliary.{i}'
            part = build_auxiliary(place, cfg, channels)
            if hasattr(self, part.name):
                raise UserError(f'{place}: there is a {part.name} already; remove one.')
            # Under this name, weights are stored.
            self.add_module(part.name, part)

    @property
    def auxiliary(self) -> list[AuxiliaryPart]:
        """The auxiliary parts."""
        return [part for part in self.children() if isinstance(part, AuxiliaryPart)]

    def standardized(
        self, inputs: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the features of each branch, standardised if configured."""
        like = next(self.parameters())
        x = {name: inputs[name] for name in self.branches}
        for name, branch in self.branches.items():
            if 'standardizer' in branch:
                x[name] = masked(branch['standardizer'](x[name].to(like)), mask)
        return x

    def shared_inputs(
        self, standardized: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return what all members read: the output of the stem of each branch."""
        return {
            name: self._through_stem(branch, standardized[name], mask)
            for name, branch in self.branches.items()
        }

    def _first_inputs(
        self, x: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the inputs of the first stages, given what all members read."""
        return {
            name: self._through_stem(branch['backbone'], x[name], mask)
            for name, branch in self.branches.items()
        }

    def _through_stem(self, part: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the output of the stem of a branch or backbone, if it has one."""
        stem = getattr(part, 'stem', None)
        if stem is None:
            return x
        return finish_stem(stem, self._in_chunks(stem, x, mask=mask), mask)

    def _in_chunks(
        self,
        stage: nn.Module,
        x: Tensor,
        head: Callable[[Tensor], Tensor] | None = None,
        *,
        mask: Tensor | None,
    ) -> Tensor:
        """Return what a stage, or a head on it, outputs for x (N, C, T)."""
        like = next(self.parameters())
        chunks = []
        for wide, inner in self._chunks([stage], x.shape[2]):
            part = None if mask is None else mask[:, :, wide]
            y = run_stage(stage, x[:, :, wide].to(like), part)[:, :, inner]
            chunks.append((head(y) if head else y).to(like))
        return torch.cat(chunks, 2)

    def logits(self, x: Mapping[str, Tensor], mask: Tensor | None) -> Tensor:
        """Return the logits (S, N, K, T) of all stages, given what all members read."""
        stages = self._stages(self._first_inputs(x, mask), mask)
        return torch.stack([_output(stage) for stage in stages])

    def losses(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None,
        lengths: Sequence[int],
        data_samples: Sequence[ActionDataSample],
        inputs: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """Return the losses of all heads and parts, given what all members read.

        ``inputs`` are the features of each branch, standardised, for losses that read
        them.
        """
        parts = self.auxiliary
        output = self._run(x, mask, parts, whole=True)
        frames = next(iter(output.logits.values())).shape[3]
        # Labels of several tiers are (G, T).
        rows = (len(self.tiers),) if len(self.tiers) > 1 else ()
        labels = stack_frames(
            data_samples, 'gt_label', lengths, frames, -1, torch.long, rows
        )
        votes = None
        if any('gt_votes' in sample for sample in data_samples):
            votes = stack_frames(
                data_samples, 'gt_votes', lengths, frames, 0, torch.float32,
                (self.num_classes,),
            )  # fmt: skip
        targets = Targets(
            labels, labels, lengths, data_samples, self.tiers, votes=votes
        )
        for part in parts:
            targets = part.complete(output, targets)
        losses: dict[str, Tensor] = {}
        for head, (prefix, logits) in zip(
            self._heads, output.logits.items(), strict=True
        ):
            own = head.loss(
                logits, targets.labels, inputs, targets.smoothed, targets.votes
            )
            losses |= {prefix + key: loss for key, loss in own.items()}
        for part in parts:
            losses |= part.loss(part(output), targets)
        for part in parts:
            losses = part.weigh(losses)
        return losses

    def outputs(
        self, x: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the outputs of the last stage and of the auxiliary parts.

        They are ``logit`` (N, K, T), and the prediction (N, T) of each part that has
        one, by its name, given what all members read.
        """
        parts = [part for part in self.auxiliary if part.predicts]
        output = self._run(x, mask, parts, whole=False)
        predicted = {part.predicts: part.predict(part(output)) for part in parts}
        return {'logit': _output(output.stages[-1]), **predicted}

    @property
    def _heads(self) -> list[Any]:
        """The classifiers, in the order of their logits."""
        places = [*self.branches.values(), getattr(self, 'fusion', {})]
        return [place['head'] for place in places if 'head' in place]

    def _run(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None,
        parts: Sequence[AuxiliaryPart],
        *,
        whole: bool,
    ) -> NetworkOutput:
        """Return the output of all stages, with the features that parts read.

        Unless it is needed as a ``whole``, only the logits of the last stage are kept.
        """
        x = self._first_inputs(x, mask)
        last = len(self.stage_order) - 1
        steps = {'first': {0}, 'last': {last}, 'all': {*range(last + 1)}}
        read = set().union(*(steps.get(part.reads, ()) for part in parts))
        stages = [
            stage if whole or i == last else stage._replace(logits={})
            for i, stage in enumerate(self._stages(x, mask, read))
        ]
        in_chunks = partial(self._in_chunks, mask=mask)
        return NetworkOutput(list(x.values()), stages, mask, in_chunks)

    def _stages(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None,
        read: Container[int] = (),
    ) -> Iterator[StageOutput]:
        """Yield the output of each stage, with features where they are ``read``."""
        frames = next(iter(x.values())).shape[2]
        inputs = {name: [v] for name, v in x.items()}
        for step, i in enumerate(self.stage_order):
            stages = [branch['backbone'].stages[i] for branch in self.branches.values()]
            readers = self._readers(step + 1)
            kept_branches = list(self.branches) if step in read else readers
            chunks = []
            for wide, inner in self._chunks(stages, frames):
                near = {n: [v[:, :, wide] for v in vs] for n, vs in inputs.items()}
                part = None if mask is None else mask[:, :, wide]
                features, logits = self._stage(i, near, part, inner)
                kept = {name: features[name] for name in kept_branches}
                chunks.append((kept, logits))
            features, logits = (
                {key: torch.cat([part[key] for part in parts], 2) for key in parts[0]}
                for parts in zip(*chunks, strict=True)
            )
            for name in inputs:
                fed = logits[FUSED if self.feed_fused else name]
                scores = within_tiers(torch.softmax, fed, self.tiers, 1)
                inputs[name] = [masked(scores, mask)]
                if name in readers:
                    inputs[name].append(masked(features[name], mask))
            together = None
            if step in read:
                together = torch.cat(list(features.values()), dim=1)
            yield StageOutput(together, logits)

    def _readers(self, step: int) -> list[str]:
        """Return the branches that read features of the previous stage, at a step."""
        return [
            name
            for name, branch in self.branches.items()
            for i in self.stage_order[step : step + 1]
            if getattr(branch['backbone'].stages[i], 'reads_features', False)
        ]

    def _chunks(
        self, stages: Iterable[nn.Module], frames: int
    ) -> Iterator[tuple[slice, slice]]:
        """Yield the frames that each chunk reads, and which of these it outputs."""
        if torch.onnx.is_in_onnx_export():
            # An exported graph cannot be chunked, since it does not know the length.
            return iter([(slice(None), slice(None))])
        whole = torch.is_grad_enabled() or self.training
        context = max(getattr(stage, 'context', frames) for stage in stages)
        return frame_chunks(frames, context, None if whole else self.chunk_frames)

    def _stage(
        self,
        stage: int,
        x: Mapping[str, Sequence[Tensor]],
        mask: Tensor | None,
        inner: slice,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return features and logits (N, K, inner frames) of one stage.

        Features are by branch, logits by branch and fused. ``x`` holds all inputs of
        the stage of each branch.
        """
        like = next(self.parameters())
        features = {}
        for name, branch in self.branches.items():
            # Features may be in half precision, and on another device than the model.
            read, *previous = (v.to(like, non_blocking=True) for v in x[name])
            stages = branch['backbone'].stages
            features[name] = run_stage(stages[stage], read, mask, *previous)[
                :, :, inner
            ]
        logits = {}
        for name, branch in self.branches.items():
            if 'head' in branch:
                logits[name] = branch['head'](features[name], stage)
        if hasattr(self, 'fusion'):
            fused = self.fusion['neck'](list(features.values()), stage)
            logits[FUSED] = self.fusion['head'](fused, stage)
        mask = None if mask is None else mask[:, :, inner]
        # Mixed precision ends here.
        return features, {key: masked(v.to(like), mask) for key, v in logits.items()}


def _checked_tiers(tiers: Sequence[int] | None, num_classes: int) -> tuple[int, ...]:
    """Return the number of classes of each tier, after checking their sum."""
    sizes = tuple(tiers or (num_classes,))
    if sum(sizes) != num_classes:
        raise UserError(
            f'model.tiers={list(sizes)} has {sum(sizes)} classes in all, but '
            f'num_classes={num_classes}; make both agree.'
        )
    return sizes


def _output(stage: StageOutput) -> Tensor:
    """Return the logits of the output: the fused ones, or those of the only branch."""
    if FUSED in stage.logits:
        return stage.logits[FUSED]
    (logits,) = stage.logits.values()
    return logits
