"""Suggests which intervals of which videos to label next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmskelseg.datasets.drafts import drafts, write_suggestions
from mmskelseg.datasets.suggestions import IntervalRanking, Suggestion, totals_of_videos
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.command_line import number_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.labels.writing import EXPORTS, write_recordings
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Positive, argument, option
from mmskelseg_io.messages.tables import text_table
from mmskelseg_runtime.commands.segment import SegmenterJob
from mmskelseg_runtime.segmenting.sources import find_sources

TOOLS = {name.replace('-', '_'): e for name, e in EXPORTS.items() if e.corrects}
# Number of intervals that are printed.
SHOWN = 20
EXAMPLES = """examples:
  # what to label next in the poses of new videos, as a BORIS project
  %(prog)s new_poses model --formats boris --out next
  # 5 minutes of the training videos that have no label yet
  %(prog)s data/mine/annotations.pkl model --split train --budget 5
  # new videos; rare classes are those of the existing labels
  %(prog)s new_poses model --known data/mine/annotations.pkl
  # only the disagreement between three training runs counts
  %(prog)s new_poses CONFIG seed_0.pth --ensemble seed_1.pth seed_2.pth \\
      --weights uncertainty=0 boundary=0 rarity=0
"""
_WHAT = 'what to suggest'


@dataclass(frozen=True, kw_only=True)
class Suggest(SegmenterJob[list[Suggestion]]):
    """Suggests which intervals of which videos to label next.

        %(prog)s new_poses model --budget 10 --formats boris --out next

    If a model was trained on few labels, this finds out where further ones would help
    it most. INPUT and MODEL are as in `mmskelseg segment`: videos or poses without
    labels, or an annotations.pkl with unlabelled frames. Each
    interval of --stretch seconds is scored by four criteria:

      disagreement  how much the members of the model, and of --ensemble, differ
      uncertainty   how evenly the probabilities are spread over the classes
      boundary      how many frames are within a second of a predicted boundary
      rarity        how few labelled seconds its classes have so far

    Each is divided by its average over all intervals, so an average interval scores 1.
    The best interval is chosen first. From then on it counts as labelled, and the next
    best one that does not overlap is chosen, up to --budget minutes in total.

    OUT contains suggestions.csv and suggestions.json with all scores and reasons, and,
    with --formats, files for labelling tools:

      boris         segments.boris, a project with an observation for each video
      elan          <video>.eaf for each video
      label_studio  label_studio.json, tasks to import

    In these files, the suggested intervals are marked and contain the predictions as
    drafts. Other frames only have existing labels. Correct the drafts within the marks
    and convert the files; all other frames remain unlabelled.
    """

    exported_first = False
    kept = 'nothing is written before all videos are predicted; start again.'
    examples = EXAMPLES
    usage = '%(prog)s [-h] INPUT... MODEL [OPTION...]'
    inputs: Sequence[str] = argument(
        'videos, poses, annotations, folders; then the model',
        metavar='INPUT',
    )
    out: Path = option(
        'output folder (default: %(default)s)', Path('work_dirs/suggest')
    )
    formats: Sequence[str] = option(
        'drafts to write for labelling tools (default: none)', (), choices=TOOLS
    )
    budget: Positive = option(
        'minutes to label, in total (default: %(default)g)',
        10.0,
        group=_WHAT,
        metavar='MINUTES',
    )
    stretch: float = option(
        'length of an interval (default: %(default)g); shorter videos and gaps between '
        'labels are intervals as well',
        20.0,
        group=_WHAT,
        type=number_from(1),
        metavar='SECONDS',
    )
    weights: Mapping[str, float] | None = option(
        'weights of disagreement, uncertainty, boundary and rarity (default: 1)',
        None,
        group=_WHAT,
        metavar='CRITERION=W',
    )
    ignore_labels: bool = option(
        'suggest labelled intervals as well, to check their labels', False, group=_WHAT
    )
    known: Path | None = option(
        'annotation file of further labelled videos, whose classes also count for '
        'rarity',
        None,
        group=_WHAT,
        metavar='ANNOTATIONS',
    )

    def run(self, events: Events) -> list[Suggestion]:
        """Write what to label next, and return it, the best first."""
        inputs, named = self.named()
        options = self.stream_options()
        sources = find_sources(inputs, poses=options['poses'], split=self.split)
        model = self.open_segmenter(named, show_progress=False)
        classes, tiers = model.metainfo['classes'], model.metainfo.get('tiers')
        ranking = IntervalRanking(classes, self.stretch, self.ignore_labels, tiers)
        for source in sources:
            # Otherwise, their labels would be missing in the drafts.
            if (source.entry or {}).get('label') is not None and source.metainfo:
                _check_classes(source.metainfo['classes'], classes, source.name)
        if self.known is not None:
            known = load_annotations(self.known)
            _check_classes(known['metainfo']['classes'], classes, str(self.known))
            for video in known['annotations']:
                ranking.add_labels(video['label'], video['fps'])
        batches = model.stream(inputs, batch_size=self.batch_size, **options)
        found = (one for batch in batches for one in batch['predictions'])
        for i, prediction in enumerate(found):
            events.progress(f'Predicted {prediction["frame_dir"]}', i, len(sources))
            ranking.add(prediction)
        suggestions = ranking.choose(self.budget, self.weights)
        events.note('\n'.join(_lines(suggestions, len(ranking.videos))))
        files = write_suggestions(
            suggestions,
            self.out,
            model=str(named),
            checkpoints=getattr(model, 'checkpoints', [str(named)]),
            budget_minutes=self.budget,
            stretch_seconds=self.stretch,
            weights=self.weights or {},
            videos=[
                {'video': name, 'seconds': round(seconds, 3), 'best': round(best, 3)}
                for name, seconds, best in totals_of_videos(suggestions)
            ],
        )
        videos = drafts(ranking, suggestions)
        for tool in self.formats:
            files += write_recordings(TOOLS[tool], videos, tiers or classes, self.out)
        events.note(f'\n{self.out} has {", ".join(file.name for file in files)}')
        return suggestions


def _check_classes(there: Sequence[str], classes: Sequence[str], place: str) -> None:
    if list(there) != list(classes):
        raise UserError(
            f'{place}: has the classes {", ".join(there)}, but the model '
            f'{", ".join(classes)}; name annotations with the classes that it was '
            'trained on.'
        )


def _lines(suggestions: list[Suggestion], num_videos: int) -> Iterator[str]:
    """Yield the first intervals and the number of intervals of each video."""
    rows = [['', 'video', 'start', 'end', 'score', 'reason']]
    for i, item in enumerate(suggestions[:SHOWN], 1):
        times = (f'{item.start:.1f}', f'{item.end:.1f}', f'{item.score:.2f}')
        rows.append([str(i), item.video, *times, item.reason])
    yield from text_table(rows, left=(1, -1))
    if len(suggestions) > SHOWN:
        yield f'... and {len(suggestions) - SHOWN} more'
    chosen = totals_of_videos(suggestions)
    minutes = sum(seconds for _, seconds, _ in chosen) / 60
    yield (
        f'\n{len(suggestions)} intervals, {minutes:.1f} minutes, in {len(chosen)} of '
        f'{num_videos} videos, the best first:'
    )
    for name, seconds, best in chosen[:SHOWN]:
        yield f'  {name}: {seconds:.1f} s, best {best:.2f}'
    if len(chosen) > SHOWN:
        yield f'  ... and {len(chosen) - SHOWN} more'


main = Suggest.main
