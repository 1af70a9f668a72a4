"""Multi-stage segmentation of one or several modalities."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import ConfigDict
from mmengine.model import BaseModel, BaseModule, ModuleDict, ModuleList
from torch import Tensor, nn

from mmskelseg.evaluation.ensembles import average_predictions
from mmskelseg.models.branch_checkpoints import (
    branch_checkpoints,
    check_branch_weights,
    check_branches_are_trained,
)
from mmskelseg.models.heads import average_logits
from mmskelseg.models.layers import (
    FeatureStandardizer,
    for_each_stage,
    frame_chunks,
    frame_mask,
    masked,
    run_stage,
    stack_frames,
    total_channels,
    video_lengths,
)
from mmskelseg.models.postprocessors import build_postprocessors, postprocess
from mmskelseg.models.segmentors.fusion_options import FUSED, fusion_options
from mmskelseg.registry import MODELS
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.settings import check_least

# Keys of what a stage yields besides the logits of branches.
_BOUNDARY = 'boundary'
_FEATURES = 'features'


@MODELS.register_module()
class ActionSegmentor(BaseModel):
    """A model that labels every frame of untrimmed videos, stage by stage.

    Each modality has a branch: a backbone in stages, and a classifier for each stage.
    With ``fusion``, the features of all branches are fused at every stage and
    classified as well (Fig. 3b). Every classifier of every stage is supervised. The
    output is the prediction of the last stage, the fused one if there is one.

    A branch may have a ``stem``, a module like a stage, which reads the features before
    the backbone; some backbones contain another one. If it has a ``norm_out``, this
    then reads the features of the whole video. ``risk_head`` computes a risk
    score of each frame from the input of the first stages of all branches, and
    ``boundary_head`` the probability that a segment begins in it, from the output of
    these stages.

    A later stage reads the class probabilities of the previous one. If its
    ``reads_features`` is true, it also gets the features (N, out_channels, T) of the
    previous stage of its own branch: ``stage(x, mask, features)``.

    In evaluation, stages that state on how many frames to each side they depend (their
    ``context``) process long videos in chunks that overlap by that many frames. The
    result is the same, and memory grows with the video only for standardised features,
    the output of stems, and class probabilities.

    Args:
        num_classes: Number of classes, K.
        branches: Config of the backbone of each modality, with the ``in_channels`` of
            its features. Its ``init_cfg`` applies to the whole branch. ``stem`` is the
            config of a stem, such as :class:`mmskelseg.models.HeatmapEncoder`. With
            ``standardize=True``, features are standardised by the mean and standard
            deviation of each channel over the training videos, which
            ``FitStatisticsHook`` computes.
        head: Config of the classifiers of every backbone and of the fusion.
        fusion: For several branches: ``neck``, the config of the module that fuses
            features; ``feed``, the prediction that the next stage of each branch reads,
            ``fused`` (default) or its ``own``; ``branch_heads``, whether branches keep
            their own classifiers and losses (default True).
        risk_head: Config of the head that scores the risk of each frame; optional.
        boundary_head: Config of the head that finds boundaries of segments; optional.
        loss_weighting: Config of the weighting of the losses; by default, their sum.
        timestamps: Config of what completes the labels in training if only some frames
            of each segment are labelled, such as ``TimestampSupervision``; optional.
        members: Number of models of this kind that are trained side by side, each from
            its own random weights. Their losses are added, and their probabilities are
            averaged: an ensemble in a single checkpoint. They share the ``stem`` of
            each branch, but not that in a backbone.
        postprocess: Configs of the steps that change the predicted labels, from the
            registry ``POSTPROCESSORS``.
        chunk_frames: Number of frames that a chunk outputs.
        data_preprocessor: Config of the preprocessor of batches.
        init_cfg: Initialisation by MMEngine.

    Raises:
        ValueError: If the branches do not fit together.

    Source: Hyder et al. (ICRA 2024), Sec. III-B and III-C; the risk head: Parsa and
    Banerjee (WACV 2021); the boundary head: Ishikawa et al. (WACV 2021).
    """

    def __init__(
        self,
        num_classes: int,
        branches: Mapping[str, ConfigDict],
        *,
        head: Mapping[str, object],
        fusion: Mapping[str, object] | None = None,
        risk_head: Mapping[str, object] | None = None,
        boundary_head: Mapping[str, object] | None = None,
        loss_weighting: Mapping[str, object] | None = None,
        timestamps: Mapping[str, object] | None = None,
        members: int = 1,
        postprocess: Sequence[Mapping[str, object]] = (),
        chunk_frames: int = 32768,
        data_preprocessor: Mapping[str, object] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        # Built here, since MMEngine would look for it in the default scope.
        preprocessor = MODELS.build(
            data_preprocessor or {'type': 'SegDataPreprocessor'}
        )
        super().__init__(preprocessor, init_cfg)
        counts = {'num_classes': num_classes, 'chunk_frames': chunk_frames}
        check_least('ActionSegmentor', 1, **counts, members=members)
        self.num_classes = num_classes
        self.chunk_frames = chunk_frames
        self._branch_cfgs = branches
        options = fusion_options(list(branches), fusion)
        self.feed_fused = fusion is not None and options.feed == FUSED
        backbones, stems = {}, {}
        for name, cfg in branches.items():
            own = ('init_cfg', 'standardize', 'stem')
            sizes = {key: value for key, value in cfg.items() if key not in own}
            if cfg.get('stem') is not None:
                reads = {'in_channels': cfg['in_channels'], **cfg['stem']}
                if reads['in_channels'] != cfg['in_channels']:
                    raise UserError(
                        f'Branch {name!r} has in_channels={cfg["in_channels"]}, but '
                        f'its stem has {reads["in_channels"]}; leave the latter out.'
                    )
                stems[name] = MODELS.build(reads)
                sizes['in_channels'] = stems[name].out_channels
            backbones[name] = MODELS.build({'num_classes': num_classes, **sizes})
        self._in_channels = {
            name: branches[name].get('in_channels', backbone.in_channels)
            for name, backbone in backbones.items()
        }
        orders = {name: backbone.stage_order for name, backbone in backbones.items()}
        if len(set(orders.values())) != 1:
            raise UserError(f'Branches must have the same stages, but have {orders}.')
        self.stage_order = next(iter(orders.values()))
        num_stages = max(self.stage_order) + 1
        _check_levels(head, backbones)

        def build_head(in_channels: int | list[int]) -> BaseModule:
            sizes = {'in_channels': in_channels, 'num_classes': num_classes}
            return MODELS.build({**sizes, 'num_stages': num_stages, **head})

        self.branches = ModuleDict()
        for name, backbone in backbones.items():
            parts = {'backbone': backbone}
            if name in stems:
                parts['stem'] = stems[name]
            if branches[name].get('standardize', False):
                parts['standardizer'] = FeatureStandardizer(self._in_channels[name])
            if options.branch_heads:
                parts['head'] = build_head(
                    total_channels([backbone.out_channels], num_stages)
                )
            self.branches[name] = ModuleDict(parts, branches[name].get('init_cfg'))
        widths = [backbone.out_channels for backbone in backbones.values()]
        if fusion is not None:
            width = total_channels(widths, num_stages)
            sizes = {'in_channels': width, 'num_stages': num_stages}
            neck = MODELS.build({**sizes, **options.neck})
            parts = {'neck': neck, 'head': build_head(neck.out_channels)}
            self.fusion = ModuleDict(parts)
        if risk_head is not None:
            width = sum(
                backbone.stem.out_channels
                if hasattr(backbone, 'stem')
                else backbone.in_channels
                for backbone in backbones.values()
            )
            self.risk_head = MODELS.build({'in_channels': width, **risk_head})
        if boundary_head is not None:
            # It reads the features of the first stage.
            first = sum(for_each_stage(width, num_stages)[0] for width in widths)
            self.boundary_head = MODELS.build({'in_channels': first, **boundary_head})
        if loss_weighting is not None:
            self.loss_weighting = MODELS.build(loss_weighting)
        if timestamps is not None:
            self.timestamps = MODELS.build(timestamps)
        if members > 1 and any(cfg.get('init_cfg') for cfg in branches.values()):
            raise UserError(
                f'members={members}, but branches start from checkpoints (init_cfg), '
                'so all members would start from the same weights; leave out one of '
                'the two.'
            )
        self.postprocess = build_postprocessors(
            postprocess, num_classes, has_boundaries=boundary_head is not None
        )
        # The other members share this one's standardised features and stems, and its
        # steps process the average.
        shared = {
            name: {k: v for k, v in cfg.items() if k not in ('standardize', 'stem')}
            for name, cfg in branches.items()
        }
        for name, stem in stems.items():
            shared[name]['in_channels'] = stem.out_channels
        self.others = ModuleList(
            ActionSegmentor(
                num_classes,
                shared,
                head=head,
                fusion=fusion,
                risk_head=risk_head,
                boundary_head=boundary_head,
                loss_weighting=loss_weighting,
                timestamps=timestamps,
                chunk_frames=chunk_frames,
            )
            for _ in range(members - 1)
        )

    def init_weights(self) -> None:
        """Set the initial weights of a training, after checking the checkpoints."""
        check_branches_are_trained(self._branch_cfgs)
        for name in branch_checkpoints(self._branch_cfgs):
            init_cfg = self._branch_cfgs[name]['init_cfg']
            check_branch_weights(name, self.branches[name], init_cfg)
        super().init_weights()

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence[ActionDataSample] | None = None,
        mode: str = 'tensor',
    ) -> Tensor | dict[str, Tensor] | list[ActionDataSample]:
        """Return logits, losses or predictions.

        Args:
            inputs: Features of each modality, shape (N, C, T), padded at the end.
            data_samples: Samples with the true length of each video (``total_frames``
                in their meta information, else the length of their labels). For losses,
                they need gt_label and, with a risk head, gt_risk. None: the length of
                all videos is T.
            mode: ``tensor`` for the logits of all stages, shape (S, N, K, T), 0 in the
                padding; ``loss`` for a dict of losses; ``predict`` for samples with
                pred_label (T,), the probabilities pred_score (K, T), pred_logit (K, T)
                and pred_entropy (T,), the entropy of the probabilities in nats,
                averaged over members. Further heads add pred_risk (T,) and
                pred_boundary (T,), the probability that a segment begins in a frame;
                post-processing adds raw_label (T,), the labels before it.

        Raises:
            ValueError: If the inputs do not fit the branches, or there is no such mode.
        """
        if mode not in ('tensor', 'loss', 'predict'):
            raise UserError(f"mode={mode!r} is not 'tensor', 'loss' or 'predict'.")
        if data_samples is None and mode != 'tensor':
            raise UserError(f'mode={mode!r} needs data_samples.')
        samples = data_samples or ()
        self._check(inputs)
        example = next(iter(inputs.values()))
        lengths = video_lengths(example, data_samples)
        mask = frame_mask(lengths, example.shape[2], next(self.parameters()))
        standardized = self._standardized(inputs, mask)
        models = [self, *self.others]
        if mode == 'predict':
            # Without gradients, so that only the activations of one chunk are kept.
            with torch.no_grad():
                x = self._stems(standardized, mask)
                predicted = [m._predict(x, mask, lengths) for m in models]
            for i, sample in enumerate(samples):
                videos = [videos[i] for videos in predicted]
                video = videos[0] if len(models) == 1 else average_predictions(videos)
                for key, value in postprocess(video, self.postprocess).items():
                    sample.set_field(value, key, dtype=Tensor)
            return list(samples)
        x = self._stems(standardized, mask)
        if mode == 'loss':
            losses = [
                m._losses(x, mask, lengths, samples, list(standardized.values()))
                for m in models
            ]
            return {key: sum(part[key] for part in losses) for key in losses[0]}
        logits = torch.stack([m._logits(x, mask) for m in models])
        if len(models) == 1:
            return logits[0]
        return torch.stack([masked(stage, mask) for stage in average_logits(logits)])

    def _check(self, inputs: Mapping[str, Tensor]) -> None:
        for name, expected in self._in_channels.items():
            if name not in inputs:
                raise UserError(
                    f'The model has a branch {name!r}, but the inputs are '
                    f'{list(inputs)}; name it under dataset.features as well.'
                )
            if inputs[name].shape[1] != expected:
                raise UserError(
                    f'The {name} features have {inputs[name].shape[1]} channels, but '
                    f'the model expects {expected}; set '
                    f'model.branches.{name}.in_channels to that of the features.'
                )
            if inputs[name].dim() == 5 and not branch_stems(self.branches[name]):
                raise UserError(
                    f'The {name} features are images {tuple(inputs[name].shape[3:])}, '
                    f'which model.branches.{name} needs a stem to read, such as '
                    "dict(type='HeatmapEncoder'); or give the features an encoder."
                )

    def _standardized(
        self, inputs: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the features of each branch, standardised if it is configured so."""
        like = next(self.parameters())
        x = {name: inputs[name] for name in self.branches}
        for name, branch in self.branches.items():
            if 'standardizer' in branch:
                x[name] = masked(branch['standardizer'](x[name].to(like)), mask)
        return x

    def _stems(
        self, inputs: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the input of each branch's backbone, which all members share."""
        x = dict(inputs)
        for name, branch in self.branches.items():
            if 'stem' in branch:
                x[name] = self._through(branch['stem'], x[name], mask)
        return x

    def _through(self, stem: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the output of a stem, in chunks, and normalised if it has a norm."""
        like = next(self.parameters())
        chunks = []
        for wide, inner in self._chunks([stem], x.shape[2]):
            part = None if mask is None else mask[:, :, wide]
            features = run_stage(stem, x[:, :, wide].to(like), part)
            chunks.append(features[:, :, inner].to(like))
        return finish_stem(stem, torch.cat(chunks, 2), mask)

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
                read[name] = [masked(fed.softmax(dim=1), mask)]
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
        like, head = next(self.parameters()), self.boundary_head
        for i, stage in enumerate(head.stages, 1):
            x, chunks = logits.sigmoid(), []
            for wide, inner in self._chunks([stage], x.shape[2]):
                part = None if mask is None else mask[:, :, wide]
                features = run_stage(stage, x[:, :, wide], part)[:, :, inner]
                chunks.append(head(features, i).to(like))
            logits = torch.cat(chunks, 2)
            yield logits

    def _chunks(
        self, stages: Iterable[nn.Module], frames: int
    ) -> Iterator[tuple[slice, slice]]:
        """Yield the frames that each chunk reads, and which of these it outputs."""
        whole = torch.is_grad_enabled() or self.training
        return frame_chunks(stages, frames, None if whole else self.chunk_frames)

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

    def _logits(self, x: Mapping[str, Tensor], mask: Tensor | None) -> Tensor:
        """Return the logits (S, N, K, T) of all stages."""
        read = self.first_inputs(x, mask)
        return torch.stack([_output(logits) for logits in self._stages(read, mask)])

    def _losses(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None,
        lengths: Sequence[int],
        data_samples: Sequence[ActionDataSample],
        inputs: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        x = self.first_inputs(x, mask)
        timestamps = getattr(self, 'timestamps', None)
        stages = list(self._stages(x, mask, keep_features=timestamps is not None))
        boundary = stages[0].pop(_BOUNDARY, None)
        features = [stage.pop(_FEATURES, None) for stage in stages]
        logits = {key: torch.stack([s[key] for s in stages]) for key in stages[0]}
        example = next(iter(logits.values()))
        frames = example.shape[3]
        labels = stack_frames(
            data_samples, 'gt_label', lengths, frames, fill=-1, dtype=torch.long
        )
        losses, stamps, valid = {}, labels, None
        if timestamps is not None:
            labels = timestamps.complete(features[-1], stamps, lengths)
            valid = frame_mask(lengths, frames, example)
            valid = (
                example.new_ones(len(lengths), 1, frames) if valid is None else valid
            )
        for source, value in logits.items():
            head = (self.fusion if source == FUSED else self.branches[source])['head']
            prefix = '' if len(logits) == 1 else f'{source}.'
            parts = head.loss(value, labels, inputs, valid)
            if timestamps is not None:
                parts |= timestamps.loss(value, stamps)
            for key, loss in parts.items():
                losses[prefix + key] = loss
        if boundary is not None:
            boundaries = torch.stack(list(self._boundaries(boundary, mask)))
            losses |= self.boundary_head.loss(boundaries, labels)
        if hasattr(self, 'risk_head'):
            risk = self.risk_head(list(x.values()))
            losses |= self.risk_head.loss(risk, lengths, data_samples)
        if hasattr(self, 'loss_weighting'):
            losses = self.loss_weighting(losses)
        return losses

    def first_inputs(
        self, x: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the input of the first stage of each branch.

        Args:
            x: What all members read: the output of each branch's stem, or its
                standardised features.
            mask: Shape (N, 1, T), or None.
        """
        like = next(self.parameters())
        read = dict(x)
        for name, branch in self.branches.items():
            if (stem := getattr(branch['backbone'], 'stem', None)) is not None:
                read[name] = self._through(stem, x[name], mask)
            elif hasattr(self, 'risk_head'):
                read[name] = x[name].to(like)
        return read

    def outputs(
        self, x: Mapping[str, Tensor], mask: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the outputs of the last stage and of the other heads.

        Args:
            x: The input of the first stage of each branch.
            mask: Shape (N, 1, T), or None.

        Returns:
            ``logits`` (N, K, T); with a boundary head the probabilities ``boundary``
            (N, T), and with a risk head the scores ``risk`` (N, T).
        """
        boundary = None
        # One after another, so that only the logits of the last stage are kept.
        for logits in self._stages(x, mask):
            boundary = logits.pop(_BOUNDARY, boundary)
            outputs = {'logits': _output(logits)}
        if boundary is not None:
            *_, boundary = self._boundaries(boundary, mask)
            outputs['boundary'] = boundary[:, 0].sigmoid()
        if hasattr(self, 'risk_head'):
            outputs['risk'] = self.risk_head(list(x.values()))
        return outputs

    def _predict(
        self, x: Mapping[str, Tensor], mask: Tensor | None, lengths: Sequence[int]
    ) -> list[dict[str, Tensor]]:
        """Return the predicted fields of each video's sample."""
        outputs = self.outputs(self.first_inputs(x, mask), mask)
        boundary, risk = outputs.get('boundary'), outputs.get('risk')
        videos = []
        for i, length in enumerate(lengths):
            video = outputs['logits'][i, :, :length].float()
            score = video.softmax(dim=0)
            fields = {
                'pred_score': score,
                'pred_label': video.argmax(dim=0),
                'pred_logit': video,
                'pred_entropy': torch.special.entr(score).sum(dim=0),
            }
            if risk is not None:
                fields['pred_risk'] = risk[i, :length].float()
            if boundary is not None:
                fields['pred_boundary'] = boundary[i, :length].float()
            videos.append(fields)
        return videos


def branch_stems(branch: ModuleDict) -> list[nn.Module]:
    """Return the stem of a branch and that in its backbone, if it has any."""
    inner = getattr(branch['backbone'], 'stem', None)
    return [
        *([branch['stem']] if 'stem' in branch else []),
        *([] if inner is None else [inner]),
    ]


def finish_stem(stem: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return features of all frames (N, C, T), normalised if their stem has a norm."""
    norm = getattr(stem, 'norm_out', None)
    return x if norm is None else norm(x, mask)


def _check_levels(
    head: Mapping[str, object], backbones: Mapping[str, nn.Module]
) -> None:
    """Raise an error if a head divides features that do not consist of its levels."""
    levels = head.get('num_levels', 1)
    for name, backbone in backbones.items():
        has = getattr(backbone, 'num_levels', levels)
        if levels not in (1, has):
            raise UserError(
                f'head.num_levels={levels}, but the features of branch {name!r} have '
                f'{has} levels; set head.num_levels to {has}, or leave it out.'
            )


def _output(logits: Mapping[str, Tensor]) -> Tensor:
    """Return the logits of the output: the fused ones if there are any."""
    return list(logits.values())[-1]
