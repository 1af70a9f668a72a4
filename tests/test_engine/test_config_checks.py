"""Names in configs that are misspelt, found before anything is built."""

import inspect
import typing

import pytest
from mmengine.registry import Registry

from mmskelseg import registry
from mmskelseg.engine.config_checks import building, check_config, read_config
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import ROOT

RECIPE = ROOT / 'configs' / 'recipes' / 'uwiom_pose2d.py'


@pytest.fixture
def check(tmp_path):
    """Check a config of some lines that inherits a recipe."""

    def run(text, base=RECIPE):
        file = tmp_path / 'mine.py'
        file.write_text(f"_base_ = '{base}'\n{text}\n")
        cfg = read_config(file)
        check_config(cfg, 'mine.py')
        return cfg

    return run


@pytest.mark.parametrize(
    'path',
    sorted((ROOT / 'configs').glob('[!_]*/*.py')),
    ids=lambda path: f'{path.parent.name}/{path.stem}',
)
def test_configs_of_the_package_pass(path):
    check_config(read_config(path), str(path))


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        (
            "model = dict(type='ActionSegmenter')",
            "model.type='ActionSegmenter' | 'ActionSegmentor'",
        ),
        (
            'model = dict(branches=dict(pose2d=dict(chanels=64)))',
            "model.branches.pose2d: | 'chanels' | 'channels'",
        ),
        (
            'model = dict(head=dict(loss_cls=dict(loss_weigth=2.0)))',
            "model.head.loss_cls: | 'loss_weigth' | 'loss_weight'",
        ),
        (
            "model = dict(postprocess=[dict(type='Viterbi')])",
            "model.postprocess.0.type='Viterbi'",
        ),
        (
            'train_dataloader = dict('
            "dataset=dict(pipeline=[dict(type='RandomTimWarp')]))",
            "pipeline.0.type='RandomTimWarp' | 'RandomTimeWarp'",
        ),
        (
            "train_dataloader = dict(dataset=dict(features=dict(pose2d=dict(render="
            "dict(dimensions=2)))))",
            "features.pose2d.render: | 'dimensions' | 'dims'",
        ),
        (
            "train_dataloader = dict(dataset=dict(spilt='fold1/train'))",
            "train_dataloader.dataset: | 'spilt' | 'split'",
        ),
        (
            "custom_hooks = [dict(type='EMAHok')]",
            "custom_hooks.0.type='EMAHok' | 'EMAHook'",
        ),
        (
            "test_evaluator = dict(type='SegmentationMetric', bakground=0)",
            "test_evaluator: | 'bakground' | 'background'",
        ),
        (
            "optim_wrapper = dict(optimizer=dict(type='Adamm'))",
            "optim_wrapper.optimizer.type='Adamm' | 'Adam'",
        ),
        (
            "model = dict(_delete_=True, type='RecognizerGCN')",
            "model.type='RecognizerGCN' | MMAction2 | mmskelseg segment",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_what_was_meant(check, text, named):
    with raises_naming(ValueError, 'mine.py: ', named):
        check(text)


def test_hints_of_all_classes_can_be_read():
    """They must exist at run time, or values of the wrong type pass."""
    registries = [r for r in vars(registry).values() if isinstance(r, Registry)]
    for one in registries:
        one.import_from_location()
    classes = {
        cls
        for one in registries
        for cls in one.module_dict.values()
        if inspect.isclass(cls) and cls.__module__.startswith('mmskelseg.')
    }
    assert len(classes) > 50
    for cls in classes:
        typing.get_type_hints(cls.__init__)


MODEL = "model = dict(type='ActionSegmentor')\n"


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        (f'{MODEL}train_dataloder = dict()', "'train_dataloder' | 'train_dataloader'"),
        (f'{MODEL}train_cfg = dict(max_epochs=-1)', 'train_cfg.max_epochs is -1'),
        # Also if the right name is inherited.
        (
            f'{MODEL}train_cfg = dict(max_epochs=9)\ntrian_cfg = dict(max_epochs=3)',
            "'trian_cfg' | 'train_cfg'",
        ),
        (
            f'{MODEL}train_cfg = dict(max_epoch=3)',
            "train_cfg | 'max_epoch' | 'max_epochs'",
        ),
    ],
)
def test_a_slip_in_a_name_at_the_top_is_found(tmp_path, text, named):
    file = tmp_path / 'mine.py'
    file.write_text(f'{text}\n')
    with raises_naming(ValueError, 'mine.py: ', named):
        check_config(read_config(file), 'mine.py')


