"""What a training needs to go on from a checkpoint, and where it goes on."""

import json
from unittest.mock import Mock

import pytest
import torch

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.engine.jobs import Train
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import TOY

HOOKS = {
    'checkpoint': {'type': 'CheckpointHook', 'interval': 1},
    'check': {'type': 'SegCheckHook'},
    'report': {'type': 'SegReportHook'},
}


@pytest.fixture
def trained(make_runner, tmp_path):
    """Train; return the checkpoint of the last epoch and the folder."""
    make_runner(HOOKS).train()
    return tmp_path / 'work' / 'epoch_2.pth'


def without(key):
    return lambda content: content.pop(key)


def other(key, value):
    return lambda content: content.update({key: value})


def of_meta(key, value):
    return lambda content: content['meta'].update({key: value})


def of_group(**changes):
    def change(content):
        group = content['optimizer']['param_groups'][0]
        for key, value in changes.items():
            group.pop(key, None)
            if value is not None:
                group[key] = value

    return change


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        (without('meta'), '(meta) | load_from=FILE'),
        (other('meta', [1]), '(meta) | load_from=FILE'),
        (of_meta('epoch', '2'), '(meta) | load_from=FILE'),
        (of_meta('iter', -1), '(meta) | load_from=FILE'),
        (without('optimizer'), 'optimizer | load_from=FILE'),
        (other('optimizer', None), 'optimizer | load_from=FILE'),
        (other('optimizer', {'state': {}}), 'optimizer | load_from=FILE'),
        (of_group(momentum=None, betas=(0.9, 0.99)), 'another optimizer'),
        (of_group(params=[0, 1]), 'another optimizer'),
        (
            lambda content: content['optimizer']['state'].update(
                {0: {'momentum_buffer': torch.zeros(7)}}
            ),
            'another model | load_from=FILE',
        ),
        (without('message_hub'), '(message_hub) | load_from=FILE'),
        (other('message_hub', {'log_scalars': 1}), '(message_hub) | load_from=FILE'),
        (without('state_dict'), "'meta' | dict"),
        (other('state_dict', [torch.zeros(1)]), ' list '),
        (other('state_dict', {3: torch.zeros(1)}), '3 | Tensor'),
        (other('state_dict', {'weight': 3}), "'weight' | int "),
    ],
)
def test_training_goes_on_from_whole_checkpoints_alone(
    make_runner, trained, change, named
):
    """Whatever is missing, the file is named, and why that matters."""
    content = load_checkpoint(trained)
    change(content)
    torch.save(content, trained)
    runner = make_runner(HOOKS, load_from=str(trained), resume=True)
    with raises_naming(UserError, trained, named):
        runner.train()


@pytest.mark.parametrize('content', [torch.zeros(3), [1], None, 'text', 7, {}])
def test_other_content_is_named(make_runner, trained, content):
    """Neither a training nor a test goes on from a tensor, a list or nothing."""
    torch.save(content, trained)
    for resume in (True, False):
        runner = make_runner(HOOKS, load_from=str(trained), resume=resume)
        with raises_naming(UserError, trained, type(content).__name__):
            runner.train()


def test_whole_checkpoint_goes_on(make_runner, trained):
    schedule = {'type': 'MultiStepLR', 'milestones': [1], 'by_epoch': True}
    runner = make_runner(HOOKS, param_scheduler=schedule)
    runner.train()
    options = {'train_cfg': {'by_epoch': True, 'max_epochs': 3}}
    again = make_runner(HOOKS, resume=True, param_scheduler=schedule, **options)
    again.train()
    assert again.epoch == 3
    state = load_checkpoint(trained)
    del state['param_schedulers'][0]
    torch.save(state, trained)
    again = make_runner(
        HOOKS, load_from=str(trained), resume=True, param_scheduler=schedule, **options
    )
    with raises_naming(UserError, trained, 'schedules', 'load_from=FILE'):
        again.train()


def test_last_validation_that_was_stopped_is_made_up_for(make_runner, trained):
    """The last checkpoint is there before the scores are."""
    scores = trained.with_name('metrics.json')
    before = json.loads(scores.read_text())
    scores.unlink()
    make_runner(HOOKS, resume=True).train()
    after = json.loads(scores.read_text())
    for content in (before, after):
        content.pop('checkpoint')
    assert after == before


def test_checkpoint_that_is_not_there_is_named_before_a_training(tmp_path):
    """It would start from the beginning."""
    file = tmp_path / 'gone.pth'
    with raises_naming(UserError, file):
        Train(config=str(TOY), resume=str(file), work_dir=str(tmp_path)).run(Mock())
    with raises_naming(UserError, tmp_path):
        Train(config=str(TOY), resume=str(tmp_path), work_dir=str(tmp_path)).run(Mock())
