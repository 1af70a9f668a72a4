"""Writes a trained model as an ONNX file, which runs without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Positive, argument, option
from mmskelseg_io.structures.choices import INPUTS, PRECISIONS
from mmskelseg_runtime.commands.models import ModelJob

EXAMPLES = """examples:
  # a model that comes with the package
  %(prog)s precog precog.onnx
  # a causal model, for streams: mmskelseg live 0 stream.onnx
  %(prog)s streaming/uwiom_pose2d stream.onnx --streaming
  # a smaller file
  %(prog)s CONFIG model.onnx --precision float16
  # the mean of three training runs
  %(prog)s CONFIG seed_0.pth model.onnx --ensemble seed_1.pth seed_2.pth
"""


@dataclass(frozen=True, kw_only=True)
class ExportModel(ModelJob[Path]):
    """Writes a trained model as an ONNX file, which runs without PyTorch.

        %(prog)s model model.onnx

    The file contains the network, averaged over its members and those of an ensemble,
    standardisation, the network that computes features from images if there is one, and
    everything else that is needed to run it: classes, skeleton, the recipe of the
    features, and post-processing. To segment videos with it, run

        mmskelseg segment take1.mp4 model.onnx

    This only needs mmskelseg-runtime, without PyTorch and MMEngine; see
    docs/export.md.

    Before the file is written, the graph is checked and compared with PyTorch on videos
    of several lengths; a float32 graph that differs by more than 1e-5 is not written.
    """

    opener = 'export_onnx'
    examples = EXAMPLES
    usage = '%(prog)s [options] MODEL OUT.onnx'
    files: Sequence[str] = argument(
        'the model: a folder of a fit or a training, a checkpoint, a name, or a config '
        'and a checkpoint; then the file to write',
        metavar='FILE',
    )
    streaming: bool = option(
        'write the graph for one push of frames to a stream, for a causal model; its '
        'buffers are inputs and outputs',
        False,
    )
    precision: str = option(
        'precision of the weights (default: %(default)s)', 'float32', choices=PRECISIONS
    )
    inputs: str | None = option(
        'what the graph reads (default: keypoints, if the model reads coordinates of '
        'joints alone)',
        None,
        choices=INPUTS,
    )
    fps: Positive | None = option(
        "frame rate of the model's training data, if the model does not state it", None
    )

    def written(self) -> list[Path]:
        """Return what the last argument names."""
        return [Path(self.files[-1])]

    def run(self, events: Events) -> Path:
        """Write the file, and return it.

        Raises:
            UserError: If arguments are missing, or the model cannot be exported.
        """
        *given, out = self.files
        if len(given) not in ((1, 2) if self.model is None else (0,)):
            raise UserError(
                f'{" ".join(self.files)}: expected MODEL OUT.onnx, or CONFIG '
                'CHECKPOINT OUT.onnx.'
            )
        named = self.named_model(*(*given, None, None)[:2])
        report = self.with_pytorch(named)
        lengths = ', '.join(f'{n:,}' for n in report.errors)
        events.note(
            f'{report.path}: {report.kind}, {report.precision}, '
            f'{report.size / 1e6:.1f} MB; largest difference from PyTorch '
            f'{report.error:.1e}, at {lengths} frames'
        )
        return report.path


main = ExportModel.main
