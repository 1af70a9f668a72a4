"""The table of a recipe's ingredients, as a user makes it, on small data."""

import json
import shutil

import pytest
from mmengine.config import Config, ConfigDict

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import ROOT, small_annotations

TOOL = 'benchmarks/studies/ingredients.py'
CONFIG = ROOT / 'configs' / 'recipes' / 'precog_pose3d.py'


COSINE = 'param_scheduler.1.eta_min_ratio'


def merged(options):
    """Return the recipe with options as the command line sets them."""
    cfg = Config.fromfile(CONFIG)
    pairs = (option.split('=') for option in options)
    cfg.merge_from_dict({k: eval(v) for k, v in pairs}, allow_list_keys=True)
    return cfg


def test_each_ingredient_of_the_recipe_can_be_switched_off(tool):
    """Without one, exactly its settings change; with one, all the others do."""
    assert 'without cosine rate' not in tool.variants(Config.fromfile(CONFIG))
    cfg = merged([f'{COSINE}=0.01'])
    known = tool.variants(cfg)
    steps = [step.type for step in cfg.train_dataloader.dataset.pipeline]
    names = {step for step in steps if step.startswith('Random')}
    names |= {'cosine rate', 'averaged weights', 'standardised features'}
    assert {n.removeprefix('without ') for n in known if n.startswith('w')} >= names
    assert known['all'] == []
    pipeline = merged(known['without RandomTimeWarp']).train_dataloader.dataset.pipeline
    strengths = [step.sigma for step in pipeline if step.type == 'RandomTimeWarp']
    assert strengths == [0]
    for name in names:
        assert sorted(known[f'without {name}'] + known[f'only {name}']) == sorted(
            known['none']
        )
    bare = merged(known['none'])
    assert not bare.model.branches.pose3d.standardize
    assert bare.param_scheduler[1].eta_min_ratio == 1


def test_an_augmentation_without_a_strength_is_named(tool):
    """Since it would be in all rows."""
    cfg = Config.fromfile(CONFIG)
    cfg.train_dataloader.dataset.pipeline[0] = ConfigDict(type='RandomSpeed')
    with raises_naming(UserError, CONFIG, 'RandomSpeed', 'p, sigma'):
        tool.switches(cfg)


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
def test_table_of_two_variants(call_tool, tmp_path):
    """Scores are those of the cross-validations; a second call runs nothing again."""
    data = small_annotations()
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] |= {'a/train': names[1:], 'a/test': names[:1]}
    save_annotations(data, tmp_path / 'annotations.pkl')
    call_tool('tools/make_config.py', 'annotations.pkl', 'mine.py')
    args = ['mine.py', '--folds', 'a', '--work-dir', 'out', '--cfg-options']
    args += ['train_cfg.max_epochs=1', '--variants', 'all', 'without RandomTimeWarp']
    call_tool(TOOL, *args)
    text = (tmp_path / 'out' / 'ingredients.md').read_text()
    done = call_tool(TOOL, *args)
    assert '1 run, 1 finished before' in done.stdout
    assert (tmp_path / 'out' / 'ingredients.md').read_text() == text
    content = json.loads((tmp_path / 'out' / 'ingredients.json').read_text())
    assert list(content['variants']) == ['all', 'without RandomTimeWarp']
    whole, part = (runs[0]['metrics']['acc'] for runs in content['variants'].values())
    assert f'{whole:.2f}' in text
    assert f'{part:.2f} ({part - whole:+.2f})' in text
    # Runs of elsewhere need not run here.
    shutil.move(tmp_path / 'out' / 'ingredients.json', tmp_path / 'elsewhere.json')
    args[args.index('out')] = 'new'
    done = call_tool(TOOL, *args[:1], '--add', 'elsewhere.json', *args[1:])
    assert done.stdout.count('All seeds are in the files of --add') == 2
    assert (tmp_path / 'new' / 'ingredients.md').read_text() == text
    args[args.index('train_cfg.max_epochs=1')] = 'train_cfg.max_epochs=2'
    done = call_tool(TOOL, *args[:1], '--add', 'elsewhere.json', *args[1:], code=1)
    assert "elsewhere.json: was made with options ['train_cfg.max_ep" in done.stderr


KEYS = ('f1@10', 'f1@50', 'edit', 'mAP', 'acc')
ROWS = {
    'all': 'all', 'time warp': 'RandomTimeWarp', 'rotation': 'RandomRotation',
    'scaling of each axis': 'RandomScale', 'drifting joints': 'RandomJitter',
    'missing joints': 'RandomJointDropout', 'cosine learning rate': 'cosine rate',
    'averaged weights': 'averaged weights',
    'standardised channels': 'standardised features', 'none of them': 'none',
}  # fmt: skip


@pytest.mark.parametrize(
    ('title', 'data'), [('UW-IOM', 'uwiom'), ('PRECOG-16', 'precog')]
)
def test_table_of_the_study_is_that_of_the_runs(tool, title, data):
    file = ROOT / 'benchmarks' / 'studies' / f'ingredients_{data}.json'
    runs = json.loads(file.read_text('utf-8'))['variants']
    text = (ROOT / 'benchmarks' / 'studies' / 'ingredients.md').read_text('utf-8')
    table = text.partition(f'| {title} | F1@10 |')[2].partition('\n\n')[0]
    rows = [line.strip('| ').split(' | ') for line in table.splitlines()[2:]]
    assert len(rows) == len(runs) == 18
    means = {}
    for label, *cells in rows:
        which, _, ingredient = label.partition(' ')
        if which not in ('without', 'only'):
            which, ingredient = '', label
        variant = f'{which} {ROWS[ingredient]}'.strip()
        variant += '3D' * (ingredient == 'rotation' and data == 'precog')
        summary = tool.summaries({'it': runs[variant]}, [0, 1, 2])['it']['over_seeds']
        assert summary['count'] == 3
        means[label] = [summary['scores'][key]['mean'] for key in KEYS]
        base = [0] * 5 if label == 'all' else means['all']
        for cell, mean, other in zip(cells, means[label], base, strict=True):
            assert float(cell) == pytest.approx(mean - other, abs=0.0051)
