"""Videos of plain grey frames."""

import numpy as np

from mmskelseg_io.files.video import written_video


def write_video(path, greys, fps=10.0, img_shape=(48, 64), codec='mp4v'):
    """Write a video whose frames are of these greys; return its path."""
    with written_video(path, fps, img_shape, codec) as put:
        for grey in greys:
            put(np.full((*img_shape, 3), min(grey, 255), np.uint8))
    return path
