"""Skeletons drawn as heatmaps: Sec. III-A of the paper."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from mmskelseg.features.renderers.coordinates import (
    body_size,
    check_one_person,
    main_person,
    read_joints,
    root_path,
)
from mmskelseg.features.renderers.drawing import MIN_SCORE, draw_segments
from mmskelseg.features.renderers.renderer import BaseRenderer
from mmskelseg.streaming.body import RunningBody
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError

# Width of the box that follows a person: arms and legs that are stretched out reach to
# 2.5 root mean square distances from the hips.
_BODY_SIZES = 5


class RenderSkeletonHeatmap(BaseRenderer):
    """Draws the joints and limbs of each frame into one image, as their plain sum.

    Reads: keypoint (M, T, V, 2), x and y in pixels; keypoint_score (M, T, V), taken as
    1 where the key is missing; shift (2,), where :class:`RandomShift` wrote it, by
    which x and y move, as parts of the heatmap's width and height; fps, for the
    velocity. Writes: imgs (T, 3, H, W), float32, about 0 to 3, whose three channels are
    equal and share memory unless they hold sides; with the velocity (T, 5, H, W). Where
    the keypoints are a tensor, so is it, drawn on the device that they are on.

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        size: Height and width of the heatmap in pixels.
        sigma: Standard deviation of a joint and half-width of a limb, in pixels of
            the heatmap.
        joints: Whether joints are drawn (Eq. 1).
        limbs: Whether limbs are drawn (Eq. 2).
        box: ``sequence`` maps the smallest box around all joints seen in the whole
            video onto the heatmap, whatever its aspect; ``square`` a square around that
            box, a quarter larger, as MMAction2 does for PoseC3D; ``person`` a box that
            follows the person's root and is five body sizes wide and high, so that
            neither where people are nor how large they appear shows; None draws the
            keypoints as they stand, in pixels of the heatmap. A body size is the root
            mean square distance of a video's joints from the root. Of several persons,
            ``person`` draws the one with the highest sum of scores.
        distance: ``squared`` (of MMAction2's code), or ``printed``: Eq. 2 as it
            stands in the paper, without the square.
        sides: Whether the three channels hold the left side, the middle and the right
            side of the body, by the skeleton's flip pairs, in place of three times all.
            What touches both sides, or neither, is in the middle.
        velocity: Whether two more channels hold the velocity of the root along x and
            y, the same in all pixels, in body sizes a second. Only with
            ``box='person'``, whose picture does not show it.
        causal: Whether no picture depends on later frames. With ``box='person'`` the
            body size is then that of the frames so far, the velocity that from the
            frame before, and before the root is seen for the first time, the mean of
            all joints seen takes its place; a video must have one person. With
            ``box=None`` pictures are causal in any case.

    Raises:
        ValueError: If an option is not one of these, if nothing is to be drawn, or if
            the keypoints do not fit the skeleton or are not finite.

    Note:
        A Gaussian reaches as far as it is above 3e-6 of its peak, where MMAction2 cuts
        it off at three sigma. A limb shorter than one pixel follows Eq. 2 too, where
        MMAction2 draws its first joint instead. Keypoints are mapped to the heatmap
        before drawing: drawing at video size and shrinking the picture, as the paper
        words it, loses nearly all of a joint.

    Source: Hyder et al. (ICRA 2024), Sec. III-A; Duan et al., "Revisiting
    Skeleton-based Action Recognition" (CVPR 2022).
    """

    reads: ClassVar = 'poses'

    def __init__(
        self,
        skeleton: Skeleton | str | Mapping[str, Any],
        size: tuple[int, int] = (56, 56),
        *,
        sigma: float = 0.6,
        joints: bool = True,
        limbs: bool = True,
        box: str | None = 'sequence',
        distance: str = 'squared',
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
        if min(self.size) < 1 or sigma <= 0:
            raise UserError(
                f'size={size} and sigma={sigma} must be positive, in pixels.'
            )
        if not (joints or (limbs and self.skeleton.limbs)):
            raise UserError(
                f'joints={joints} and limbs={limbs} leave nothing of skeleton '
                f'{self.skeleton.name!r} to draw; set one of them to True.'
            )
        if box not in ('sequence', 'square', 'person', None):
            raise UserError(
                f"box={box!r} is not 'sequence', 'square', 'person' or None."
            )
        if velocity and box != 'person':
            raise UserError(
                f"velocity=True needs box='person', but box is {box!r}, in which the "
                'picture shows how the person moves.'
            )
        if causal and box not in ('person', None):
            raise UserError(
                f"causal=True needs box='person' or None, but box is {box!r}, which is "
                'known at the end of a video alone.'
            )
        if distance not in ('squared', 'printed'):
            raise UserError(f"distance={distance!r} is not 'squared' or 'printed'.")

    @property
    def context(self) -> tuple[float, float] | None:
        """Frames that an image depends on: its own, or all whose box it is drawn in."""
        if self.box is None:
            return (0, 0)
        return (math.inf, 0) if self.causal else None

    def transform(self, results: dict) -> dict:
        """Write ``imgs`` for the keypoints in ``results``."""
        keypoint, score, velocity = self._place(results)
        given = results['keypoint']
        if hasattr(given, 'cpu'):
            imgs: Any = self._on_device(keypoint, score, velocity, given.device)
        else:
            imgs = self._drawn(keypoint, score, velocity)
        results['imgs'] = imgs
        return results

    def blocks(self, results: Mapping[str, Any], frames: int) -> Iterator[np.ndarray]:
        """Yield ``imgs`` of that many frames at a time, so that no more are held."""
        keypoint, score, velocity = self._place(results)
        for begin in range(0, keypoint.shape[1], frames):
            block = slice(begin, begin + frames)
            yield self._drawn(keypoint[:, block], score[:, block], velocity[block])

    def place(self, results: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return keypoints in pixels of the heatmap (M, T, V, 2), and their scores."""
        return self._place(results)[:2]

    def _place(
        self, results: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return placed keypoints, their scores, and the velocity of the root (T, 2).

        Where it is not wanted, it has no columns.
        """
        keypoint, score = read_joints(
            results, 'keypoint', self.skeleton, 2, np.float32, score_dtype=np.float32
        )
        velocity = np.zeros((keypoint.shape[1], 0), np.float32)
        size = np.array(self.size[::-1], np.float32)
        if self.box == 'person':
            if self.causal:
                check_one_person(self, len(score), None)
            person = main_person(score)
            score = score[person : person + 1]
            points, seen = keypoint[person].astype(np.float64), score[0] >= MIN_SCORE
            if self.causal:
                running = RunningBody(self.skeleton.root, 2)
                root, relative, sizes = running.push(points, seen)
                moved = np.diff(root, axis=0, prepend=root[:1])
                body = sizes[:, None]
            else:
                root = root_path(points, seen, self.skeleton.root)
                relative = np.where(seen[..., None], points - root[:, None], 0)
                moved = np.diff(root, axis=0, append=root[-1:])
                body = np.array([[body_size(points, relative, seen)]])
            if self.velocity:
                velocity = (moved / body * results['fps']).astype(np.float32)
            placed = relative * size / (_BODY_SIZES * body[..., None]) + (size - 1) / 2
            keypoint = placed[None].astype(np.float32)
        elif self.box is not None:
            square = self.box == 'square'
            keypoint = _fit(keypoint, score >= MIN_SCORE, self.size, square)
        if 'shift' in results:
            keypoint = keypoint + np.array(results['shift'], np.float32) * size
        return keypoint, score, velocity

    def images(self, keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return the pictures of placed joints (M, T, V, 2) and scores (M, T, V)."""
        return self._drawn(keypoint, score, np.zeros((keypoint.shape[1], 0)))

    def _drawn(
        self, keypoint: np.ndarray, score: np.ndarray, velocity: np.ndarray
    ) -> np.ndarray:
        """Return pictures, with the velocity in channels of its own."""
        planes = velocity.shape[1]
        images = draw_segments(
            keypoint,
            score,
            self.pairs,
            self.size,
            self.sigma,
            squared=self.squared,
            channels=self._sides,
            num_channels=3 + planes if self.sides or planes else 1,
        )
        if images.shape[1] == 1:
            T, _, H, W = images.shape
            frame, _, row, column = images.strides
            # Like np.broadcast_to, but writable, which PyTorch expects of an array.
            return np.lib.stride_tricks.as_strided(
                images, (T, 3, H, W), (frame, 0, row, column)
            )
        if not self.sides:
            images[:, 1:3] = images[:, :1]
        images[:, 3:] = velocity[..., None, None]
        return images

    def _on_device(
        self,
        keypoint: np.ndarray,
        score: np.ndarray,
        velocity: np.ndarray,
        device: Any,
    ) -> Any:
        """Return the pictures as a tensor on a device."""
        import torch

        from mmskelseg.features.renderers.drawing_on_device import (
            draw_segments_on_device,
        )

        drawn = [
            draw_segments_on_device(
                torch.from_numpy(keypoint).to(device),
                torch.from_numpy(score).to(device),
                [p for p, c in zip(self.pairs, self._sides, strict=True) if c == side],
                self.size,
                self.sigma,
                squared=self.squared,
            )
            for side in range(3 if self.sides else 1)
        ]
        images = torch.stack(drawn, dim=1).expand(-1, 3, -1, -1)
        if not self.velocity:
            return images
        planes = torch.from_numpy(velocity).to(device)[..., None, None]
        return torch.cat([images, planes.expand(-1, -1, *self.size)], dim=1)

    @property
    def _sides(self) -> list[int]:
        """The channel that each segment is drawn into."""
        if not self.sides:
            return [0] * len(self.pairs)
        left, right = (
            {pair[side] for pair in self.skeleton.flip_pairs} for side in (0, 1)
        )
        touched = ((bool({*p} & left), bool({*p} & right)) for p in self.pairs)
        return [{(True, False): 0, (False, True): 2}.get(sides, 1) for sides in touched]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Between which joints segments are drawn, a joint and itself for a joint."""
        joints = [(v, v) for v in range(self.skeleton.num_joints)]
        limbs = list(self.skeleton.limbs)
        return (joints if self.joints else []) + (limbs if self.limbs else [])

    @property
    def squared(self) -> bool:
        """Whether a limb falls off with the square of the distance."""
        return self.distance == 'squared'

    def source(self, results: Mapping[str, Any]) -> list[np.ndarray]:
        """Return what is drawn, for the name of a feature file."""
        keys = ('keypoint', 'keypoint_score')
        return [results[key] for key in keys if key in results]

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is drawn, as plain values."""
        # Files of features made before there was `causal` keep their names.
        causal = {'causal': True} if self.causal else {}
        return {
            **causal,
            'type': type(self).__name__,
            'joints_of': list(self.skeleton.joints),
            'limbs_of': [list(pair) for pair in self.skeleton.limbs],
            'size': list(self.size),
            'sigma': self.sigma,
            'joints': self.joints,
            'limbs': self.limbs,
            'box': self.box,
            'distance': self.distance,
            'sides': self.sides,
            'velocity': self.velocity,
        }


class RenderJointHeatmaps(RenderSkeletonHeatmap):
    """Draws each joint, and then each limb, of those that are drawn, in its channel.

    PoseC3D reads them: ``limbs=False`` gives V channels, ``joints=False`` one for each
    limb.

    Reads and options: as for :class:`RenderSkeletonHeatmap`, whose image is the sum of
    these channels. Writes: imgs (T, channels, H, W), float32, 0 to 1.

    Source: Duan et al., "Revisiting Skeleton-based Action Recognition" (CVPR 2022).
    """

    def transform(self, results: dict) -> dict:
        """Write ``imgs`` for the keypoints in ``results``."""
        results['imgs'] = self._drawn(*self._place(results))
        return results

    def _drawn(
        self, keypoint: np.ndarray, score: np.ndarray, velocity: np.ndarray
    ) -> np.ndarray:
        count = len(self.pairs)
        images = draw_segments(
            keypoint,
            score,
            self.pairs,
            self.size,
            self.sigma,
            squared=self.squared,
            channels=range(count),
            num_channels=count + velocity.shape[1],
        )
        images[:, count:] = velocity[..., None, None]
        return images


def _fit(
    keypoint: np.ndarray, seen: np.ndarray, size: tuple[int, int], square: bool
) -> np.ndarray:
    """Map the box around all joints seen onto a heatmap of (H, W) = ``size``."""
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
