"""Checks that the parts of a run fit together, before it takes time."""

from collections.abc import Iterator, Mapping, Sequence
from logging import WARNING

import torch
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, IterBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmskelseg.checkpoints.reading import tensors_of
from mmskelseg.checkpoints.weights import (
    check_class_order,
    check_visible_frames,
    check_weights,
    trained_data,
    used_tensors,
)
from mmskelseg.engine.hooks.fit_statistics_hook import (
    FitStatisticsHook,
    bare_model,
    unfitted,
)
from mmskelseg.engine.resuming import resume_problems
from mmskelseg.evaluation.metrics import SegmentationMetric
from mmskelseg.models.auxiliary.timestamps import TimestampSupervision
from mmskelseg.models.losses import TruncatedMSELoss
from mmskelseg.registry import HOOKS
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.tiers import tier_sizes


@HOOKS.register_module()
class SegCheckHook(Hook):
    """A hook that checks whether data set, model, metric and checkpoint fit together.

    Before training and testing, all must have the same number of classes. A checkpoint
    for a test or for resuming must have exactly the tensors of the model, since
    MMEngine would leave missing ones random. A checkpoint from which a training starts
    must share some tensors, with the same shapes; the log names the others. Models with
    statistics of the training set need the hook that computes these. A training stops
    if a loss is not finite. A smoothness loss that does not suit timestamps causes a
    warning.
    """

    _last: tuple[object, object] = (None, None)
    # The classes of the checkpoint of a test, and its file.
    _trained: tuple[Sequence[str], str] = ((), '')

    def before_train(self, runner: Runner) -> None:
        """Check loop, classes, and hooks.

        Raises:
            UserError: If a part does not suit the training; the message names it.
        """
        if isinstance(getattr(runner, '_train_loop', None), IterBasedTrainLoop):
            raise UserError(
                'train_cfg.type is IterBasedTrainLoop, but augmentations are drawn for '
                'each epoch, and trainings resumed at epochs; set it to '
                'EpochBasedTrainLoop, with max_epochs.'
            )
        _check_statistics(runner)
        _check_timestamps(runner.model)
        _check_classes(runner, runner.train_dataloader, None)
        if runner.val_loop is not None:
            _check_classes(runner, runner.val_dataloader, runner.val_loop.evaluator)
            train, val = runner.train_dataloader.dataset, runner.val_dataloader.dataset
            trained = _classes(train) or ()
            check_class_order(trained, _classes(val), _file(train), _file(val))

    def before_test(self, runner: Runner) -> None:
        """Check the classes of a test, in the order of the checkpoint."""
        dataset = runner.test_dataloader.dataset
        # Only an ensemble itself knows its classes.
        model = bare_model(runner)
        trained, file = getattr(model, 'trained', self._trained)
        check_class_order(trained, _classes(dataset), file, _file(dataset))
        _check_classes(runner, runner.test_dataloader, runner.test_loop.evaluator)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Mapping[str, object] | None = None,
    ) -> None:
        """Stop a training whose loss is not finite.

        On a GPU, each check waits for the device, so only some steps are checked, and
        every checkpoint.
        """
        loss = (outputs or {}).get('loss')
        self._last = (loss, data_batch)
        if not isinstance(loss, Tensor) or loss.is_cpu or batch_idx % 20 == 0:
            self._check_loss(runner)

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: Mapping[str, object]
    ) -> None:
        """Keep the last good checkpoint if the loss is not finite."""
        self._check_loss(runner)

    def _check_loss(self, runner: Runner) -> None:
        loss, batch = self._last
        if loss is None or bool(torch.as_tensor(loss).isfinite().all()):
            return
        loss = torch.as_tensor(loss).detach()
        where = f'epoch {runner.epoch + 1}, step {runner.iter + 1}'
        for inputs, sample in _videos(batch):
            for modality, features in inputs.items():
                if features.is_floating_point() and not features.isfinite().all():
                    raise UserError(
                        f'The loss is {float(loss)} in {where}, since the {modality} '
                        f'features of video {sample.get("frame_dir")!r} are not '
                        'finite; correct or delete their file, or remove that video.'
                    )
        raise UserError(
            f'The loss is {float(loss)} in {where}: the training diverged, so it ends '
            'here. Resume from the last checkpoint, which is still good, or start '
            'again, with a lower learning rate (optim_wrapper.optimizer.lr).'
        )

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: Mapping[str, object]
    ) -> None:
        """Check a checkpoint before its weights are copied.

        Raises:
            UserError: If it is of another model, or cannot be resumed exactly.
        """
        file = str(runner._load_from or f'The last checkpoint in {runner.work_dir}')
        own = bare_model(runner).state_dict()
        state = used_tensors(tensors_of(checkpoint, file), own)
        trains = isinstance(runner._train_loop, BaseLoop)
        starts_training = trains and not runner._resume
        if trains and runner._resume:
            for problem in resume_problems(runner, checkpoint):
                raise UserError(
                    f'{file}: {problem}, so the training cannot be resumed exactly; '
                    'start a new one from its weights with --cfg-options '
                    'load_from=FILE, without --resume.'
                )
        missing, foreign = check_weights(state, own, file, some=starts_training)
        if not starts_training:
            branches = runner.cfg.get('model', {}).get('branches')
            check_visible_frames(branches, checkpoint, file)
            classes = trained_data(checkpoint, file).get('classes', ())
            self._trained = (classes, file)
        if missing or foreign:
            print_log(
                f'{file}: lacks {len(missing)} of {len(own)} tensors of the model '
                f'({listed(missing, 2)}), which start at random; unused: '
                f'{len(foreign)} ({listed(foreign, 2)}).',
                WARNING,
            )


