"""Writes a trained model as a folder that others can use, with a card."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job, function_of
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument, option
from mmskelseg_runtime.segmenting.hub import check_push, push

EXAMPLES = """examples:
  # a config and a checkpoint
  %(prog)s mine.py work_dirs/mine shared --licence cc-by-4.0
  # upload it as well
  %(prog)s model shared --licence mit --push ann/mice
  # one file that labels poses in a browser, without a server
  %(prog)s model --page model.html
"""

# Those that hubs know, for weights, data and programs.
_LICENCES = """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsl-1.0 cc0-1.0
    cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
    cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
    cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-permissive-1.0
    cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
    gfdl gpl-2.0 gpl-3.0 isc lgpl-2.1 lgpl-3.0 mit mpl-2.0 ms-pl ncsa odbl odc-by
    openrail osl-3.0 pddl unlicense zlib other
"""


def licence(text: str) -> str:
    """Return the id of a licence, such as ``cc-by-4.0``.

    Raises:
        UserError: If no hub knows it.
    """
    if text not in (known := _LICENCES.split()):
        raise UserError(
            f'{text} is not the id of a licence; name one of {", ".join(known)}'
        )
    return text


@dataclass(frozen=True, kw_only=True)
class Share(Job[Path]):
    """Writes a trained model as a folder that others can use, with a card.

        %(prog)s model shared --licence cc-by-4.0
        %(prog)s model --page model.html

    MODEL is the folder of `mmskelseg fit`, a checkpoint or the work folder of a
    training, or a config followed by a checkpoint. OUT gets:

      README.md          the card: data, scores, calibration, joints and limits
      model.onnx         the model, which runs without PyTorch
      model.safetensors  its weights and what builds it, for PyTorch
      config.json        what the card states, for programs

    None of them is a program, and none names persons or videos. They tell the name of
    the data, by default that of their folder. Others name the folder or, after --push,
    --model hf:USER/NAME:

        mmskelseg segment take1.mp4 shared
        mmskelseg segment take1.mp4 --model hf:ann/mice

    --push needs huggingface_hub (pip install 'mmskelseg[hub]') and `hf auth login`.

    --page writes no folder but one HTML file, which holds the model and what runs it:
    whoever opens it in a browser drops poses on it, and saves segments. Nothing is
    installed or uploaded, and no network is asked. The model must read joints in 2D
    alone; it may be a file or a name, as for `mmskelseg segment`, too.
    """

    examples = EXAMPLES
    usage = (
        '%(prog)s [options] MODEL [CHECKPOINT] OUT --licence ID\n'
        '       %(prog)s [options] MODEL [CHECKPOINT] --page FILE'
    )
    files: Sequence[str] = argument(
        'folder of a fit or a training, checkpoint, or config and checkpoint; then, '
        'without --page, the folder to write',
        metavar='MODEL',
    )
    licence: str | None = option(
        'licence under which others may use it, which that of the data may prescribe: '
        'mit, apache-2.0, cc-by-4.0, gpl-3.0, other and so on',
        None,
        type=licence,
        metavar='ID',
    )
    about: str = option(
        'sentences for the card: what the model is for, and what not',
        'To label the same actions in recordings like those of its data.',
        metavar='TEXT',
    )
    streaming: bool = option(
        'also write model_live.onnx, for mmskelseg live; the model must be causal',
        False,
    )
    page: Path | None = option('write this HTML file instead', None, metavar='FILE')
    sample: Path | None = option(
        'with --page, poses of one recording to try it on: CSV, JSON or npz',
        None,
        metavar='FILE',
    )
    push: str | None = option('upload it to a hub', None, metavar='USER/NAME')
    private: bool = option('with --push, only you can see it', False)

    def written(self) -> list[Path]:
        """Return the page, or what the last argument names."""
        return [self.page or Path(self.files[-1])]

    def run(self, events: Events) -> Path:
        """Write the folder or the page, upload it if that is wanted, and return it.

        Raises:
            UserError: If arguments are missing, or the model cannot be shared.
        """
        least = 1 if self.page else 2
        if not least <= len(self.files) <= least + 1:
            raise UserError(
                f'{" ".join(self.files)}: expected MODEL [CHECKPOINT], and then OUT '
                'unless there is a --page.'
            )
        if self.page:
            return function_of('mmskelseg.commands._sharing:write_html')(self, events)
        if self.licence is None:
            raise UserError(
                f'{self.files[-1]}: --licence is missing, under which others may use '
                'it; name one, such as cc-by-4.0.'
            )
        if self.push:
            check_push(self.push)
        *_, last = self.files
        out = function_of('mmskelseg.commands._sharing:write')(self, events)
        events.note(f'{last} has {", ".join(sorted(f.name for f in out.iterdir()))}')
        if self.push:
            page = push(out, self.push, private=self.private)
            events.note(f'{page}: use it by --model hf:{self.push}')
        return out


main = Share.main
