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
    """

    examples = EXAMPLES
    usage = '%(prog)s [options] MODEL [CHECKPOINT] OUT --licence ID'
    files: Sequence[str] = argument(
        'folder of a fit or a training, checkpoint, or config and checkpoint; then the '
        'folder to write',
        metavar='MODEL',
    )
    licence: str = option(
        'licence under which others may use it, which that of the data may prescribe: '
        'mit, apache-2.0, cc-by-4.0, gpl-3.0, other and so on',
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
    push: str | None = option('upload it to a hub', None, metavar='USER/NAME')
    private: bool = option('with --push, only you can see it', False)

    def written(self) -> list[Path]:
        """Return what the last argument names."""
        return [Path(self.files[-1])]

    def run(self, events: Events) -> Path:
        """Write the folder, upload it if that is wanted, and return it.

        Raises:
            UserError: If arguments are missing, or the model cannot be shared.
        """
        if not 2 <= len(self.files) <= 3:
            raise UserError(
                f'{" ".join(self.files)}: expected MODEL [CHECKPOINT] OUT, such as '
                'model shared.'
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
