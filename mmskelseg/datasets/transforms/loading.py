"""Features of a video or a part of it, from their files to the inputs of a model."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.datasets.transforms.augment import Augmentation, Transform, require
from mmskelseg.features.store import load_features
from mmskelseg.fileio.names import file_name
from mmskelseg.registry import TRANSFORMS
from mmskelseg.utils.errors import MissingFileError, UserError


@TRANSFORMS.register_module()
class RandomCropFrames(Augmentation):
    """Takes a run of frames out of a longer video, another one in each epoch.

    It belongs into the pipeline of the training data, before
    :class:`LoadFrameFeatures`, which then reads those frames alone: memory and time of
    a step no longer depend on how long videos are. Each place is as likely; what is
    drawn depends on seed, epoch and video alone.

    Reads: frame_dir; total_frames; skeletons, label (T,), risk (T,) and epoch, where
    they are there. Writes: source_frames, which frames these are, and source_length,
    of how many; total_frames, skeletons, label and risk.

    Args:
        num_frames: How many frames; videos that are not longer stay whole.
        seed: Other seeds give other draws.

    Raises:
        ValueError: If there is not at least one frame, or features are there already.

    Note:
        Frames near the ends of a crop see less of their surroundings than in a test. A
        crop should be longer than the receptive field: 14,139 frames for MS-TCN++,
        though actions rarely depend on what is that far.
    """

    def __init__(self, num_frames: int, seed: int = 0) -> None:
        super().__init__(seed)
        self.num_frames = int(num_frames)
        fits = self.num_frames >= 1
        require(fits, 'RandomCropFrames', 'num_frames', num_frames, 'at least 1')

    def transform(self, results: dict) -> dict:
        """Write labels and skeletons of these frames alone."""
        self.check_place(results)
        frames = results['total_frames']
        if frames <= self.num_frames:
            return results
        places = frames - self.num_frames + 1
        # The highest number is drawn once in 2**53 times.
        begin = min(int(self.draw(results, 0, places)), places - 1)
        return self.keep(results, np.arange(begin, begin + self.num_frames))


@TRANSFORMS.register_module()
class LoadFrameFeatures(Transform):
    """Loads the frame features of every modality, or makes those that are online.

    Of several copies in files, each epoch reads the next one. Online features are made
    of the skeletons as the augmentations before it left them; from files come those of
    the same frames.

    Reads: feature_files, the paths of each modality's copies; online, a
    :class:`~mmskelseg.features.FeatureRecipe` for each modality that has no files, and
    what it reads; epoch, taken as 0 where the key is missing; frame_dir, total_frames;
    source_frames and source_length, where an augmentation changed the frames. Writes:
    features, an array of shape (C, T) for each modality, or (C, T, V) for coordinates
    of joints, of the type of its file (float32 or float16), in which the features of a
    frame lie beside one another.

    Args:
        folders: For each modality whose features come from elsewhere, and so are not
            named under ``dataset.features``, the folder of their files: an array
            (T, C) for each video in ``<frame_dir>.npy``.
        max_bytes: Features of more bytes stay in their file and are read as they are
            used, so that a video may be longer than memory. Such an array cannot be
            written to.

    Raises:
        FileNotFoundError: If a folder lacks a video's file.
        ValueError: If a file is not whole, or there is not a feature for each frame.
    """

    def __init__(
        self,
        folders: Mapping[str, str | os.PathLike] | None = None,
        *,
        max_bytes: int = 1 << 28,
    ) -> None:
        self.folders = dict(folders or {})
        self.max_bytes = max_bytes

    def transform(self, results: dict) -> dict:
        """Write ``features``."""
        # (T, C, ...) → (C, T, ...)
        results['features'] = {
            modality: self._loaded(path, results).swapaxes(0, 1)
            for modality, path in self._files(results).items()
        }
        for modality, recipe in results.get('online', {}).items():
            made = _filled(recipe.make(results), results['total_frames'])
            results['features'][modality] = made.swapaxes(0, 1)
        for modality, features in results['features'].items():
            if features.shape[1] != results['total_frames']:
                raise UserError(
                    f'video {results["frame_dir"]} has {results["total_frames"]} '
                    f'frames after the transforms before LoadFrameFeatures, but '
                    f'{modality} features of {features.shape[1]}; leave out the '
                    'transforms that these features do not follow.'
                )
        return results

    def _files(self, results: Mapping[str, Any]) -> dict[str, Path]:
        """Return the file of each modality that has one."""
        name = f'{file_name(results["frame_dir"])}.npy'
        files = {key: Path(folder, name) for key, folder in self.folders.items()}
        for path in files.values():
            if not path.is_file():
                raise MissingFileError(
                    f'{path}: there is no such file, though LoadFrameFeatures is told '
                    'to find features in this folder; correct its `folders`, or make '
                    'the file with tools/dataset_converters/common_layout.py.'
                )
        epoch = results.get('epoch', 0)
        for key, copies in results['feature_files'].items():
            files.setdefault(key, Path(copies[epoch % len(copies)]))
        return files

    def _loaded(self, path: Path, results: Mapping[str, Any]) -> np.ndarray:
        """Return features (T, C, ...) of a file, of the frames that are wanted."""
        features = load_features(path)
        frames = results.get('source_length', results['total_frames'])
        if len(features) != frames:
            raise UserError(
                f'{path}: {len(features)} frames of features, but video '
                f'{results["frame_dir"]} has {frames} frames; '
                'delete the file, and it is made again.'
            )
        if 'source_frames' in results:
            wanted = results['source_frames']
            run = slice(wanted[0], wanted[0] + len(wanted))
            # A run of frames stays in its file as long as it is large.
            features = features[run if (np.diff(wanted) == 1).all() else wanted]
        if features.dtype != np.float16:
            features = features.astype(np.float32, copy=False)
        return np.array(features) if features.nbytes <= self.max_bytes else features


def _filled(blocks: Iterator[np.ndarray], frames: int) -> np.ndarray:
    """Return blocks of features (n, C, ...) as one array, without holding all twice."""
    first = next(blocks)
    whole, end = np.empty((frames, *first.shape[1:]), first.dtype), 0
    for block in chain([first], blocks):
        whole[end : end + len(block)] = block
        end += len(block)
    return whole[:end]


@TRANSFORMS.register_module()
class PackSegInputs(Transform):
    """Packs features and labels for :class:`mmskelseg.models.ActionSegmentor`.

    Reads: features, (C, T, ...) for each modality; label (T,) and risk (T,), where they
    are there; the keys of the meta information. Writes: inputs, a tensor (C, T, ...)
    for each modality, and data_samples, an ``ActionDataSample`` with gt_label (T,) and
    gt_risk (T,).

    Args:
        meta_keys: Keys that become the sample's meta information where they are there.
    """

    def __init__(
        self, meta_keys: Sequence[str] = ('frame_dir', 'total_frames', 'fps')
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Return ``inputs`` and ``data_samples``."""
        sample = ActionDataSample(
            metainfo={key: results[key] for key in self.meta_keys if key in results}
        )
        if 'label' in results:
            sample.set_gt_label(results['label'])
        if 'risk' in results:
            risk = torch.as_tensor(results['risk'], dtype=torch.float32)
            sample.set_field(risk, 'gt_risk', dtype=torch.Tensor)
        with warnings.catch_warnings():
            # Features that stay in their file cannot be written to.
            warnings.filterwarnings('ignore', 'The given NumPy array is not writable')
            inputs = {k: torch.from_numpy(x) for k, x in results['features'].items()}
        return {'inputs': inputs, 'data_samples': sample}
