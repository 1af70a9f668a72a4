"""What brings a video's features into memory."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform

from mmskelseg.features.feature_store import load_features
from mmskelseg.files import file_name
from mmskelseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadFrameFeatures(BaseTransform):
    """Loads the frame features of every modality.

    Of several copies, each epoch reads the next one.

    Reads: feature_files, the paths of each modality's copies; epoch, taken as 0 where
    the key is missing; frame_dir, total_frames. Writes: features, an array of shape
    (C, T) for each modality, or (C, T, V) for coordinates of joints, float32.

    Args:
        folders: For each modality whose features come from elsewhere, and so are not
            named under ``dataset.features``, the folder of their files: an array
            (T, C) for each video in ``<frame_dir>.npy``.

    Raises:
        FileNotFoundError: If a folder lacks a video's file.
        ValueError: If a file is not whole, or does not have a feature for each frame.
    """

    def __init__(self, folders: Mapping[str, str | os.PathLike] | None = None) -> None:
        self.folders = dict(folders or {})

    def transform(self, results: dict) -> dict:
        """Write ``features`` from the files."""
        results['features'] = {}
        name = f'{file_name(results["frame_dir"])}.npy'
        files = {key: Path(folder, name) for key, folder in self.folders.items()}
        for path in files.values():
            if not path.is_file():
                raise FileNotFoundError(
                    f'{path}: there is no such file, though LoadFrameFeatures is told '
                    'to find features in this folder; correct its `folders`, or make '
                    'the file with tools/dataset_converters/common_layout.py.'
                )
        epoch = results.get('epoch', 0)
        for key, copies in results['feature_files'].items():
            files.setdefault(key, Path(copies[epoch % len(copies)]))
        for modality, path in files.items():
            features = load_features(path)
            if len(features) != results['total_frames']:
                raise ValueError(
                    f'{path}: {len(features)} frames of features, but video '
                    f'{results["frame_dir"]} has {results["total_frames"]} frames; '
                    'delete the file, and it is made again.'
                )
            # (T, C, ...) → (C, T, ...)
            features = features.swapaxes(0, 1)
            results['features'][modality] = np.array(features, np.float32, order='C')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(folders={self.folders})'