def _videos(batch: object) -> Iterator[tuple[dict[str, Tensor], ActionDataSample]]:
    """Yield the features by modality and the sample of each video in a batch."""
    if isinstance(batch, dict) and isinstance(batch.get('inputs'), dict):
        for i, sample in enumerate(batch.get('data_samples') or ()):
            yield {name: videos[i] for name, videos in batch['inputs'].items()}, sample


def _check_classes(
    runner: Runner, loader: DataLoader, evaluator: Evaluator | None
) -> None:
    classes = _classes(loader.dataset)
    file = _file(loader.dataset)
    model = bare_model(runner)
    counts = {'model.num_classes': getattr(model, 'num_classes', None)}
    for metric in evaluator.metrics if evaluator is not None else ():
        if isinstance(metric, SegmentationMetric):
            counts['num_classes of SegmentationMetric'] = metric.num_classes
    for name, count in counts.items():
        if classes is not None and count is not None and count != len(classes):
            raise UserError(
                f'{file}: has {len(classes)} classes, but {name} is '
                f'{count}; set it to {len(classes)}.'
            )
    sizes = getattr(model, 'tiers', None)
    meta = getattr(loader.dataset, 'metainfo', {})
    if sizes is not None and classes is not None and [*sizes] != tier_sizes(meta):
        stated, remedy = 'has no tiers', 'leave it out'
        if 'tiers' in meta:
            stated = f'has tiers of {tier_sizes(meta)} classes'
            remedy = f'set it to {tier_sizes(meta)}'
        raise UserError(f'{file}: {stated}, but model.tiers is {[*sizes]}; {remedy}.')


def _classes(dataset: Dataset) -> Sequence[str] | None:
    """Return the names of the classes of a data set; None if it has no names."""
    return getattr(dataset, 'metainfo', {}).get('classes')


def _file(dataset: Dataset) -> str:
    """Return the annotation file of a data set, for messages."""
    return str(getattr(dataset, 'ann_file', 'The data set'))


def _check_statistics(runner: Runner) -> None:
    names = list(unfitted(runner))
    if names and not any(isinstance(h, FitStatisticsHook) for h in runner.hooks):
        raise UserError(
            f'model.{names[0]} needs statistics of the training set, but no hook '
            "computes them; add dict(type='FitStatisticsHook') to custom_hooks, which "
            'replace those of an inherited config.'
        )


def _check_timestamps(model: nn.Module) -> None:
    """Warn of a smoothness loss that moves the boundaries between timestamps."""
    parts = list(model.modules())
    pulls_back = any(
        isinstance(part, TruncatedMSELoss) and part.form == 'reference'
        for part in parts
    )
    if pulls_back and any(isinstance(part, TimestampSupervision) for part in parts):
        print_log(
            'The smoothness loss of the form reference moves the boundaries that are '
            'found between timestamps to later frames, a little in each step; set '
            'model.head.loss_smooth.form=printed.',
            WARNING,
        )
