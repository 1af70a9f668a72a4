"""Measures scores against labelled minutes, for different ways to choose the labels."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from added_runs import read_added
from mmengine.config import Config

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.commands.suggest import Suggest
from mmskelseg.config_files import annotation_path, find_config
from mmskelseg.datasets.intervals import (
    Interval,
    read_intervals,
    with_labels_in,
)
from mmskelseg.datasets.suggestions import IntervalRanking, intervals_of
from mmskelseg.engine.config_checks import check_config, read_config
from mmskelseg.engine.crops import count_crops
from mmskelseg.engine.cross_validation import (
    choose_folds,
    executed,
    run_folder,
    settings_of,
)
from mmskelseg.engine.jobs import ConfigJob, CrossValidate
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg_behaviour.functional.report import (
    Report,
    Spread,
    format_score,
    summarize_runs,
)
from mmskelseg_io.files.annotations import (
    labelled_videos,
    load_annotations,
    videos_of_split,
)
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import config_name, file_name
from mmskelseg_io.files.work_folders import find_latest_checkpoint
from mmskelseg_io.jobs.command_line import number_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.settings import setting_texts
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Positive, like, option
from mmskelseg_io.messages.tables import markdown_table
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_runtime.drawing.images import (
    add_axes,
    add_title,
    new_figure,
    plain,
    render,
    save_png,
)
from mmskelseg_runtime.drawing.palette import class_color

METHODS = ('random', 'suggested', 'timestamps', 'all')
SCORES = {'F1@10': 'f1@10', 'Edit': 'edit', 'Acc': 'acc', 'mAP': 'mAP'}
# Of the curve, in inches and points.
WIDTH, HEIGHT, MARGIN, FONT = 6.5, 4.0, 0.15, 8


@dataclass(frozen=True)
class Point:
    """The labels of one run.

    Args:
        method: One of ``METHODS``.
        budget: The most minutes that may be labelled; 0 if all videos are used.
        minutes: The minutes that are labelled.
        file: The file of the labelled intervals; None for all labels.
    """

    method: str
    budget: float
    minutes: float
    file: Path | None


class Run(Report, total=False):
    """The scores of a run, with its point, fold and seed."""

    method: str
    budget: float
    minutes: float
    fold: str
    seed: int


class Row(TypedDict):
    """The mean scores of the runs of a method and a budget."""

    method: str
    budget: float
    minutes: float
    folds: list[str]
    seeds: list[int]
    scores: dict[str, Spread]


@dataclass(frozen=True)
class Study:
    """All runs of a config on one fold with one seed.

    Args:
        cfg: The config, with the options of the command line.
        job: What is asked.
        folder: Where the folders of all runs are.
        fold: Name of the fold.
        splits: Names of its training and its test split.
        seed: Seed of random choices and of trainings.
    """

    cfg: Config
    job: 'LabelCurve'
    folder: Path
    fold: str
    splits: tuple[str, str]
    seed: int

    def points(self) -> Iterator[Point]:
        """Yield the points; each may depend on the finished run of the one before."""
        wanted, budgets = self.job.methods, sorted(set(self.job.minutes))
        videos = self._videos()
        if 'random' in wanted or 'suggested' in wanted:
            drawn = random_intervals(videos, self.job.stretch, self._rng('random'))
            within = {b: list(taken(drawn, videos, 60 * b)) for b in budgets}
            for budget in budgets if 'random' in wanted else budgets[:1]:
                yield self._point('random', budget, within[budget], videos)
        if 'suggested' in wanted:
            model = Point('random', budgets[0], 0, self._file('random', budgets[0]))
            for budget in budgets[1:]:
                file = self._file('suggested', budget)
                if not file.is_file():
                    self._suggest(model, budget, file, videos)
                model = self._point('suggested', budget, read_intervals(file), videos)
                yield model
        if 'timestamps' in wanted:
            yield from self._timestamps(videos, budgets)
        if 'all' in wanted:
            yield Point('all', 0, sum(map(duration, videos)) / 60, None)

    def run(self, point: Point) -> RunFolder:
        """Return the run of a point, whether it is finished or not."""
        cfg, videos = deepcopy(self.cfg), self._videos()
        cfg.work_dir = str(self._folder(point.method, point.budget))
        settings, options = settings_of(self.cfg), dict[str, object]()
        if point.file is not None:
            videos = with_labels_in(videos, point.file)
            content = point.file.read_bytes()
            settings['labelled'] = hashlib.sha256(content).hexdigest()
            labelled = 'train_dataloader.dataset.labelled'
            options[labelled] = str(point.file.absolute())
        if point.method == 'timestamps':
            parts = [*cfg.model.get('auxiliary', ()), {'type': 'TimestampSupervision'}]
            options['model.auxiliary'] = parts
            if cfg.model.head.get('loss_smooth'):
                # See the note of TimestampSupervision.
                options['model.head.loss_smooth.form'] = 'printed'
        epochs = math.ceil(self.job.steps / steps_of_epoch(videos, cfg))
        options['train_cfg.max_epochs'] = epochs
        # With few steps per epoch, most of the time would go into checkpoints.
        options['default_hooks.checkpoint.interval'] = epochs
        settings |= {'steps': self.job.steps, 'method': point.method}
        cfg.merge_from_dict(options)
        return run_folder(cfg, self.fold, self.splits, self.seed, settings)

    def _videos(self) -> list[VideoAnnotation]:
        path = annotation_path(self.cfg.train_dataloader.dataset)
        videos = videos_of_split(load_annotations(path), self.splits[0], path)
        return labelled_videos(videos, self.splits[0], path)

    def _folder(self, method: str, budget: float) -> Path:
        name = f'{method}_{budget:g}_minutes' if budget else f'{method}_videos'
        return self.folder / name

    def _file(self, method: str, budget: float) -> Path:
        name = f'labelled_{self.seed}.json'
        return self._folder(method, budget) / file_name(self.fold) / name

    def _rng(self, method: str) -> np.random.Generator:
        digest = hashlib.sha256(f'{method}:{self.fold}:{self.seed}'.encode()).digest()
        return np.random.default_rng(int.from_bytes(digest, 'little'))

    def _point(
        self,
        method: str,
        budget: float,
        intervals: Sequence[Interval],
        videos: Sequence[VideoAnnotation],
    ) -> Point:
        """Write the file of intervals and return its point."""
        rates = {video['frame_dir']: video['fps'] for video in videos}
        seconds = sum((s.end - s.start) / rates[s.video] for s in intervals)
        if not intervals:
            raise UserError(
                f'--minutes {budget:g} has no room for one interval of --stretch '
                f'{self.job.stretch:g} seconds; raise --minutes or lower --stretch.'
            )
        file = self._file(method, budget)
        write_intervals(file, intervals)
        return Point(method, budget, seconds / 60, file)

    def _timestamps(
        self, videos: Sequence[VideoAnnotation], budgets: Sequence[float]
    ) -> Iterator[Point]:
        rng, share = self._rng('timestamps'), self.job.timestamp_share
        order = [videos[i] for i in rng.permutation(len(videos))]
        stamps = [timestamps(v['frame_dir'], v['label'], rng) for v in order]
        ends = np.cumsum([duration(video) for video in order]) / 60 * share
        before = 0
        for budget in budgets:
            count = max(int((ends <= budget + 1e-9).sum()), 1)
            if count > before:
                # More minutes make no difference once all videos are used.
                name = budget if count < len(order) else 0
                file = self._file('timestamps', name)
                write_intervals(file, [s for row in stamps[:count] for s in row])
                yield Point('timestamps', name, float(ends[count - 1]), file)
            before = count

    def _suggest(
        self, model: Point, budget: float, file: Path, videos: Sequence[VideoAnnotation]
    ) -> None:
        """Write the intervals of a point and those that its model suggests."""
        assert model.file is not None
        known = read_intervals(model.file)
        checkpoint = find_latest_checkpoint(self.run(model).path)
        if checkpoint is None:
            raise UserError(
                f'{self.run(model).path}: has no checkpoint to suggest by; remove the '
                'folder to train it again.'
            )
        cfg = deepcopy(self.cfg)
        inferencer = SkelSegInferencer(cfg, checkpoint, show_progress=False)
        ranking = IntervalRanking(inferencer.dataset_meta['classes'], self.job.stretch)
        labelled = {v['frame_dir']: v for v in with_labels_in(videos, model.file)}
        path = annotation_path(self.cfg.train_dataloader.dataset)
        for batch in inferencer.stream(path, split=self.splits[0]):
            for prediction in batch['predictions']:
                unlabelled = np.full(prediction['total_frames'], IGNORED)
                video = labelled.get(prediction['frame_dir'], {'label': unlabelled})
                ranking.add({**prediction, 'label': video['label']})
        seconds = sum((s.end - s.start) / labelled[s.video]['fps'] for s in known)
        chosen = ranking.choose(budget - seconds / 60, self.job.weights)
        more = [Interval(s.video, s.start_frame, s.end_frame) for s in chosen]
        write_intervals(file, [*known, *more])


def write_intervals(path: Path, intervals: Iterable[Interval]) -> None:
    """Write a file of intervals."""
    rows = [
        {'video': s.video, 'start_frame': s.start, 'end_frame': s.end}
        for s in intervals
    ]
    atomic_write_text(path, json.dumps({'stretches': rows}, indent=1))


def steps_of_epoch(videos: Sequence[VideoAnnotation], cfg: Config) -> int:
    """Return in how many steps crops cover the labels of some videos."""
    loader = cfg.train_dataloader
    frames = loader.dataset.get('crop_frames')
    crops = sum(count_crops(video['label'], frames) for video in videos)
    return math.ceil(crops / loader.batch_size)


def duration(video: VideoAnnotation) -> float:
    """Return the length of a video in seconds."""
    return video['total_frames'] / video['fps']


def random_intervals(
    videos: Sequence[VideoAnnotation], seconds: float, rng: np.random.Generator
) -> list[Interval]:
    """Return random intervals that do not overlap, in random order.

    The candidates are the same as those of `mmskelseg suggest`.
    """
    candidates = [
        Interval(video['frame_dir'], start, end)
        for video in videos
        for start, end in intervals_of(
            np.full(video['total_frames'], IGNORED), seconds, video['fps']
        )
    ]
    chosen: list[Interval] = []
    for i in rng.permutation(len(candidates)):
        new = candidates[i]
        beside = (
            s.video != new.video or s.end <= new.start or s.start >= new.end
            for s in chosen
        )
        if all(beside):
            chosen.append(new)
    return chosen


def taken(
    intervals: Sequence[Interval], videos: Sequence[VideoAnnotation], seconds: float
) -> Iterator[Interval]:
    """Yield the first intervals, up to a total number of seconds."""
    rates = {video['frame_dir']: video['fps'] for video in videos}
    for interval in intervals:
        seconds -= (interval.end - interval.start) / rates[interval.video]
        if seconds < -1e-6:
            return
        yield interval


def summaries(runs: Sequence[Run]) -> list[Row]:
    """Return the mean minutes and scores of each method and budget.

    Those with missing folds or seeds are left out.
    """
    groups: dict[tuple[str, float], dict[tuple[str, int], Run]] = {}
    for run in runs:
        group = groups.setdefault((run['method'], run['budget']), {})
        group[run['fold'], run['seed']] = run
    most = max(map(len, groups.values()), default=0)
    found: list[Row] = []
    for (method, budget), group in groups.items():
        folds = {fold for fold, _ in group}
        seeds = {seed for _, seed in group}
        if len(group) == most and len(folds) * len(seeds) == most:
            summary = summarize_runs({key: group[key] for key in sorted(group)})
            minutes = float(np.mean([run['minutes'] for run in group.values()]))
            scores = summary['over_seeds']['scores']
            found.append(
                {
                    'method': method,
                    'budget': budget,
                    'minutes': minutes,
                    'folds': sorted(folds),
                    'seeds': sorted(seeds),
                    'scores': {key: scores[key] for key in SCORES.values()},
                }
            )
    order = {method: i for i, method in enumerate(METHODS)}
    return sorted(found, key=lambda row: (order[row['method']], row['minutes']))


def markdown(title: str, rows: Sequence[Row]) -> str:
    """Return the table of rows as Markdown."""
    table = [['Labels', 'minutes', *SCORES]]
    for row in rows:
        scores = [format_score(row['scores'][key]) for key in SCORES.values()]
        table.append([row['method'], f'{row["minutes"]:.2f}', *scores])
    folds, seeds = ', '.join(rows[0]['folds']), ', '.join(map(str, rows[0]['seeds']))
    return '\n\n'.join(
        (
            f'{title}, folds {folds}, seeds {seeds}; in percent.',
            '\n'.join(markdown_table(table)),
            '± standard deviation over seeds, of means over folds.\n',
        )
    )


def curves(rows: Sequence[Row]) -> dict[str, list[tuple[float, ...]]]:
    """Return (minutes, F1@10, standard deviation over seeds) of each method."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        score = row['scores']['f1@10']
        point = (row['minutes'], score['mean'], score.get('std') or 0.0)
        found.setdefault(row['method'], []).append(point)
    if 'suggested' in found and 'random' in found:
        # Both start with the same model.
        found['suggested'].insert(0, found['random'][0])
    return found


