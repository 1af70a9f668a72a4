"""Reduces a checkpoint to what others need to use its model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmskelseg_io.files.work_folders import checkpoint_file
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError, reading
from mmskelseg_io.messages.options import argument
from mmskelseg_io.version import __version__

# What says how the data were read, which may name persons and paths.
_PRIVATE = ('notes', 'person', 'pose_estimator')


@dataclass(frozen=True, kw_only=True)
class PublishModel(Job[Path]):
    """Reduces a checkpoint to what others need to use its model.

        %(prog)s work_dirs/mine mine.safetensors

    SRC is a checkpoint, or a work folder (its last checkpoint). DST has the weights
    (the averaged ones, if training averages them), the classes and the skeleton of the
    training data, and the parts of the config that build the model and make its
    features: no optimizer, no history and no paths. DST needs no config file: in the
    Python API, pass None as the config and DST as the checkpoint. A DST that ends in
    .safetensors holds only tensors and JSON, so loading it cannot run code.
    """

    writes = ('dst',)
    src: Path = argument('checkpoint or work folder of a training')
    dst: Path = argument('file to write: .safetensors or .pth')
    #: A ``Config`` in place of the one in the checkpoint.
    config: Any = None

    def run(self, events: Events) -> Path:
        """Write the reduced checkpoint, and return it.

        Raises:
            UserError: If it does not say how it was trained.
        """
        # Imported here, since --help should not wait for it.
        from mmengine.config import Config

        from mmskelseg.checkpoints.reading import (
            load_checkpoint,
            meta_of,
            save_weights,
            tensors_of,
        )

        src = Path(checkpoint_file(self.src))
        content = load_checkpoint(src)
        meta = meta_of(content)
        config, data = meta.get('cfg'), meta.get('dataset_meta')
        if not isinstance(config, str) or not isinstance(data, dict):
            raise UserError(
                f'{src}: does not say with which config and data it was trained; '
                'use one that `mmskelseg train` wrote.'
            )
        with reading(src):
            cfg = self.config or Config.fromstring(config, '.py')
            loader, dataset = cfg.test_dataloader, cfg.test_dataloader.dataset
            kept = {key: dataset[key] for key in ('type', 'features', 'pipeline')}
            test = {'dataset': kept}
            if 'collate_fn' in loader:
                test['collate_fn'] = loader.collate_fn
            text = Config({'model': cfg.model, 'test_dataloader': test}).pretty_text
        short: dict[str, object] = {
            'cfg': text,
            'dataset_meta': {k: v for k, v in data.items() if k not in _PRIVATE},
            'mmskelseg_version': __version__,
            **{key: meta[key] for key in ('epoch', 'seed') if key in meta},
        }
        state = tensors_of(content, src)
        save_weights(self.dst, state, short)
        size = self.dst.stat().st_size / 2**20
        events.note(f'{self.dst}: {len(state)} tensors, {size:.1f} MiB')
        return self.dst


main = PublishModel.main
