"""Measures the effect of each ingredient of a recipe: all, all but one, only one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from added_runs import read_added
from mmengine.config import Config

from mmskelseg.config_files import find_config
from mmskelseg.engine.jobs import ConfigJob, CrossValidate
from mmskelseg_behaviour.functional.report import (
    Report,
    Summary,
    format_score,
    summarize_runs,
)
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import config_name
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.settings import parse_settings, setting_texts
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import like, option
from mmskelseg_io.messages.tables import markdown_table

SCORES = {
    'F1@10': 'f1@10',
    'F1@50': 'f1@50',
    'Edit': 'edit',
    'mAP': 'mAP',
    'Acc': 'acc',
}
# Settings of an augmentation's strength; the first one that exists is used.
STRENGTHS = ('p', 'sigma', 'degrees', 'fraction')


class Run(Report):
    """The report of a run, with its fold and its seed."""

    fold: str
    seed: int


def switches(cfg: Config) -> dict[str, list[str]]:
    """Return the options that switch off each ingredient of a config."""
    found = {}
    for i, step in enumerate(cfg.train_dataloader.dataset.pipeline):
        if step.type not in ('LoadFrameFeatures', 'PackSegInputs'):
            key = f'train_dataloader.dataset.pipeline.{i}'
            names = [name for name in STRENGTHS if name in step]
            if not names:
                raise UserError(
                    f'{cfg.filename}: {step.type} has none of {", ".join(STRENGTHS)}, '
                    'so that it cannot be switched off; state its strength.'
                )
            options = [f'{key}.{names[0]}=0']
            found[step.type] = options + ([f'{key}.tilt=0'] if 'tilt' in step else [])
    for i, scheduler in enumerate(cfg.param_scheduler):
        # A ratio of 1 leaves the rate constant.
        constant = scheduler.get('eta_min_ratio') == 1
        if scheduler.type == 'CosineAnnealingLR' and not constant:
            found['cosine rate'] = [f'param_scheduler.{i}.eta_min_ratio=1.0']
    for i, hook in enumerate(cfg.get('custom_hooks', ())):
        if hook.type == 'EMAHook':
            # With this momentum, the average is nearly that of the last step.
            found['averaged weights'] = [f'custom_hooks.{i}.momentum=0.999']
    for name, branch in cfg.model.branches.items():
        if branch.get('standardize'):
            off = f'model.branches.{name}.standardize=False'
            found.setdefault('standardised features', []).append(off)
    if cfg.model.get('members', 1) > 1:
        found['members'] = ['model.members=1']
    return found


def variants(cfg: Config) -> dict[str, list[str]]:
    """Return the options of each variant by its name."""
    off = switches(cfg)
    every = [option for options in off.values() for option in options]
    alone = {
        f'only {name}': [option for option in every if option not in options]
        for name, options in off.items()
    }
    without = {f'without {name}': options for name, options in off.items()}
    return {'all': [], **without, 'none': every, **alone}


def folder_of(work_dir: Path, variant: str) -> Path:
    return work_dir / variant.replace(' ', '_')


def markdown(title: str, results: Mapping[str, Summary]) -> str:
    """Return the table of variants, each beside the change from ``all``.

    Args:
        title: What was run.
        results: Summaries of :func:`summarize_runs`.
    """
    rows = [['Variant', *SCORES]]
    whole = results.get('all')
    for name, result in results.items():
        cells = []
        for key in SCORES.values():
            score = result['over_seeds']['scores'][key]
            cell = format_score(score)
            if whole is not None and name != 'all':
                change = score['mean'] - whole['over_seeds']['scores'][key]['mean']
                cell += f' ({change:+.2f})'
            cells.append(cell)
        rows.append([name, *cells])
    first = next(iter(results.values()))
    folds, seeds = ', '.join(first['folds']), ', '.join(map(str, first['seeds']))
    return '\n\n'.join(
        (
            f'{title}, folds {folds}, seeds {seeds}; in percent, with the change '
            'from `all` in brackets.',
            '\n'.join(markdown_table(rows)),
            '± standard deviation over seeds, of means over folds.\n',
        )
    )


def finished_runs(
    work_dir: Path, known: Mapping[str, Any], added: Mapping[str, list[Run]]
) -> dict[str, list[Run]]:
    """Return the runs of each variant, those in its folder and those added."""
    runs = {}
    for variant in known:
        file = folder_of(work_dir, variant) / 'cross_validation.json'
        own = json.loads(file.read_text('utf-8'))['runs'] if file.is_file() else []
        by_key = {(r['fold'], r['seed']): r for r in [*added.get(variant, ()), *own]}
        if by_key:
            runs[variant] = [by_key[key] for key in sorted(by_key)]
    return runs


def summaries(
    runs: Mapping[str, list[Run]], seeds: Sequence[int]
) -> dict[str, Summary]:
    """Return the summary of each variant that has runs of all these seeds."""
    folds = {run['fold'] for variant in runs.values() for run in variant}
    wanted = {(fold, seed) for fold in sorted(folds) for seed in seeds}
    found = {}
    for variant, all_of_it in runs.items():
        chosen = {(r['fold'], r['seed']): r for r in all_of_it}
        if wanted <= chosen.keys():
            found[variant] = summarize_runs(
                {key: chosen[key] for key in sorted(wanted)}
            )
    return found


@dataclass(frozen=True, kw_only=True)
class Ingredients(ConfigJob[None]):
    """Measures the effect of each ingredient of a recipe: all, all but one, only one.

        python benchmarks/studies/ingredients.py configs/recipes/precog_pose3d.py \\
            --folds fold1 fold2 fold3 fold4 --seeds 0 1 2

    Each variant is a cross-validation of the config with options that switch
    ingredients off, in WORK_DIR/<variant>. Ingredients are the augmentations of the
    training pipeline, a cosine schedule, the averaged weights, the standardised
    features and the members. The table is written to WORK_DIR/ingredients.md, and the
    scores of all runs to ingredients.json. Run the tool again to continue. Several
    processes can share the work, each with some of --variants. --add includes runs from
    another such file, so that seeds can be run on several machines:

        python benchmarks/studies/ingredients.py CONFIG --folds a b --seeds 0 1 2 \\
            --add benchmarks/studies/ingredients_precog.json
    """

    folds: Sequence[str] | None = like(CrossValidate, 'folds')
    seeds: Sequence[int] = like(CrossValidate, 'seeds')
    variants: Sequence[str] = option(
        'run only these, such as `all "without RandomTimeWarp"` (default: all); the '
        'table contains all finished variants',
        (),
    )
    add: Sequence[Path] = option(
        'ingredients.json of runs from elsewhere, to include as finished',
        (),
        metavar='FILE',
    )

    def run(self, events: Events) -> None:
        """Execute the variants that are not finished, and write the table."""
        given = self.cfg_options or {}
        cfg = Config.fromfile(find_config(self.config))
        cfg.merge_from_dict(given)
        name = config_name(cfg.filename)
        work_dir = Path(self.work_dir or f'work_dirs/ingredients/{Path(name).stem}')
        known = variants(cfg)
        for variant in self.variants:
            if variant not in known:
                raise UserError(
                    f'--variants names {variant!r}, which is not one of '
                    f'{", ".join(known)}.'
                )
        typed = setting_texts(given)
        settings = {'config': name, 'options': typed}
        added: dict[str, list[Run]] = {}
        for content in read_added(self.add, settings):
            for variant, some in content['variants'].items():
                added.setdefault(variant, []).extend(some)
        for variant in self.variants or known:
            options = [*typed, *known[variant]]
            there = {run['seed'] for run in added.get(variant, ())}
            seeds = [seed for seed in self.seeds if seed not in there]
            events.note(f'\n{variant}: {" ".join(options) or "as it is"}')
            if not seeds:
                events.note('All seeds are in the files of --add.')
                continue
            CrossValidate(
                config=str(cfg.filename),
                folds=self.folds,
                seeds=seeds,
                work_dir=str(folder_of(work_dir, variant)),
                cfg_options={**given, **parse_settings(known[variant])},
            ).run(events)
        runs = finished_runs(work_dir, known, added)
        title = ' '.join([name, *typed])
        text = markdown(title, summaries(runs, self.seeds))
        events.note(f'\n{text}')
        atomic_write_text(work_dir / 'ingredients.md', text)
        scores = json.dumps({**settings, 'variants': runs}, indent=1)
        atomic_write_text(work_dir / 'ingredients.json', scores)
        events.note(str(work_dir / 'ingredients.md'))


if __name__ == '__main__':
    Ingredients.main()
