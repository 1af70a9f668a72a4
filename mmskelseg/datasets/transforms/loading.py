"""What brings a video's features into memory."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmskelseg.features.feature_store import load_features
from mmskelseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadFrameFeatures(BaseTransform):
    """Loads the frame features of every modality.

    Reads: feature_files, the path of a file for each modality; total_frames.
    Writes: features, an array of shape (C, T) for each modality, float32.

    Raises:
        ValueError: If a file is not whole, or does not have a feature for each frame.
    """

    def transform(self, results: dict) -> dict:
        """Write ``features`` from the files."""
        results['features'] = {}
        for modality, path in results['feature_files'].items():
            features = load_features(path)
            if len(features) != results['total_frames']:
                raise ValueError(
                    f'{path}: {len(features)} frames of features, but video '
                    f'{results["frame_dir"]} has {results["total_frames"]} frames; '
                    'delete the file, and it is made again.'
                )
            results['features'][modality] = np.array(features.T, np.float32, order='C')
        return results
