"""Makes recordings of two people whose labels depend on both, out of PRECOG-16."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg.converters.precog import project
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs.command_line import seed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)

CLASSES = ['keep_distance', 'approach', 'move_away']
# The change of the distance in each class, and the fastest walk, in metres per second.
SPEEDS = (0.0, -0.5, 0.5)
WALK = 0.5
# The least and the largest distance, and where the first person turns back, in metres.
NEAREST, FARTHEST, REACH = 0.7, 3.0, 0.5
SECONDS = (1.0, 2.0)
# By how much both are moved away from the camera, which thus shows both, in metres.
BACK = 2.0


def segments(rng: np.random.Generator, frames: int, fps: float) -> Iterator[int]:
    """Yield the length in frames of segments that fill a recording."""
    while frames > 0:
        length = round(rng.uniform(*SECONDS) * fps)
        # The last one takes what would be too short for another.
        length = frames if frames - length < SECONDS[0] * fps else length
        yield length
        frames -= length


def walk(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Return places (T,) in metres; the speed changes at times, to not go beyond REACH.

    The way back may be longer.
    """
    steps: list[float] = []
    for length in segments(rng, frames, fps):
        speed = rng.uniform(-WALK, WALK)
        if abs(sum(steps) + speed * length / fps) > REACH:
            speed = -np.sign(sum(steps)) * abs(speed)
        steps += length * [speed / fps]
    return np.cumsum(steps)


def distances(
    rng: np.random.Generator, frames: int, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of the other person in metres, and the labels, both (T,)."""
    labels: list[int] = []
    steps = [rng.uniform(1.2, 2.2)]
    for length in segments(rng, frames, fps):
        fits = [
            k
            for k, speed in enumerate(SPEEDS)
            if NEAREST < sum(steps) + speed * length / fps < FARTHEST
        ]
        k = int(rng.choice([k for k in fits if k not in labels[-1:]] or [0]))
        labels += length * [k]
        steps += length * [SPEEDS[k] / fps]
    return np.cumsum(steps)[1:], np.array(labels)


def pair(
    videos: tuple[VideoAnnotation, VideoAnnotation],
    root: list[int],
    rng: np.random.Generator,
    *,
    strangers: bool,
) -> VideoAnnotation:
    """Return a recording of the people of two, with labels of the first person."""
    frames = min(video['total_frames'] for video in videos)
    fps, side = videos[0]['fps'], rng.choice([-1, 1])
    places = [walk(rng, frames, fps)]
    apart, label = distances(rng, frames, fps)
    places.append(places[0] + side * apart)
    poses = []
    for video, place in zip(videos, places, strict=True):
        pose = video['keypoint_3d'][0, :frames].copy()
        pose[..., 0] += (place - pose[:, root, 0].mean(axis=1))[:, None]
        pose[..., 2] += BACK
        seen = video['keypoint_score'][0, :frames] > 0
        poses.append(np.where(seen[..., None], pose, 0))
    keypoint_3d = np.stack(poses).astype(np.float32)
    return {
        'frame_dir': '_'.join(video['frame_dir'] for video in videos),
        'total_frames': frames,
        'img_shape': videos[0]['img_shape'],
        'fps': fps,
        'keypoint': project(keypoint_3d),
        'keypoint_score': np.any(keypoint_3d, axis=-1).astype(np.float32),
        'keypoint_3d': keypoint_3d,
        'label': videos[0]['label'][:frames] if strangers else label,
        'individual': 0,
    }


def make(data: AnnotationFile, number: int, *, strangers: bool) -> AnnotationFile:
    """Return annotations of pairs, one for each recording of `train` and `test`."""
    rng = np.random.default_rng(number)
    by_name = {video['frame_dir']: video for video in data['annotations']}
    root = list(Skeleton.get(data['metainfo']['skeleton']).root)
    annotations, split = [], {}
    for part in ('train', 'test'):
        videos = [by_name[name] for name in data['split'][part]]
        made = []
        for one in videos:
            others = [video for video in videos if video['person'] != one['person']]
            other = others[rng.integers(len(others))]
            made.append(pair((one, other), root, rng, strangers=strangers))
        annotations += made
        split[part] = [video['frame_dir'] for video in made]
    meta: Metainfo = {**data['metainfo'], 'dataset': 'precog_pairs', 'notes': []}
    if not strangers:
        meta = {**meta, 'classes': CLASSES, 'background': None}
    return {'annotations': annotations, 'split': split, 'metainfo': meta}


@dataclass(frozen=True, kw_only=True)
class Pairs(Job[None]):
    """Makes recordings of two people whose labels depend on both, out of PRECOG-16.

        mmskelseg convert precog data/precog
        python -m benchmarks.pairs data/precog/annotations.pkl \\
            data/pairs/annotations.pkl

    Each recording shows two different people of one split side by side, for as long as
    the shorter of their recordings lasts. The first one walks to and fro at random. The
    other one keeps the distance, approaches or moves away, for one to two seconds each,
    which are the classes. Who is on the left, the walk and the labels are independent
    of one another and of the strikes, so that the first person alone says nothing about
    the labels. With `--strangers`, the classes are the strikes of the first one, of
    which the other says nothing.
    """

    ann_file: Path = argument('that of PRECOG-16', metavar='ANN')
    out: Path = argument('file to write', metavar='OUT')
    seed: int = option('default: %(default)s', 0, type=seed)
    strangers: bool = option('keep the classes of PRECOG-16', False)

    def run(self, events: Events) -> None:
        """Write the annotation file."""
        data = load_annotations(self.ann_file)
        made = make(data, self.seed, strangers=self.strangers)
        save_annotations(made, self.out)
        events.note(str(self.out))


if __name__ == '__main__':
    Pairs.main()
