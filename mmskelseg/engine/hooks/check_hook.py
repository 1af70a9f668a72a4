"""Checks that the parts of a run fit each other before they cost time."""

from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from mmskelseg.engine.hooks.fit_statistics_hook import FitStatisticsHook, unfitted
from mmskelseg.evaluation import SegmentationMetric
from mmskelseg.models.layers import check_lengths
from mmskelseg.registry import HOOKS
from mmskelseg.utils.errors import UserError


@HOOKS.register_module()
class SegCheckHook(Hook):
    """Checks that data set, model, metric and checkpoint fit each other.

    Before training and testing, the number of classes must be one for all. A checkpoint
    to test or resume must have the model's tensors and no others, since MMEngine goes
    on with random weights where it finds none; one to start a training from must share
    some, in their shapes. A model with batch norms needs two frames of every video that
    it trains on, and one that keeps statistics of the training set the hook that finds
    them.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training videos, the classes there and in the validation, hooks."""
        _check_statistics(runner)
        _check_classes(runner, runner.train_dataloader, None)
        _check_videos(runner, runner.train_dataloader.dataset)
        if runner.val_loop is not None:
            _check_classes(runner, runner.val_dataloader, runner.val_loop.evaluator)

    def before_test(self, runner: Runner) -> None:
        """Check the classes of a test."""
        _check_classes(runner, runner.test_dataloader, runner.test_loop.evaluator)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check a checkpoint before its weights are copied."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        expected = model.state_dict()
        state = checkpoint.get('state_dict', checkpoint)
        state = {key.removeprefix('module.'): value for key, value in state.items()}
        file = runner._load_from or f'The last checkpoint in {runner.work_dir}'
        for key in expected.keys() & state.keys():
            if state[key].shape != expected[key].shape:
                raise UserError(
                    f'{file}: {key} has the shape {tuple(state[key].shape)}, but the '
                    f'model of the config needs {tuple(expected[key].shape)}; use the '
                    'config that the checkpoint was trained with.'
                )
        trains = isinstance(runner._train_loop, BaseLoop)
        starts_training = trains and not runner._resume
        missing = sorted(expected.keys() - state.keys())
        foreign = sorted(state.keys() - expected.keys())
        fits = not (missing or foreign)
        if starts_training:
            fits = len(missing) < len(expected)
        if not fits:
            raise UserError(
                f'{file}: not a checkpoint of the model of the config: it lacks '
                f'{len(missing)} of its {len(expected)} tensors ({_few(missing)}) and '
                f'has {len(foreign)} others ({_few(foreign)}); use the config that it '
                'was trained with.'
            )


def _check_classes(
    runner: Runner, loader: DataLoader, evaluator: Evaluator | None
) -> None:
    dataset: Any = loader.dataset
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    counts = {'model.num_classes': getattr(model, 'num_classes', None)}
    for metric in evaluator.metrics if evaluator is not None else ():
        if isinstance(metric, SegmentationMetric):
            counts['num_classes of SegmentationMetric'] = metric.num_classes
    for name, count in counts.items():
        if classes is not None and count is not None and count != len(classes):
            raise UserError(
                f'{dataset.ann_file}: has {len(classes)} classes, but {name} is '
                f'{count}; set it to {len(classes)}.'
            )


def _check_videos(runner: Runner, dataset: Any) -> None:
    if hasattr(dataset, 'get_data_info'):
        infos = map(dataset.get_data_info, range(len(dataset)))
        videos = ((i.get('frame_dir'), i.get('total_frames', 2)) for i in infos)
        check_lengths(runner.model, videos)


def _check_statistics(runner: Runner) -> None:
    names = list(unfitted(runner))
    if names and not any(isinstance(h, FitStatisticsHook) for h in runner.hooks):
        raise UserError(
            f'model.{names[0]} needs statistics of the training set, but no hook finds '
            "them; add dict(type='FitStatisticsHook') to custom_hooks, which replace "
            'those of a config that is inherited.'
        )


def _few(names: list[str]) -> str:
    return ', '.join(names[:2]) + (', ...' if len(names) > 2 else '') or 'none'
