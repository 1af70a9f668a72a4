"""Opens a page on which you label recordings, train a model, and correct it."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mmskelseg_io.inputs import ObjectInput, PoseInput
from mmskelseg_io.jobs.command_line import whole_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.dependencies import Dependency
from mmskelseg_io.messages.options import (
    Fraction,
    Positive,
    argument,
    grouped,
    like,
    option,
)
from mmskelseg_io.structures.choices import EACH, POLICIES
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.estimators.estimator import require

_EXAMPLES = """examples:
  # videos and the poses of a tracker, whose files do not state their rate
  %(prog)s mice --fps 30
  # play, correct and export what a model of the package finds in videos
  %(prog)s new_videos --model precog
  # an annotation file whose labels are left aside
  %(prog)s data/precog --ignore-labels
"""
_OF_POSES = ('person', 'fps', 'kpt_thr', 'skeleton')
_NEEDED = (Dependency('starlette', '0.40'), Dependency('uvicorn', '0.30'))


@dataclass(frozen=True, kw_only=True)
class OpenStudio(Job[None]):
    """Opens a page on which you label recordings, train a model, and correct it.

        %(prog)s FOLDER

    FOLDER has videos, files of poses, or both, also in folders within it, or an
    annotations.pkl. Labels of all formats that `mmskelseg convert keypoints` reads are
    taken over. The page opens in the browser: press the key of a class where it begins
    and again where it ends, train a model on what is labelled, check what it is least
    sure of, and train again. Labels are saved after each change, in FOLDER/studio.json;
    models and exported files go to FOLDER/studio. How files are read, such as --fps and
    --kpt-thr, is kept there, too, so that later `%(prog)s FOLDER` will do.

    Only this computer can open the page, and only with the address that is printed.
    """

    does = 'mmskelseg_studio.server:serve'
    kept = 'labels and finished trainings are kept; the same command opens them again.'
    examples = _EXAMPLES
    folder: Path = argument('folder with videos, poses or both', metavar='FOLDER')
    model: str | None = option(
        'trained model, or its name, which labels all recordings first, and new ones '
        'when `Segment` is pressed',
        None,
        metavar='MODEL',
    )
    observer: str = option(
        'name of who labels: the labels of each are apart, and classes the same at '
        'first (default: no name)',
        '',
        metavar='NAME',
    )
    ignore_labels: bool = option(
        'leave the labels of files aside, and begin with none', False
    )
    person: str | None = option(
        'which of several people or animals is labelled: the longest track, the '
        'largest box, the highest score, everybody separately, or one by name '
        f'(default: {PoseInput.person})',
        None,
        metavar='|'.join((*POLICIES, EACH, 'NAME')),
    )
    fps: Positive | None = like(PoseInput, 'fps')
    kpt_thr: Fraction | None = like(PoseInput, 'kpt_thr')
    skeleton: Layout | None = like(PoseInput, 'skeleton')
    object_input: ObjectInput = grouped('objects', ObjectInput())
    pose_estimator: str = option(
        'estimator for videos without poses, as for `mmskelseg poses` (default: '
        '%(default)s)',
        'rtmlib',
        metavar='NAME',
    )
    port: int | None = option(
        'port (default: the first free one from 7870)',
        None,
        type=whole_from(1, 65535),
        metavar='PORT',
    )
    no_browser: bool = option('print the address, open no browser', False)

    @property
    def given(self) -> dict[str, Any]:
        """The options of files that differ from their defaults, in types of JSON."""
        found = {name: getattr(self, name) for name in _OF_POSES}
        for one in fields(ObjectInput):
            value = getattr(self.object_input, one.name)
            found[one.name] = None if value == one.default else value
        if found['objects']:
            found['objects'] = [os.path.abspath(path) for path in found['objects']]
        if found['object_kinds']:
            kinds = dict(found['object_kinds'])
            found['object_kinds'] = [[*pair] for pair in kinds.items()]
        return {name: value for name, value in found.items() if value is not None}

    def written(self) -> list[Path]:
        """Return the file that it reads and yet writes, of places."""
        # It takes long to import.
        from mmskelseg_studio.drawn_places import FILE

        return [self.folder / FILE]

    def run(self, events: Events) -> None:
        """Serve the page until the program is stopped."""
        require('The page', 'run `pip install starlette uvicorn`', *_NEEDED)
        super().run(events)


main = OpenStudio.main