@pytest.mark.parametrize(
    'text',
    [
        # Variables of a config, and names of modalities.
        'modle_size = 3',
        # Parts of others are left to them.
        "custom_hooks = [dict(type='EMAHook', anything=3)]",
        'model = dict(branches=dict(pose2d=dict(standardize=False, stem=None)))',
        'default_hooks = dict(check=dict(priority=10))',
        'train_cfg = dict(val_interval=5)',
    ],
)
def test_what_may_be_right_passes(check, text):
    check(text)


def test_class_of_a_user_passes(check, tmp_path, monkeypatch):
    """Registered by a module that the config imports."""
    (tmp_path / 'mine_too.py').write_text(
        'from mmskelseg.registry import MODELS\n'
        '@MODELS.register_module()\n'
        'class Own:\n'
        '    def __init__(self, in_channels, num_classes, width: int = 3): ...\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    check(
        "custom_imports = dict(imports=['mine_too'])\n"
        "branch = dict(_delete_=True, type='Own', in_channels=60, width='wide')\n"
        'model = dict(branches=dict(pose2d=branch))'
    )


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ('x = (1,\n', 'SyntaxError'),
        ('x = undefined\n', "NameError | 'undefined'"),
        ("_base_ = 'none.py'\n", 'none.py'),
    ],
)
def test_a_file_that_does_not_run_is_named(tmp_path, text, named):
    file = tmp_path / 'mine.py'
    file.write_text(text)
    with raises_naming(ValueError, file, named):
        read_config(file)


@pytest.mark.parametrize(
    ('key', 'value', 'named'),
    [
        ('train_dataloader.dataset.pipeline.99.sigma', 1, 'items'),
        ('vis_backends.9.type', 'x', '2 items'),
        ('vis_backends.last.type', 'x', '2 items'),
        ('lr', 'x', 'optim_wrapper.optimizer.lr'),
        ('optim_wrapper.optimizer.lr', 'x', '0.001'),
        ('models.num_classes', 3, ' model.num_classes?'),
        ('model..num_classes', 3, ' model.num_classes=5'),
        ('model.num_classes.x', 3, '17'),
        ('default_hooks', 5, 'dict'),
        ('train_cfg', 5, 'dict'),
        ('model.branches', 5, 'dict'),
    ],
)
def test_options_that_fit_nowhere_are_named(key, value, named):
    place = f'--cfg-options {key}={value!r}: '
    with raises_naming(UserError, place, named):
        read_config(RECIPE, {'model.members': 1, key: value})


def test_options_that_contradict_each_other_are_named():
    options = {'work_dir': 'a', 'work_dir.b': 3}
    with raises_naming(UserError, '--cfg-options work_dir work_dir.b: '):
        read_config(RECIPE, options)


def test_options_may_replace_settings_and_add_some():
    options = {
        'model.branches.pose2d.dropout': 0,
        'val_cfg': None,
        'param_scheduler._delete_': True,
        'param_scheduler.type': 'ConstantLR',
        'model_wrapper_cfg.type': 'x',
    }
    cfg = read_config(RECIPE, options)
    assert cfg.val_cfg is None
    assert cfg.model_wrapper_cfg == {'type': 'x'}


def test_setting_that_a_part_refuses_is_named_with_the_config(check):
    text = 'model = dict(branches=dict(pose2d=dict(lookahead=3)))'
    with (
        raises_naming(UserError, 'mine.py: ', 'MSTCNPlusPlus', 'lookahead=3'),
        building('mine.py'),
    ):
        registry.MODELS.build(check(text).model)


def test_file_that_a_part_refuses_is_named_alone(check, tmp_path):
    file = tmp_path / 'data.json'
    file.write_text('{}')
    cfg = check(f'test_dataloader = dict(dataset=dict(ann_file={str(file)!r}))')
    with (
        raises_naming(UserError, f'{file}: ') as error,
        building('mine.py'),
    ):
        registry.DATASETS.build(cfg.test_dataloader.dataset)
    assert 'mine.py' not in str(error.value)
