"""Videos of plain grey frames."""

from fractions import Fraction

import numpy as np

from mmskelseg_io.files.video import written_video


def write_video(path, greys, fps=10.0, img_shape=(48, 64), codec='mp4v'):
    """Write a video whose frames are of these greys; return its path."""
    with written_video(path, fps, img_shape, codec) as put:
        for grey in greys:
            put(np.full((*img_shape, 3), min(grey, 255), np.uint8))
    return path


def write_uneven_video(path, frames):
    """Write 30 frames a second, and from the middle on 10, as phones in poor light."""
    import av

    with av.open(str(path), 'w') as file:
        stream = file.add_stream('libx264', rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(frames):
            image = np.full((48, 64, 3), 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts = 33 * min(i, frames // 2) + 100 * max(i - frames // 2, 0)
            frame.time_base = stream.codec_context.time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path
