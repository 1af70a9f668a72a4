"""Summarises an annotation file, and lists suspicious content."""

import json
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from mmskelseg.datasets.inspection.report import draw_all, report, time_budgets
from mmskelseg.datasets.inspection.sanity_checks import Suspicion, sanity_checks
from mmskelseg.datasets.inspection.summary import summarize
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.jobs.command_line import whole_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import MissingFileError
from mmskelseg_io.messages.options import Count, Positive, argument, like, option
from mmskelseg_io.structures.time_budget import budget_as_dict
from mmskelseg_runtime.segmenting.predictions import FileOptions


@dataclass(frozen=True, kw_only=True)
class Browse(Job[list[Suspicion]]):
    """Summarises an annotation file, and lists suspicious content.

        %(prog)s data/toy/annotations.pkl

    Checks the format, and prints a summary and probable mistakes (docs/browse.md lists
    the checks). The page index.html shows the labels over time, the time budget (how
    often each class occurs, how long, and which class follows which), missing joints,
    and some frames of each video, with the skeleton above its heatmap.
    time_budget.csv contains the time budget of each video and of all.
    """

    writes = ('json',)
    annotations: Path = argument('annotation file')
    out: Path | None = option(
        'folder for the page (default: browse, beside the annotation file)',
        None,
        metavar='DIR',
    )
    first: Count | None = option(
        'draw sample frames only of the first N videos (default: all)', None
    )
    frames: Count = option(
        'sample frames per video (default: %(default)s)', 4, type=whole_from(1, 100)
    )
    videos: Path | None = option(
        'folder of the video files (default: beside the annotation file)',
        None,
        metavar='DIR',
    )
    line_minutes: Positive | None = like(FileOptions, 'line_minutes')
    no_pictures: bool = option('only print the text', False)
    json: Path | None = option('also write the text as JSON', None, metavar='FILE')

    @property
    def folder(self) -> Path:
        """The folder for the page."""
        return self.out or self.annotations.parent / 'browse'

    def written(self) -> list[Path]:
        """Return the folder and the file that it writes."""
        return [self.folder, *super().written()]

    def run(self, events: Events) -> list[Suspicion]:
        """Tell and draw what the file holds, and return what is suspicious.

        Raises:
            MissingFileError: If the file, or a folder of videos, does not exist.
        """
        videos = self.videos or self.annotations.parent
        if self.videos and not videos.is_dir():
            raise MissingFileError(f'--videos {videos}: there is no such folder.')
        data = load_annotations(self.annotations)
        summary = summarize(data, videos)
        found = sanity_checks(data, videos)
        text = report(str(self.annotations), summary, found)
        events.note(text)
        if self.json:
            budget = reduce(add, time_budgets(data).values())
            content = {
                **summary,
                'time_budget': budget_as_dict(budget, data['metainfo']['classes']),
                'suspicions': [one._asdict() for one in found],
            }
            atomic_write_text(self.json, json.dumps(content, indent=1))
        if not self.no_pictures:
            show = self.first, self.frames, self.line_minutes, events
            events.note(f'\n{draw_all(self.folder, data, summary, text, *show)}')
        return found


main = Browse.main
