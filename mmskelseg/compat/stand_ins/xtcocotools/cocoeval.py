"""Scores of poses, which pycocotools computes for COCO's 17 joints alone."""

from typing import Any


class COCOeval:
    """Refuses to be built.

    Raises:
        NotImplementedError: Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "MMPose's COCO scores need xtcocotools itself; install it beside NumPy 1."
        )