def timestamps(
    video: str, label: np.ndarray, rng: np.random.Generator
) -> list[Interval]:
    """Return a random frame of each segment of a video, given its labels (T,)."""
    drawn = (rng.integers(start, end) for start, end, _ in to_segments(label))
    return [Interval(video, int(frame), int(frame) + 1) for frame in drawn]


def draw_curves(
    curves: Mapping[str, Sequence[tuple[float, ...]]],
    *,
    x: str,
    y: str,
    levels: Mapping[str, float],
    title: str,
) -> np.ndarray:
    """Return a picture of curves with error bars, RGB uint8 (H, W, 3).

    Args:
        curves: Points (x, y, deviation of y) of each curve, by name.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        levels: Values of horizontal lines for comparison, by name.
        title: A line above the curves.
    """
    figure = new_figure(WIDTH, HEIGHT)
    top = 0.5 if title else 0.2
    side, depth = WIDTH - 0.95, HEIGHT - top - 0.6
    axes = add_axes(figure, 0.75, top, side, depth)
    for i, (name, points) in enumerate(curves.items()):
        places, values, deviations = zip(*sorted(points), strict=True)
        axes.errorbar(
            places,
            values,
            deviations,
            color=class_color(i),
            marker='o',
            markersize=4,
            capsize=3,
            label=plain(name),
        )
    for i, (name, value) in enumerate(levels.items(), len(curves)):
        axes.axhline(value, color=class_color(i), linestyle='--', label=plain(name))
    axes.set_xlabel(plain(x), fontsize=FONT + 1)
    axes.set_ylabel(plain(y), fontsize=FONT + 1)
    axes.tick_params(labelsize=FONT)
    axes.spines[['right', 'top']].set_visible(False)
    axes.legend(fontsize=FONT, frameon=False, loc='best')
    add_title(figure, title, MARGIN, MARGIN, FONT + 2)
    return render(figure)


