"""Writes a config for your own data set, ready for training and testing."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from mmskelseg.engine.jobs import ConfigRequest, SplitRequest
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument, option


@dataclass(frozen=True, kw_only=True)
class MakeConfig(SplitRequest, ConfigRequest, Job[None]):
    """Writes a config for your own data set, ready for training and testing.

        %(prog)s data/mine/annotations.pkl mine.py
        mmskelseg train mine.py
        mmskelseg test mine.py

    Classes, channels, splits and the length of the training are taken from the
    annotation file. Everything else comes from a recipe, a config that the new one
    inherits:

        pose2d       coordinates of 2D skeletons, as in new videos; the default
        pose3d       coordinates of 3D skeletons, if every video has them
        heatmap      heatmaps of 2D skeletons on a coarse grid
        heatmap_cnn  heatmaps of 2D skeletons, encoded by a small network that is
                     trained with the rest, which takes several times as long

    The network is a small ASFormer, or two of them for coordinates of short videos;
    --segmentor ms_tcn2 takes three MS-TCN++ networks. If actions follow one another as
    in a script, recordings are kept whole; otherwise, they are also recombined into new
    orders, and long ones are cropped (--any-order and --no-any-order decide). Predicted
    segments that are shorter than nearly all training segments are merged with a
    neighbour (model.postprocess); with --streaming, the limit is at most half of
    SECONDS. docs/recipes.md says more.

    The path ANN is written into the config as given: a relative path is relative to the
    folder in which you train. docs/data_format.md describes the file.
    """

    ann_file: Path = argument('annotation file (annotations.pkl)', metavar='ANN')
    out: Path = argument('config to write', metavar='OUT.py')
    overwrite: bool = option('replace OUT.py if it exists', False)

    def run(self, events: Events) -> None:
        """Write the config, and tell what was chosen and why.

        Raises:
            UserError: If the file exists, or the data suit no config.
        """
        if self.out.suffix != '.py':
            raise UserError(f'{self.out}: the name of a config must end in .py.')
        if self.out.exists() and not self.overwrite:
            raise UserError(
                f'{self.out}: already exists; name another file, or add --overwrite.'
            )
        from mmskelseg.engine.choosing import choose, choose_splits

        data = load_annotations(self.ann_file)
        splits = choose_splits(data, self.ann_file, self)
        choice = choose(data, self.ann_file, splits, self)
        atomic_write_text(self.out, choice.config_text())
        out = shlex.quote(os.fspath(self.out))
        first, *others = choice.lines.values()
        lines = [
            f'{self.out}: {first}',
            *others,
            f'Train with: mmskelseg train {out}',
            f'Test with:  mmskelseg test {out}',
        ]
        if choice.lookahead is not None and choice.recipe == 'pose2d':
            delay = f'(lookahead: {choice.lookahead} frames)'
            source, more = '0', ''
            if any('kinds' in part for part in choice.parts):
                # Nothing finds objects in front of a camera.
                source, more = 'VIDEO', ' --poses FILE --objects FILE'
            lines.append(f'Live with:  mmskelseg live {source} {out}{more} {delay}')
        events.note('\n'.join(lines))


main = MakeConfig.main
