"""Skeletons drawn as heatmaps: Sec. III-A of the paper."""

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Positive
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE, SkeletonKey, VideoAnnotation
from mmskelseg_io.structures.individuals import main_person
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.body import follow
from mmskelseg_runtime.features.coordinates import check_one_person, read_joints
from mmskelseg_runtime.features.drawing import draw_segments
from mmskelseg_runtime.features.recipe import BaseRenderer, RenderedVideo
from mmskelseg_runtime.parts import RENDERERS

# Width of the box that follows a person, in body sizes: stretched arms and legs reach
# to 2.5 root mean square distances from the hips.
_BODY_SIZES = 5


@RENDERERS.register
class RenderSkeletonHeatmap(BaseRenderer):
    """Draws the joints and limbs of each frame into one image, as their plain sum.

    Reads: keypoint (M, T, V, 2), x and y in pixels; keypoint_score (M, T, V), 1 by
    default; shift (2,), if :class:`RandomShift` wrote it, the displacement of x and y
    as fractions of the heatmap's width and height; fps, for the velocity. Writes: imgs
    (T, 3, H, W), float32, about 0 to 3, with three equal channels that share memory
    unless ``sides`` is set; (T, 5, H, W) with ``velocity``.

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        size: Height and width of the heatmap in pixels.
        sigma: Standard deviation of a joint and half-width of a limb, in pixels of
            the heatmap.
        joints: Whether to draw joints (Eq. 1).
        limbs: Whether to draw limbs (Eq. 2).
        box: ``sequence`` maps the smallest box around all joints seen in the video onto
            the heatmap, whatever its aspect ratio; ``square`` maps a square around that
            box, enlarged by a quarter, as MMAction2 does for PoseC3D; ``person`` maps a
            box that follows the person's root and is five body sizes wide and high,
            which hides where people are and how large they appear; None takes the
            keypoints as pixels of the heatmap. The body size is the root mean square
            distance of a video's joints from the root. Of several persons, ``person``
            draws only the one with the highest sum of scores.
        distance: ``squared``, as in MMAction2's code, or ``printed``: Eq. 2 as printed
            in the paper, without the square.
        sides: Whether the three channels hold the left side, the middle and the right
            side of the body, according to the skeleton's flip pairs, instead of three
            equal images. Segments that touch both sides, or neither, are in the middle.
        velocity: Whether to add two channels with the velocity of the root along x and
            y, constant over the image, in body sizes per second. It is that of the box,
            which jumps if root joints disappear or reappear. Only with
            ``box='person'``, where the images do not show it.
        causal: Whether no image depends on later frames. With ``box='person'``, the
            body size is then that of the frames so far, the velocity is from the
            previous frame, and the mean of all joints seen replaces the root until it
            is first seen; a video must have one person. With ``box=None``, images are
            always causal.

    Raises:
        ValueError: If nothing is to be drawn, or if the keypoints do not fit the
            skeleton or are not finite.

    Note:
        A Gaussian extends to 3e-6 of its peak; MMAction2 cuts it off at three sigma. A
        limb shorter than one pixel follows Eq. 2 as well; MMAction2 draws its first
        joint instead. Keypoints are mapped to the heatmap before drawing: drawing at
        the size of the video and shrinking the image, as the paper describes it, loses
        nearly all of a joint.

    Source: Hyder et al. (ICRA 2024), Sec. III-A; Duan et al., "Revisiting
    Skeleton-based Action Recognition" (CVPR 2022).
    """

    reads: ClassVar[Literal['poses']] = 'poses'

    def __init__(
        self,
        skeleton: SkeletonLike,
        size: tuple[Count, Count] = (56, 56),
        *,
        sigma: Positive = 0.6,
        joints: bool = True,
        limbs: bool = True,
        box: Literal['sequence', 'square', 'person'] | None = 'sequence',
        distance: Literal['squared', 'printed'] = 'squared',
        sides: bool = False,
        velocity: bool = False,
        causal: bool = False,
    ) -> None:
        self.skeleton = Skeleton.get(skeleton)
        self.size = (int(size[0]), int(size[1]))
        self.sigma = sigma
        self.joints = joints
        self.limbs = limbs
        self.box = box
        self.distance = distance
        self.sides = sides
        self.velocity = velocity
        self.causal = causal
        if not (joints or (limbs and self.skeleton.limbs)):
            raise UserError(
                f'joints={joints} and limbs={limbs} leave nothing of skeleton '
                f'{self.skeleton.name!r} to draw; set one of them to True.'
            )
        if velocity and box != 'person':
            raise UserError(
                f"velocity=True needs box='person', but box is {box!r}, where images "
                'already show how the person moves.'
            )
        if causal and box not in ('person', None):
            raise UserError(
                f"causal=True needs box='person' or None, but box is {box!r}, which is "
                'known only at the end of a video.'
            )

    @property
    def context(self) -> tuple[float, float] | None:
        """Frames that an image depends on: its own, or all that determine its box."""
        if self.box is None:
            return (0, 0)
        return (math.inf, 0) if self.causal else None

    def transform(self, results: RenderedVideo) -> RenderedVideo:
        """Write ``imgs`` for the keypoints in ``results``."""
        results['imgs'] = self._drawn(*self._place(results))
        return results

    def blocks(self, results: VideoAnnotation, frames: int) -> Iterator[np.ndarray]:
        """Yield ``imgs`` in blocks of ``frames``, to limit the memory."""
        keypoint, score, velocity = self._place(results)
        for begin in range(0, keypoint.shape[1], frames):
            block = slice(begin, begin + frames)
            yield self._drawn(keypoint[:, block], score[:, block], velocity[block])

    def place(self, results: VideoAnnotation) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints in pixels of the heatmap (M, T, V, 2), and their scores."""
        return self._place(results)[:2]

    def _place(
        self, results: VideoAnnotation
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return keypoints in the heatmap, their scores and the velocity of the root.

        The velocity has shape (T, 2), or (T, 0) unless ``velocity`` is set.
        """
        keypoint, score = read_joints(
            results, 'keypoint', self.skeleton, 2, np.float32, score_dtype=np.float32
        )
        velocity = np.zeros((keypoint.shape[1], 0), np.float32)
        size = np.array(self.size[::-1], np.float32)
        if self.box == 'person':
            if self.causal:
                check_one_person(self, len(score), None)
            person = [main_person(score)]
            score, own = score[person], keypoint[person].astype(np.float64)
            frames = Frames(own, score >= MIN_SCORE, whole=not self.causal)
            body = follow(frames, self.skeleton.root, State())
            placed = body.relative * size / (_BODY_SIZES * body.size[:, None, None])
            keypoint = (placed + (size - 1) / 2)[None].astype(np.float32)
            if self.velocity:
                if 'fps' not in results:
                    raise UserError(
                        'there is no fps, which velocity=True needs; add it to the '
                        'annotation file.'
                    )
                root = body.root[0]
                moved = np.diff(root, axis=0, prepend=root[:1])
                if not self.causal:
                    moved = np.roll(moved, -1, axis=0)
                velocity = moved / body.size[:, None] * results['fps']
                velocity = velocity.astype(np.float32)
        elif self.box is not None:
            square = self.box == 'square'
            keypoint = _fit(keypoint, score >= MIN_SCORE, self.size, square)
        if 'shift' in results:
            keypoint = keypoint + np.array(results['shift'], np.float32) * size
        return keypoint, score, velocity

    def images(self, keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return the images of keypoints that :meth:`place` returned."""
        return self._drawn(keypoint, score, np.zeros((keypoint.shape[1], 0)))

    def _drawn(
        self, keypoint: np.ndarray, score: np.ndarray, velocity: np.ndarray
    ) -> np.ndarray:
        """Return images, with the velocity in channels of its own."""
        planes = velocity.shape[1]
        count = 3 + planes if self.sides or planes else 1
        images = self._segments(keypoint, score, self._sides, count)
        if images.shape[1] == 1:
            T, _, H, W = images.shape
            frame, _, row, column = images.strides
            # Like np.broadcast_to, but writable, since PyTorch expects writable arrays.
            return np.lib.stride_tricks.as_strided(
                images, (T, 3, H, W), (frame, 0, row, column)
            )
        if not self.sides:
            images[:, 1:3] = images[:, :1]
        images[:, 3:] = velocity[..., None, None]
        return images

    def _segments(
        self,
        keypoint: np.ndarray,
        score: np.ndarray,
        channels: Sequence[int],
        count: int,
    ) -> np.ndarray:
        """Return images with this many channels, each segment in one of them."""
        squared = self.distance == 'squared'
        place = (keypoint, score, self.pairs, self.size, self.sigma)
        return draw_segments(
            *place, squared=squared, channels=channels, num_channels=count
        )

    @property
    def _sides(self) -> list[int]:
        """The channel into which each segment is drawn."""
        if not self.sides:
            return [0] * len(self.pairs)
        left, right = (
            {pair[side] for pair in self.skeleton.flip_pairs} for side in (0, 1)
        )
        touched = ((bool({*p} & left), bool({*p} & right)) for p in self.pairs)
        return [{(True, False): 0, (False, True): 2}.get(sides, 1) for sides in touched]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The joint indices of each segment; the same index twice for a joint."""
        joints = [(v, v) for v in range(self.skeleton.num_joints)]
        limbs = list(self.skeleton.limbs)
        return (joints if self.joints else []) + (limbs if self.limbs else [])

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the images are drawn from."""
        keys: list[SkeletonKey] = ['keypoint', 'keypoint_score']
        rate = [np.array(results['fps'])] if self.velocity else []
        return [results[key] for key in keys if key in results] + rate

    def settings(self) -> dict[str, object]:
        """Return everything that determines the images, as plain values."""
        settings = {**vars(self), 'type': type(self).__name__, 'size': list(self.size)}
        del settings['skeleton']
        settings['joints_of'] = list(self.skeleton.joints)
        settings['limbs_of'] = [list(pair) for pair in self.skeleton.limbs]
        if self.box == 'person':
            settings['root'] = list(self.skeleton.root)
        if self.sides:
            settings['flip_pairs'] = [list(pair) for pair in self.skeleton.flip_pairs]
        if not self.causal:
            # So that names of existing feature files stay valid.
            del settings['causal']
        return settings


@RENDERERS.register
class RenderJointHeatmaps(RenderSkeletonHeatmap):
    """Draws each joint and then each limb into a channel of its own, as for PoseC3D.

    ``limbs=False`` gives V channels, ``joints=False`` one channel for each limb.

    It reads the keys and takes the options of :class:`RenderSkeletonHeatmap`, which
    draws the sum of these channels. Writes: imgs (T, channels, H, W), float32, 0 to
    1.

    Source: Duan et al., "Revisiting Skeleton-based Action Recognition" (CVPR 2022).
    """

    def _drawn(
        self, keypoint: np.ndarray, score: np.ndarray, velocity: np.ndarray
    ) -> np.ndarray:
        count, planes = len(self.pairs), velocity.shape[1]
        images = self._segments(keypoint, score, range(count), count + planes)
        images[:, count:] = velocity[..., None, None]
        return images


def _fit(
    keypoint: np.ndarray, seen: np.ndarray, size: tuple[int, int], square: bool
) -> np.ndarray:
    """Return keypoints, mapped from the box around all joints seen to a (H, W) size."""
    if not seen.any():
        return keypoint
    points = keypoint[seen]
    low = points.min(axis=0)
    # A box without width or height is widened to one pixel.
    extent = points.max(axis=0) - low
    extent = np.where(extent > 0, extent, 1)
    if square:
        side = np.full_like(extent, 1.25 * extent.max())
        low, extent = low - (side - extent) / 2, side
    return (keypoint - low) / extent * np.array(size[::-1], np.float32)
