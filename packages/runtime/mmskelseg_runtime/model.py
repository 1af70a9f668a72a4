"""A trained model in Python, by one line."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from mmskelseg_io.files.parsing import read_json
from mmskelseg_io.messages.errors import MissingFileError
from mmskelseg_runtime.commands.segment import Segment
from mmskelseg_runtime.segmenting.segmenter import Results, Segmenter
from mmskelseg_runtime.segmenting.sources import Input


class Report(dict[str, Any]):
    """The ``report.json`` of a fit; notebooks show its page."""

    page: Path

    @classmethod
    def read(cls, folder: Path) -> 'Report':
        """Return the report in the folder of a fit.

        Raises:
            UserError: If it has none.
        """
        file = folder / 'report.json'
        if not file.is_file():
            raise MissingFileError(
                f'{file}: there is no such file; `mmskelseg fit` writes it into the '
                'folder of its model.'
            )
        report = cls(read_json(file, '`mmskelseg fit`'))
        report.page = folder / 'report.html'
        return report

    def _repr_html_(self) -> str:
        page = escape(self.page.read_text(encoding='utf-8'))
        style = 'width: 100%; height: 80vh; border: 0'
        return f'<iframe srcdoc="{page}" style="{style}" title="Report"></iframe>'


@dataclass(frozen=True)
class Model:
    """A trained model, as :func:`load` opens it."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def segmenter(self) -> Segmenter:
        """What labels videos; it is opened when it is first needed."""
        job = Segment(inputs=[], model=self.name, **self.options)
        return job.open_segmenter(job.named_model(None, None))

    def segment(self, inputs: Input | Sequence[Input], **options: Any) -> Results:
        """Return the labels of videos, poses or annotations; see :class:`Segmenter`.

        Raises:
            UserError: If an input is missing, or does not suit the model.
        """
        return self.segmenter(inputs, **options)

    @property
    def report(self) -> Report:
        """How good the model of a fit is.

        Raises:
            UserError: If it is no folder of a fit.
        """
        return Report.read(Path(self.name))


def load(model: str | os.PathLike, **options: Any) -> Model:
    """Open a trained model, in PyTorch only if it has not been exported.

    Args:
        model: The folder of a fit or a training, an exported model, or the name of one
            of the package, such as ``precog``, or of a hub, ``hf:USER/NAME``.
        options: Those of `mmskelseg segment` for the model, such as ``device``.

    Raises:
        UserError: If there is no such model.

    Example::

        load('precog').segment('take1.npz').plot().save('take1.png')
    """
    found = Model(os.fspath(model), options)
    _ = found.segmenter
    return found
