"""Multi-stage segmentation of one or several modalities."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import ConfigDict
from mmengine.model import BaseModel, ModuleList
from torch import Tensor

from mmskelseg.evaluation.ensembles import average_predictions, labelled
from mmskelseg.models.branch_checkpoints import (
    branch_checkpoints,
    check_branch_weights,
    check_branches_are_trained,
)
from mmskelseg.models.heads import average_logits
from mmskelseg.models.layers.padding import frame_mask, masked, video_lengths
from mmskelseg.models.layers.tiers import within_tiers
from mmskelseg.models.postprocessors import build_postprocessors
from mmskelseg.models.segmentors.branches import branch_features, branch_stems
from mmskelseg.models.segmentors.network import SegmentationNetwork
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Positive


@MODELS.register_module()
class ActionSegmentor(SegmentationNetwork, BaseModel):
    """A model that labels every frame of untrimmed videos, stage by stage.

    Each modality has a branch: a backbone in stages, and a classifier for each stage.
    With ``fusion``, the features of all branches are fused at every stage and
    classified as well (Fig. 3b). Every classifier of every stage is supervised. The
    output is the prediction of the last stage, the fused one if there is one.
    ``auxiliary`` parts add losses and predictions.

    A branch may have a ``stem``, a module like a stage, which reads the features before
    the backbone; some backbones contain another one. If it has a ``norm_out``, this
    then normalises the features over the whole video.

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
        auxiliary: Configs of further parts, each an
            :class:`mmskelseg.models.AuxiliaryPart`: ``BoundaryHead`` finds the
            boundaries of segments, ``RiskHead`` scores the risk of each frame,
            ``SegmentContrastLoss`` compares the features of segments,
            ``TimestampSupervision`` completes labels in training, and
            ``UncertaintyWeighting`` weighs the losses.
        temperature: Divisor of the logits in predictions, for calibrated probabilities
            (Guo et al., ICML 2017). With several members, the logits are the logarithms
            of their mean probabilities. Labels do not change.
        tiers: Number of classes of each tier, which add up to K. Each tier has a
            distribution of its own, and all stages read those of all tiers. None for
            one tier. With G tiers, labels are (G, T) wherever they are (T,) otherwise.
        members: Number of models of this kind that are trained side by side, each from
            its own random weights. Their losses are added, and their probabilities are
            averaged: an ensemble in a single checkpoint. They share the ``stem`` of
            each branch, but not the stem inside a backbone.
        postprocess: Configs of the steps that change the predicted labels, from the
            registry ``POSTPROCESSORS``.
        chunk_frames: Number of frames that a chunk outputs.
        data_preprocessor: Config of the preprocessor of batches.
        init_cfg: Initialisation by MMEngine.

    Raises:
        ValueError: If the branches do not fit together.

    Source: Hyder et al. (ICRA 2024), Sec. III-B and III-C.

    >>> branch = {'type': 'MSTCNPlusPlus', 'in_channels': 48, 'channels': 32}
    >>> loss = {'type': 'FrameCrossEntropyLoss'}
    >>> model = MODELS.build(
    ...     {
    ...         'type': 'ActionSegmentor',
    ...         'num_classes': 6,
    ...         'branches': {'pose2d': branch},
    ...         'head': {'type': 'SegmentationHead', 'loss_cls': loss},
    ...     }
    ... )
    >>> logits = model({'pose2d': torch.randn(1, 48, 200)}, mode='tensor')
    >>> logits.shape  # steps, videos, classes, frames
    torch.Size([4, 1, 6, 200])
    """

    def __init__(
        self,
        num_classes: Count,
        branches: Mapping[str, ConfigDict],
        *,
        head: Mapping[str, object],
        fusion: Mapping[str, object] | None = None,
        auxiliary: Sequence[Mapping[str, object]] = (),
        temperature: Positive = 1.0,
        tiers: Sequence[Count] | None = None,
        members: Count = 1,
        postprocess: Sequence[Mapping[str, object]] = (),
        chunk_frames: Count = 32768,
        data_preprocessor: Mapping[str, object] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if members > 1 and any(cfg.get('init_cfg') for cfg in branches.values()):
            raise UserError(
                f'members={members}, but branches start from checkpoints (init_cfg), '
                'so all members would start from the same weights; leave out one of '
                'the two.'
            )
        parts: dict[str, Any] = {
            'head': head, 'fusion': fusion, 'auxiliary': auxiliary, 'tiers': tiers,
            'chunk_frames': chunk_frames,
        }  # fmt: skip
        # The model is its own first member, so weight names don't depend on members.
        super().__init__(num_classes, branches, **parts, init_cfg=init_cfg)
        # Built here, since MMEngine would look for it in the default scope.
        self.data_preprocessor = MODELS.build(
            data_preprocessor or {'type': 'SegDataPreprocessor'}
        )
        self._branch_cfgs = branches
        self.temperature = temperature
        has_boundaries = any(part.predicts == 'boundary' for part in self.auxiliary)
        self.postprocess = build_postprocessors(
            postprocess,
            self.tiers,
            has_boundaries=has_boundaries,
            temperature=temperature,
        )
        # The other members read the output of the first one's stems.
        own = {
            name: {k: v for k, v in cfg.items() if k not in ('standardize', 'stem')}
            for name, cfg in branches.items()
        }
        for name, branch in self.branches.items():
            if 'stem' in branch:
                own[name]['in_channels'] = branch['stem'].out_channels
        self.others = ModuleList(
            SegmentationNetwork(num_classes, own, **parts) for _ in range(members - 1)
        )

    @property
    def networks(self) -> list[SegmentationNetwork]:
        """The members."""
        return [self, *self.others]

    @property
    def steps_of_tiers(self) -> list[ModuleList]:
        """The post-processing steps of each tier."""
        return list(self.postprocess) if len(self.tiers) > 1 else [self.postprocess]

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
                they need gt_label, and what auxiliary parts read. None: the length of
                all videos is T.
            mode: ``tensor`` for the logits of all stages, shape (S, N, K, T), 0 in the
                padding; ``loss`` for a dict of losses; ``predict`` for samples with
                pred_label (T,), the probabilities pred_score (K, T), pred_logit (K, T)
                and pred_entropy (T,), the entropy of the probabilities in nats,
                averaged over members. Auxiliary parts add fields (T,), such as
                pred_risk; post-processing adds raw_label (T,), the labels before it.

        Raises:
            ValueError: If the inputs do not fit the branches, or the mode is unknown.
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
        standardized = self.standardized(inputs, mask)
        if mode == 'predict':
            # Without gradients, so that only the activations of one chunk are kept.
            with torch.no_grad():
                x = self.shared_inputs(standardized, mask)
                predicted = [n.outputs(x, mask) for n in self.networks]
            steps = self.steps_of_tiers
            for i, sample in enumerate(samples):
                video = self.together(predicted, i, lengths[i])
                for key, value in labelled(video, self.tiers, steps).items():
                    sample.set_field(value, key, dtype=Tensor)
            return list(samples)
        x = self.shared_inputs(standardized, mask)
        if mode == 'loss':
            features = list(standardized.values())
            losses: list[dict[str, Any]] = [
                n.losses(x, mask, lengths, samples, features) for n in self.networks
            ]
            return {key: sum(part[key] for part in losses) for key in losses[0]}
        logits = torch.stack([n.logits(x, mask) for n in self.networks])
        if len(logits) == 1:
            return logits[0]
        return torch.stack(
            [masked(stage, mask) for stage in average_logits(logits, self.tiers)]
        )

    def together(
        self, outputs: Sequence[Mapping[str, Tensor]], i: int, length: int | None
    ) -> dict[str, Tensor]:
        """Return the prediction of a video without labels, at the model's temperature.

        Args:
            outputs: What each member outputs for a batch.
            i: The number of the video in the batch.
            length: Its number of frames; None if it is not padded.
        """
        softmax = partial(within_tiers, torch.softmax, tiers=self.tiers, dim=0)
        members = []
        for output in outputs:
            own = {f'pred_{k}': v[i, ..., :length].float() for k, v in output.items()}
            logit = own['pred_logit']
            entropies = torch.special.entr(softmax(logit / self.temperature))
            own |= {'pred_score': softmax(logit), 'pred_entropy': entropies.sum(dim=0)}
            members.append(own)
        video = members[0] if len(members) == 1 else average_predictions(members)
        if self.temperature != 1:
            video['pred_logit'] = video['pred_logit'] / self.temperature
            video['pred_score'] = softmax(video['pred_logit'])
        return video

    def _check(self, inputs: Mapping[str, Tensor]) -> None:
        for name, channels in self.in_channels.items():
            features = branch_features(inputs, name, channels)
            if features.dim() == 5 and not branch_stems(self.branches[name]):
                raise UserError(
                    f'The {name} features are images {tuple(features.shape[3:])}, '
                    f'which model.branches.{name} needs a stem to read, such as '
                    "dict(type='HeatmapEncoder'); or give the features an encoder."
                )
