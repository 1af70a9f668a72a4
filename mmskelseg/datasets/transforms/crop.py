"""A part of a video's frames, for training on videos that are too long as a whole."""

from __future__ import annotations

import numpy as np

from mmskelseg.datasets.transforms.augment import Augmentation, require
from mmskelseg.registry import TRANSFORMS
from mmskelseg.utils.errors import UserError


@TRANSFORMS.register_module()
class RandomCropFrames(Augmentation):
    """Takes a run of frames out of a longer video, another one in each epoch.

    It belongs into the pipeline of the training data, before
    :class:`LoadFrameFeatures`, which then reads those frames alone: memory and time of
    a step no longer depend on how long videos are. Each place is as likely; what is
    drawn depends on seed, epoch and video alone.

    Reads: frame_dir; total_frames; label (T,) and risk (T,), where they are there;
    epoch, taken as 0 where the key is missing. Writes: crop, the first frame and the
    one after the last; frames_of_file, the frames before; total_frames, label and risk.

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
        """Write ``crop``, and cut the labels to it."""
        if 'features' in results:
            raise UserError(
                f'video {results["frame_dir"]} has its features already; put '
                'RandomCropFrames into the pipeline before LoadFrameFeatures.'
            )
        frames = results['total_frames']
        if frames <= self.num_frames:
            return results
        places = frames - self.num_frames + 1
        drawn = self.draw(results, 0, places, part=f':{results.get("epoch", 0)}')
        # The highest number is drawn once in 2**53 times.
        begin = min(int(drawn), places - 1)
        results['crop'] = (begin, begin + self.num_frames)
        results['frames_of_file'] = frames
        return self.keep(results, np.arange(*results['crop']))
