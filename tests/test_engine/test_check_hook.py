from math import nan
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mmskelseg.engine.hooks import FitStatisticsHook, SegCheckHook
from mmskelseg.registry import MODELS
from tests.errors import raises_naming
from tests.small_data import ROOT


def test_features_that_nothing_standardises_are_refused():
    """Hooks of a config replace those of one that it inherits."""
    path = ROOT / 'configs' / 'recipes' / 'uwiom_pose2d.py'
    model = MODELS.build(Config.fromfile(path).model)
    loader = SimpleNamespace(dataset=[])
    runner = SimpleNamespace(
        model=model, train_dataloader=loader, val_loop=None, hooks=[SegCheckHook()]
    )
    with raises_naming(ValueError, 'pose2d.standardizer', 'FitStatisticsHook'):
        SegCheckHook().before_train(runner)
    runner.hooks.append(FitStatisticsHook())
    SegCheckHook().before_train(runner)


@pytest.mark.parametrize('form', ['reference', 'printed'])
def test_smoothness_loss_that_moves_boundaries_is_a_warning(form, logged):
    """Where these are found between timestamps, and nowhere else."""
    cfg = Config.fromfile(ROOT / 'configs' / 'recipes' / 'uwiom_pose2d.py').model
    cfg.branches.pose2d.standardize = False
    cfg.head.loss_smooth.form = form
    loader = SimpleNamespace(dataset=[])
    for auxiliary in ([], [{'type': 'TimestampSupervision'}]):
        cfg.auxiliary = auxiliary
        runner = SimpleNamespace(
            model=MODELS.build(cfg), train_dataloader=loader, val_loop=None, hooks=[]
        )
        logged.clear()
        SegCheckHook().before_train(runner)
        warned = [r for r in logged.records if 'form=printed' in r.getMessage()]
        assert len(warned) == (form == 'reference' and len(auxiliary))


@pytest.mark.parametrize(
    ('value', 'named'),
    [
        (1.0, 'epoch 2, step 8 | optim_wrapper.optimizer.lr'),
        (float('inf'), "epoch 2, step 8 | pose2d | 'b'"),
    ],
)
def test_loss_that_is_not_finite_ends_the_training(value, named):
    """In its step, or before a checkpoint would keep its weights."""
    inputs = {'pose2d': [torch.ones(3, 5), torch.full((3, 5), value)]}
    batch = {'inputs': inputs, 'data_samples': [{'frame_dir': n} for n in 'ab']}
    runner = SimpleNamespace(epoch=1, iter=7)
    hook = SegCheckHook()
    hook.after_train_iter(runner, 3, batch, {'loss': torch.tensor(2.0)})
    hook.before_save_checkpoint(runner, {})
    for check in (
        lambda: hook.after_train_iter(runner, 3, batch, {'loss': torch.tensor(nan)}),
        lambda: hook.before_save_checkpoint(runner, {}),
    ):
        with raises_naming(ValueError, named):
            check()


def test_weights_that_a_start_does_not_take_are_named(logged):
    """In the log of the training; those of another model are refused."""
    runner = SimpleNamespace(
        model=torch.nn.Linear(2, 2),
        _train_loop=EpochBasedTrainLoop.__new__(EpochBasedTrainLoop),
        _load_from='a.pth',
        _resume=False,
    )
    content = {'weight': torch.zeros(2, 2), 'bias': torch.zeros(2)}
    SegCheckHook().after_load_checkpoint(runner, {'state_dict': content})
    assert not logged.records
    content['scale'] = content.pop('bias')
    SegCheckHook().after_load_checkpoint(runner, {'state_dict': content})
    (record,) = logged.records
    assert record.levelname == 'WARNING'
    assert record.getMessage() == (
        'a.pth: lacks 1 of 2 tensors of the model (bias), which start at random; '
        'unused: 1 (scale).'
    )
    del content['weight']
    with raises_naming(ValueError, 'a.pth', '(bias, weight)', '(scale)'):
        SegCheckHook().after_load_checkpoint(runner, {'state_dict': content})


def test_training_by_steps_is_refused():
    """Every pass would have the augmentations of the first, also after resuming."""
    loop = IterBasedTrainLoop.__new__(IterBasedTrainLoop)
    runner = SimpleNamespace(_train_loop=loop)
    with raises_naming(ValueError, 'train_cfg.type', 'IterBasedTrainLoop', 'Epoch'):
        SegCheckHook().before_train(runner)


def test_classes_in_another_order_than_in_training_are_refused():
    """All scores would be wrong, or the names of the classes."""

    def loader(file, classes):
        dataset = SimpleNamespace(metainfo={'classes': classes}, ann_file=file)
        return SimpleNamespace(dataset=dataset)

    trained, other = (
        loader('a.pkl', ['walk', 'lift']),
        loader('b.pkl', ['lift', 'walk']),
    )
    named = "b.pkl: | 'lift' | id 0 | id 1 | metainfo.classes | --classes walk lift"
    runner = SimpleNamespace(
        model=torch.nn.Linear(2, 2), train_dataloader=trained, val_dataloader=other,
        val_loop=SimpleNamespace(evaluator=None), hooks=[],
    )  # fmt: skip
    with raises_naming(ValueError, named, 'a.pkl'):
        SegCheckHook().before_train(runner)
    runner = SimpleNamespace(
        model=torch.nn.Linear(2, 2), _train_loop=None, _load_from='c.pth', cfg={},
        test_dataloader=other, test_loop=SimpleNamespace(evaluator=None),
    )  # fmt: skip
    hook = SegCheckHook()
    checkpoint = {
        'meta': {'dataset_meta': {'classes': ['walk', 'lift']}},
        'state_dict': runner.model.state_dict(),
    }
    hook.after_load_checkpoint(runner, checkpoint)
    with raises_naming(ValueError, named, 'c.pth'):
        hook.before_test(runner)
    for classes in (['walk', 'lift'], ['gehen', 'heben']):
        runner.test_dataloader = loader('b.pkl', classes)
        hook.before_test(runner)
    # An ensemble loads its checkpoints itself.
    runner.test_dataloader = other
    runner.model.trained = (['walk', 'lift'], 'd.pth')
    with raises_naming(ValueError, named, 'd.pth'):
        SegCheckHook().before_test(runner)
