"""The network of a segmentor: branches in stages, their fusion, heads and losses."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import ConfigDict
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor, nn

from mmskelseg.models.layers import (
    by_tier,
    for_each_stage,
    frame_mask,
    masked,
    run_stage,
    stack_frames,
    total_channels,
)
from mmskelseg.models.segmentors.branches import (
    FUSED,
    build_branch,
    channels_read,
    check_backbones,
    finish_stem,
    fusion_options,
)
from mmskelseg.registry import build_part
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.options import Count, Positive
from mmskelseg.runtime.segmenting.chunks import frame_chunks

# Keys of a stage's outputs besides the logits of branches.
_BOUNDARY = 'boundary'
_FEATURES = 'features'


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
    stems, and class probabilities.

    For the arguments, see :class:`mmskelseg.models.ActionSegmentor`.
    """

    def __init__(
        self,
        num_classes: Count,
        branches: Mapping[str, ConfigDict],
        *,
        head: Mapping[str, object],
        fusion: Mapping[str, object] | None = None,
        risk_head: Mapping[str, object] | None = None,
        boundary_head: Mapping[str, object] | None = None,
        loss_weighting: Mapping[str, object] | None = None,
        timestamps: Mapping[str, object] | None = None,
        contrast: Mapping[str, object] | None = None,
        temperature: Positive = 1.0,
        tiers: Sequence[Count] | None = None,
        chunk_frames: Count = 32768,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = num_classes
        self.tiers = _checked_tiers(tiers, num_classes)
        self.temperature = temperature
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
        self.stage_order = check_backbones(backbones, head)
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

        # The inputs of the first stages, and their outputs.
        read = sum(map(channels_read, backbones.values()))
        self._add('risk_head', risk_head, in_channels=read)
        first = sum(for_each_stage(width, stages)[0] for width in widths)
        self._add('boundary_head', boundary_head, in_channels=first)
        self._add('loss_weighting', loss_weighting)
        self._add('timestamps', timestamps)
        self._add('contrast', contrast)

    def _add(self, name: str, cfg: Mapping[str, object] | None, **sizes: int) -> None:
        if cfg is not None:
            setattr(self, name, build_part(f'model.{name}', cfg, **sizes))

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
        return finish_stem(stem, self._in_chunks(stem, x, mask), mask)

    def _in_chunks(
        self,
        stage: nn.Module,
        x: Tensor,
        mask: Tensor | None,
        head: Callable[[Tensor], Tensor] | None = None,
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
        read = self._first_inputs(x, mask)
        return torch.stack([_output(logits) for logits in self._stages(read, mask)])

    def losses(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None,
        lengths: Sequence[int],
        data_samples: Sequence[ActionDataSample],
        inputs: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """Return the losses of all heads, given what all members read.

        ``inputs`` are the features of each branch, standardised, for losses that read
        them.
        """
        x = self._first_inputs(x, mask)
        timestamps = getattr(self, 'timestamps', None)
        contrast = getattr(self, 'contrast', None)
        stages = list(self._stages(x, mask, keep_features=bool(timestamps or contrast)))
        boundary = stages[0].pop(_BOUNDARY, None)
        features = [stage.pop(_FEATURES, None) for stage in stages]
        logits = {key: torch.stack([s[key] for s in stages]) for key in stages[0]}
        example = next(iter(logits.values()))
        frames = example.shape[3]
        # Labels of several tiers are (G, T).
        rows = (len(self.tiers),) if len(self.tiers) > 1 else ()
        labels = stack_frames(
            data_samples, 'gt_label', lengths, frames, -1, torch.long, rows
        )
        losses, stamps, valid = {}, labels, None
        if timestamps is not None:
            labels = timestamps.complete(features[-1], stamps, lengths)
            valid = frame_mask(lengths, frames, example)
            if valid is None:
                valid = example.new_ones(len(lengths), 1, frames)
        for source, value in logits.items():
            head = (self.fusion if source == FUSED else self.branches[source])['head']
            prefix = '' if len(logits) == 1 else f'{source}.'
            parts = head.loss(value, labels, inputs, valid)
            if timestamps is not None:
                parts |= timestamps.loss(value, stamps, self.tiers)
            for key, loss in parts.items():
                losses[prefix + key] = loss
        if contrast is not None:
            losses['loss_contrast'] = torch.stack(
                [contrast(stage, labels) for stage in features]
            ).sum()
        if boundary is not None:
            boundaries = torch.stack(list(self._boundaries(boundary, mask)))
            losses |= self.boundary_head.loss(boundaries, labels)
        if hasattr(self, 'risk_head'):
            losses |= self.risk_head.loss(self._risk(x), lengths, data_samples)
        if hasattr(self, 'loss_weighting'):
            losses = self.loss_weighting(losses)
        return losses

    def outputs(
        self, x: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the outputs of the last stage and of the other heads.

        They are ``logits`` (N, K, T); with a boundary head the probabilities
        ``boundary`` (N, T); and with a risk head the scores ``risk`` (N, T), given what
        all members read.
        """
        x, boundary = self._first_inputs(x, mask), None
        # One after another, so that only the logits of the last stage are kept.
        for logits in self._stages(x, mask):
            boundary = logits.pop(_BOUNDARY, boundary)
            outputs = {'logits': _output(logits)}
        if boundary is not None:
            *_, boundary = self._boundaries(boundary, mask)
            outputs['boundary'] = boundary[:, 0].sigmoid()
        if hasattr(self, 'risk_head'):
            outputs['risk'] = self._risk(x)
        return outputs

    def _risk(self, x: Mapping[str, Tensor]) -> Tensor:
        """Return the risk (N, T), given the inputs of the first stages."""
        like = next(self.parameters())
        return self.risk_head([features.to(like) for features in x.values()])

    def _stages(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None,
        *,
        keep_features: bool = False,
    ) -> Iterator[dict[str, Tensor]]:
        """Yield each stage's logits (N, K, T), of branches with a head and fused.

        Those of the first stage begin with the boundary logits (N, 1, T), if any. With
        ``keep_features``, each begins with the features (N, C, T) of all branches.
        """
        frames = next(iter(x.values())).shape[2]
        read = {name: [v] for name, v in x.items()}
        for step, i in enumerate(self.stage_order):
            stages = [branch['backbone'].stages[i] for branch in self.branches.values()]
            readers = self._readers(step + 1)
            kept_branches = list(self.branches) if keep_features else readers
            chunks = []
            for wide, inner in self._chunks(stages, frames):
                near = {name: [v[:, :, wide] for v in vs] for name, vs in read.items()}
                part = None if mask is None else mask[:, :, wide]
                features, logits = self._stage(i, near, part, inner, first=step == 0)
                kept = {name: features[name] for name in kept_branches}
                chunks.append((kept, logits))
            features, logits = (
                {key: torch.cat([part[key] for part in parts], 2) for key in parts[0]}
                for parts in zip(*chunks, strict=True)
            )
            for name in read:
                fed = logits[FUSED if self.feed_fused else name]
                read[name] = [masked(by_tier(torch.softmax, fed, self.tiers, 1), mask)]
                if name in readers:
                    read[name].append(masked(features[name], mask))
            if keep_features:
                together = torch.cat(list(features.values()), dim=1)
                logits = {_FEATURES: together, **logits}
            yield logits

    def _readers(self, step: int) -> list[str]:
        """Return the branches that read features of the previous stage, at a step."""
        return [
            name
            for name, branch in self.branches.items()
            for i in self.stage_order[step : step + 1]
            if getattr(branch['backbone'].stages[i], 'reads_features', False)
        ]

    def _boundaries(self, logits: Tensor, mask: Tensor | None) -> Iterator[Tensor]:
        """Yield the boundary logits (N, 1, T) of each stage, given the first ones."""
        yield logits
        for i, stage in enumerate(self.boundary_head.stages, 1):
            head = partial(self.boundary_head, stage=i)
            logits = self._in_chunks(stage, logits.sigmoid(), mask, head)
            yield logits

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
        *,
        first: bool,
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
        if first and hasattr(self, 'boundary_head'):
            together = torch.cat(list(features.values()), dim=1)
            logits[_BOUNDARY] = self.boundary_head(together, 0)
        for name, branch in self.branches.items():
            if 'head' in branch:
                logits[name] = branch['head'](features[name], stage)
        if hasattr(self, 'fusion'):
            fused = self.fusion['neck'](list(features.values()), stage)
            logits[FUSED] = self.fusion['head'](fused, stage)
        mask = None if mask is None else mask[:, :, inner]
        # Mixed precision ends here.
        return features, {key: masked(v.to(like), mask) for key, v in logits.items()}

    def predict(
        self, x: Mapping[str, Tensor], mask: Tensor | None, lengths: Sequence[int]
    ) -> list[dict[str, Tensor]]:
        """Return the predicted fields of each video, without labels.

        The entropy alone is that at the model's temperature, which divides the mean
        logits of all members later.
        """
        outputs = self.outputs(x, mask)
        videos = []
        for i, length in enumerate(lengths):
            logit = outputs['logits'][i, :, :length].float()
            score = by_tier(torch.softmax, logit, self.tiers, 0)
            tempered = by_tier(torch.softmax, logit / self.temperature, self.tiers, 0)
            entropy = torch.special.entr(tempered).sum(dim=0)
            fields = {'pred_score': score, 'pred_logit': logit, 'pred_entropy': entropy}
            for key in ('risk', 'boundary'):
                if key in outputs:
                    fields[f'pred_{key}'] = outputs[key][i, :length].float()
            videos.append(fields)
        return videos


def _checked_tiers(tiers: Sequence[int] | None, num_classes: int) -> tuple[int, ...]:
    """Return the number of classes of each tier, after checking their sum."""
    sizes = tuple(tiers or (num_classes,))
    if sum(sizes) != num_classes:
        raise UserError(
            f'model.tiers={list(sizes)} has {sum(sizes)} classes in all, but '
            f'num_classes={num_classes}; make both agree.'
        )
    return sizes


def _output(logits: Mapping[str, Tensor]) -> Tensor:
    """Return the logits of the output: the fused ones if there are any."""
    return list(logits.values())[-1]