@dataclass(frozen=True, kw_only=True)
class LabelCurve(ConfigJob[None]):
    """Measures scores against labelled minutes, by how the labels are chosen.

        python benchmarks/studies/label_curve.py configs/recipes/precog_pose3d.py \\
            --minutes 0.5 1 2 4 --stretch 4 --folds fold1 fold2 --seeds 0 1 2 \\
            --steps 800

    Labels come from the training videos of a fold, and scores from its test videos:

      random      random intervals; more minutes include the intervals of fewer minutes
      suggested   an active loop: the first minutes are random, then the trained model
                  and `mmskelseg suggest` choose further intervals for each next number
                  of minutes
      timestamps  one frame of each segment of whole, randomly chosen videos, with
                  TimestampSupervision; a minute of video counts as --timestamp-share
                  minutes. The default of 1/6 follows Ma et al. (SF-Net, ECCV 2020), who
                  measured 50 s for marking one frame per action in a minute of video,
                  and 300 s for marking their starts and ends
      all         all labels, for comparison

    All runs have the same number of steps. The scores of all runs are written to
    WORK_DIR/label_curve.json, the table to label_curve.md and the curve to
    label_curve.png. Run the tool again to continue. Several processes can share the
    work, each with some of --folds or --seeds; run it with all of them at the end.
    --add includes runs from another such file.
    """

    minutes: Sequence[Positive] = option(
        'labelled minutes; also the steps of the active loop', metavar='M'
    )
    stretch: Positive = option(
        'length of an interval (default: %(default)g)', 20.0, metavar='SECONDS'
    )
    methods: Sequence[str] = option(
        'ways to choose the labels (default: all)', METHODS, choices=METHODS
    )
    folds: Sequence[str] | None = like(CrossValidate, 'folds')
    seeds: Sequence[int] = like(CrossValidate, 'seeds')
    steps: Count = option('steps of each training (default: %(default)s)', 1000)
    timestamp_share: float = option(
        'time to mark one frame of each segment, as a fraction of the time to mark '
        'their starts and ends (default: 1/6)',
        1 / 6,
        type=number_from(1e-3, 1),
        metavar='P',
    )
    weights: Mapping[str, float] | None = like(Suggest, 'weights')
    add: Sequence[Path] = option(
        'label_curve.json files with runs from elsewhere to include', (), metavar='FILE'
    )

    def run(self, events: Events) -> None:
        """Execute the runs that are not finished, and write table and curve."""
        cfg = read_config(find_config(self.config), self.cfg_options)
        check_config(cfg, self.config)
        name = config_name(cfg.filename)
        folder = Path(self.work_dir or f'work_dirs/label_curve/{Path(name).stem}')
        finished: list[Run] = []
        ann_file = annotation_path(cfg.test_dataloader.dataset)
        for fold, splits in choose_folds(ann_file, self.folds).items():
            for number in dict.fromkeys(self.seeds):
                study = Study(cfg, self, folder, fold, splits, number)
                for point in study.points():
                    report = finish(study.run(point), folder)
                    run: Run = {
                        'method': point.method,
                        'budget': point.budget,
                        'minutes': point.minutes,
                        'fold': fold,
                        'seed': number,
                        **report,
                    }
                    finished.append(run)
                    events.note(
                        f'{fold}, seed {number}: {point.method}, {point.minutes:.2f} '
                        f'minutes: F1@10 {report["metrics"]["f1@10"]:.2f}'
                    )
        settings = {
            'title': ' '.join([name, *setting_texts(self.cfg_options)]),
            'steps': self.steps,
            'stretch_seconds': self.stretch,
        }
        added = read_added(self.add, settings)
        runs = [*(run for content in added for run in content['runs']), *finished]
        events.note(f'\n{write(folder, settings, runs)}')
        events.note(f'{folder} has label_curve.md, .json and .png')


def finish(run: RunFolder, folder: Path) -> Report:
    """Execute a run, unless it is finished, and return its report."""
    run.check()
    todo = [] if run.is_finished else [run]
    for _, outcome in executed(todo, folder, 'none', None):
        if outcome.failure:
            raise UserError(
                f'{run.path}: the run failed: {outcome.failure.removesuffix(".")}; see '
                f'{run.log}.'
            )
    return run.report()


def write(folder: Path, settings: Mapping[str, object], runs: Sequence[Run]) -> str:
    """Write table, curve and scores of runs, and return the table."""
    title, rows = str(settings['title']), summaries(runs)
    text = markdown(f'{title}, {settings["steps"]} steps', rows)
    atomic_write_text(folder / 'label_curve.md', text)
    content = json.dumps({**settings, 'summary': rows, 'runs': runs}, indent=1)
    atomic_write_text(folder / 'label_curve.json', content)
    lines = curves(rows)
    levels = {'all labels': lines.pop('all')[0][1]} if 'all' in lines else {}
    image = draw_curves(
        lines, x='labelled minutes', y='F1@10', levels=levels, title=title
    )
    save_png(image, folder / 'label_curve.png')
    return text


if __name__ == '__main__':
    LabelCurve.main()
