"""Loading the features of a video or a crop, and packing them as model inputs."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.datasets.items import Item
from mmskelseg.datasets.transforms.augment import Augmentation, Transform
from mmskelseg.encoders.store import load_features
from mmskelseg.engine.crops import crop_begin, crop_table
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.files.arrays import gathered
from mmskelseg_io.files.names import file_name
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import Count, CountOrZero


@TRANSFORMS.register_module()
class RandomCropFrames(Augmentation):
    """Crops a random run of consecutive frames from a longer video, around labels.

    It belongs in the pipeline of the training data, before :class:`LoadFrameFeatures`,
    which then reads only these frames: memory and time of a training step do not depend
    on the length of videos. The middle of a crop is in a labelled interval, if the ends
    of the video allow it; see :func:`mmskelseg.engine.crops.crop_table`. Within an
    interval, all crops are equally likely; the choice depends only on seed, epoch and
    video. If a data set has several items of a video (its ``crop_frames``), their crops
    start at places spread over what is labelled.

    Reads: frame_dir; total_frames; label (T,); skeletons, risk (T,), votes (K, T),
    epoch, crop and crops, if present. Writes: source_frames, the indices of the frames,
    and source_length, the length of the video; total_frames, skeletons, label, risk and
    votes.

    Args:
        num_frames: Number of frames in a crop; shorter videos stay whole.
        seed: Different seeds give different crops.

    Raises:
        ValueError: If features are loaded already.

    Note:
        Frames near the ends of a crop have less context than in testing. A crop should
        be longer than the receptive field, 14,139 frames for MS-TCN++, although actions
        rarely depend on frames so far away.
    """

    def __init__(self, num_frames: Count, seed: int = 0) -> None:
        super().__init__(seed)
        self.num_frames = int(num_frames)

    def transform(self, results: Item) -> Item:
        """Write labels and skeletons of the crop."""
        self.check_place(results)
        if results['total_frames'] <= self.num_frames:
            return results
        crop, crops = results.get('crop', 0), results.get('crops', 1)
        place = (crop + self.draw(results, 0, 1)) / crops
        begin = crop_begin(crop_table(results['label'], self.num_frames), place)
        return self.keep(results, np.arange(begin, begin + self.num_frames))


@TRANSFORMS.register_module()
class LoadFrameFeatures(Transform):
    """Loads the frame features of every modality, or computes those that are online.

    If there are several copies in files, each epoch reads the next one. Online features
    are computed from the skeletons as earlier augmentations left them; features in
    files are read for the same frames. Those that the item has already stay.

    Reads: feature_files, the paths of each modality's copies; online, a
    ``FeatureRecipe`` for each modality without files, and the
    keys that it reads; epoch, 0 by default; frame_dir, total_frames; source_frames and
    source_length, if an augmentation changed the frames. Writes: features, an array
    (C, T) for each modality, or (C, T, V) for coordinates of joints, of the type of its
    file (float32 or float16). The features of a frame are contiguous in memory.

    Args:
        folders: The folder of each modality whose features come from elsewhere and are
            not configured in ``dataset.features``. It has an array (T, C) for each
            video, ``<frame_dir>.npy``.
        max_bytes: Larger features are memory-mapped from a file and read when they are
            used, so that a video may exceed the memory. Such arrays are read-only.

    Raises:
        FileNotFoundError: If a folder lacks a video's file.
        ValueError: If a file is incomplete, or has another number of frames than the
            video.
    """

    def __init__(
        self,
        folders: Mapping[str, str | os.PathLike] | None = None,
        *,
        max_bytes: CountOrZero = 1 << 28,
    ) -> None:
        self.folders = dict(folders or {})
        self.max_bytes = max_bytes

    def transform(self, results: Item) -> Item:
        """Write ``features``.

        Raises:
            UserError: If features have another number of frames than the video.
        """
        # (T, C, ...) → (C, T, ...)
        found = dict(results.get('features', {}))
        for modality, path in self._files(results).items():
            found[modality] = self._loaded(path, results).swapaxes(0, 1)
        for modality, recipe in results.get('online', {}).items():
            blocks, frames = recipe.make(results), results['total_frames']
            found[modality] = gathered(blocks, frames, self.max_bytes).swapaxes(0, 1)
        for modality, features in found.items():
            if features.shape[1] != results['total_frames']:
                raise UserError(
                    f'video {results["frame_dir"]} has {results["total_frames"]} '
                    f'frames after the transforms before LoadFrameFeatures, but '
                    f'{modality} features of {features.shape[1]}; remove the '
                    'transforms that these features cannot follow.'
                )
        # Set last, since transforms of online features refuse items with features.
        results['features'] = found
        return results

    def _files(self, results: Item) -> dict[str, Path]:
        """Return the file of each modality that has one."""
        name = f'{file_name(results["frame_dir"])}.npy'
        files = {key: Path(folder, name) for key, folder in self.folders.items()}
        for path in files.values():
            if not path.is_file():
                raise MissingFileError(
                    f'{path}: there is no such file, although the `folders` of '
                    'LoadFrameFeatures name this folder; correct them, or make '
                    'the file with tools/dataset_converters/common_layout.py.'
                )
        epoch = results.get('epoch', 0)
        for key, copies in results.get('feature_files', {}).items():
            files.setdefault(key, Path(copies[epoch % len(copies)]))
        return files

    def _loaded(self, path: Path, results: Item) -> np.ndarray:
        """Return the features (T, C, ...) of the wanted frames from a file."""
        features = load_features(path)
        frames = results.get('source_length', results['total_frames'])
        if len(features) != frames:
            raise UserError(
                f'{path}: {len(features)} frames of features, but video '
                f'{results["frame_dir"]} has {frames} frames; '
                'delete the file to regenerate it.'
            )
        if 'source_frames' in results:
            wanted = results['source_frames']
            run = slice(wanted[0], wanted[0] + len(wanted))
            # A slice keeps a large run of frames memory-mapped.
            features = features[run if (np.diff(wanted) == 1).all() else wanted]
        if features.dtype != np.float16:
            features = features.astype(np.float32, copy=False)
        return np.array(features) if features.nbytes <= self.max_bytes else features


@TRANSFORMS.register_module()
class PackSegInputs(Transform):
    """Packs features and labels for :class:`mmskelseg.models.ActionSegmentor`.

    Reads: features, (C, T, ...) for each modality; label (T,), risk (T,) and votes
    (K, T), if present; ``meta_keys``. Writes: inputs, a tensor (C, T, ...) for each
    modality, and data_samples, an ``ActionDataSample`` with gt_label (T,), gt_risk (T,)
    and gt_votes (K, T), of as many.

    Args:
        meta_keys: Keys that are copied to the metainfo of the sample, if present.
    """

    def __init__(
        self, meta_keys: Sequence[str] = ('frame_dir', 'total_frames', 'fps')
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: Item) -> Item:
        """Return ``inputs`` and ``data_samples``."""
        values: Mapping[str, object] = results
        sample = ActionDataSample(
            metainfo={key: values[key] for key in self.meta_keys if key in values}
        )
        if 'label' in results:
            sample.set_gt_label(results['label'])
        for key in ('risk', 'votes'):
            if key in results:
                field = torch.as_tensor(results[key], dtype=torch.float32)
                sample.set_field(field, f'gt_{key}', dtype=torch.Tensor)
        with warnings.catch_warnings():
            # Memory-mapped features are read-only.
            warnings.filterwarnings('ignore', 'The given NumPy array is not writable')
            inputs = {k: torch.from_numpy(x) for k, x in results['features'].items()}
        return {'inputs': inputs, 'data_samples': sample}
